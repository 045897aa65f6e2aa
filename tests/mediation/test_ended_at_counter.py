"""What ended at the counter: opened, taken on and resolved in one breath, by whoever answered it; and ideas."""

import re
from dataclasses import replace
from datetime import date
from html import unescape
from uuid import uuid4

import pytest

from services.contracts.cases import (
    AnsweredAtOnce,
    CaseAcknowledged,
    CaseAssigned,
    CaseOpened,
    CaseReopened,
    CaseReopeningAsked,
    CaseReported,
    CaseResolved,
    Channel,
    Ending,
    Kind,
    Resolution,
)
from services.contracts.deadlines import Rule
from services.mediation.domain.commands import AcknowledgeCase, Answer, AnsweredBefore, ReopenCase
from services.mediation.domain.decider import CASES
from services.mediation.domain.errors import AlreadyResolved, SamePersonAgain
from services.mediation.pages import ideas
from services.mediation.read_models.feeds import CASELOAD_CONSUMER, COMMANDS_CONSUMER
from tests.given import Given
from tests.mediation.happened import BAO, DAY, MEI, MONDAY, OPEN, TEXT, WILLOW_LANE, around, due, opened, promised
from tests.mediation.office import Office, recorded, reported
from tests.mediation.test_pages import mei_at

given = Given(CASES)

ANSWERED = AnsweredBefore("mei", Answer(Resolution.ON_THE_SPOT, TEXT, "ug", DAY))
HAPPENED = (
    opened().model_copy(update={"answered_by": "mei", "deadlines": ()}),
    CaseAssigned(owner="mei"),
    CaseAcknowledged(owner="mei"),
    CaseResolved(
        resolution=Resolution.ON_THE_SPOT,
        resolved_on=DAY,
        language="ug",
        deadlines=(due(Rule.CONFIRM), due(Rule.REOPEN)),
        answer=TEXT,
    ),
)


def answered(kind: Kind = Kind.CONSULTATION, category: str = "legal-question") -> CaseReported:
    told = AnsweredAtOnce(how=Ending.ADVICE, by="mei", explanation=uuid4(), language="ug")
    more = {"kind": kind, "category": category, "channel": Channel.COUNTER, "answered": told}
    return reported().model_copy(update=more)


class TestRules:
    def test_it_is_resolved_by_who_answered_it_whoever_is_on_duty(self) -> None:
        on_duty = around(on_duty={WILLOW_LANE: "bao"})
        given().when(replace(OPEN, answered=ANSWERED, circumstances=on_duty)).then(*HAPPENED)

    def test_the_same_report_again_is_no_news(self) -> None:
        given(*HAPPENED).when(replace(OPEN, answered=ANSWERED)).then()

    def test_nothing_is_to_be_taken_on_any_more(self) -> None:
        given(*HAPPENED).when(AcknowledgeCase(BAO)).refused(AlreadyResolved)

    def test_a_resident_who_is_not_content_gets_somebody_else(self) -> None:
        on_duty = around(on_duty={WILLOW_LANE: "mei bao"})
        reopened = CaseReopened(level=WILLOW_LANE, previous_owner="mei", deadlines=promised())
        given(*HAPPENED).when(ReopenCase(MONDAY, on_duty)).then(reopened, CaseAssigned(owner="bao"))
        given(*HAPPENED, reopened).when(AcknowledgeCase(MEI)).refused(SamePersonAgain, person="mei")


async def test_a_report_that_ended_at_the_counter_is_resolved_at_once_and_once(office: Office) -> None:
    await office.register()
    case, event = uuid4(), answered()
    for _ in range(2):
        await office.told(COMMANDS_CONSUMER, recorded(event, case, actor="mei"))
    stored = await office.events_of(case)
    assert [one.type for one in stored] == ["case.opened", "case.assigned", "case.acknowledged", "case.resolved"]
    began, *_, ended = (one.event() for one in stored)
    assert isinstance(began, CaseOpened)
    assert (began.answered_by, began.deadlines) == ("mei", ())
    assert isinstance(ended, CaseResolved)
    assert event.answered is not None
    assert (ended.answer, ended.explanation) == (event.answered.explanation, None)
    assert (ended.resolved_on, ended.language) == (date(2026, 3, 1), "ug")
    assert {one.rule for one in ended.deadlines} == {Rule.CONFIRM, Rule.REOPEN}


async def test_the_desk_shows_who_answered_it_and_where_the_words_lie(office: Office) -> None:
    await office.register()
    case = uuid4()
    told = recorded(answered(), case, actor="mei")
    await office.told(CASELOAD_CONSUMER, told)
    await office.told(COMMANDS_CONSUMER, told)
    await office.project()
    person = await mei_at(office)
    page = await person.page(case)
    assert "It ended at the counter. What they were told lies with the report." in page
    assert "mei has taken the case on" in page
    assert "Resolved, the resident&#39;s turn" in page


async def test_its_resident_may_have_it_taken_up_again(office: Office) -> None:
    await office.register()
    case = uuid4()
    await office.told(COMMANDS_CONSUMER, recorded(answered(), case, actor="mei"))
    await office.told(COMMANDS_CONSUMER, recorded(CaseReopeningAsked(particulars=uuid4()), case, version=2))
    assert (await office.types_of(case))[4] == "case.reopened"


class TestIdeas:
    async def test_they_stand_on_a_list_open_or_answered_and_nothing_else_does(self, office: Office) -> None:
        await office.register()
        [there] = await office.report(kind=Kind.IDEA, category="golden-idea")
        [fault] = await office.report()
        case = uuid4()
        told = recorded(answered(Kind.IDEA, "neighbourhood"), case, actor="mei")
        await office.told(CASELOAD_CONSUMER, told)
        await office.told(COMMANDS_CONSUMER, told)
        await office.project()
        page = (await (await mei_at(office)).get("/desk/ideas")).text
        assert f"/desk/cases/{there}" in page
        assert f"/desk/cases/{case}" in page
        assert f"/desk/cases/{fault}" not in page
        assert "Golden idea" in page
        assert "Resolved, the resident&#39;s turn" in page

    async def test_older_ones_are_a_page_away(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        await office.register()
        monkeypatch.setattr(ideas, "IDEAS_ON_A_PAGE", 2)
        added = {str(case) for case in await office.report(times=3, kind=Kind.IDEA, category="golden-idea")}
        person, seen, path = await mei_at(office), set[str](), "/desk/ideas"
        while path:
            page = (await person.get(path)).text
            seen |= {case for case in added if case in page}
            older = re.search(r'class="more"><a href="([^"]*)"', page)
            path = unescape(older[1]) if older else ""
        assert seen == added

    async def test_a_mark_that_is_none_shows_the_first_page(self, office: Office) -> None:
        assert (await (await mei_at(office)).get("/desk/ideas?after=nonsense")).status_code == 200
