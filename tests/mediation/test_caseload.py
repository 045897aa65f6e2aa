"""The caseload: the same row in whatever order two services are heard, found by whoever may see it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.cases import (
    Amendment,
    CaseAmended,
    CaseAppealed,
    CaseDispatchAccepted,
    CaseDispatchDone,
    CaseDispatched,
    CaseDispatchReturned,
    CaseMerged,
    CaseMessageWritten,
    CaseReminded,
    CaseReopened,
    Closure,
    ReturnReason,
)
from services.contracts.deadlines import Rule
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.patterns import PatternFound, pattern_stream
from services.mediation.read_models.caseload import CASELOAD, CaseRow, evolve
from services.mediation.read_models.feeds import CASELOAD_CONSUMER
from tests.mediation.happened import (
    BAO,
    EAST,
    WILLOW_LANE,
    acknowledged,
    assigned,
    closed,
    due,
    escalated,
    given_on,
    mediated,
    opened,
    renewed,
    resolved,
)
from tests.mediation.office import AT, Office, recorded, reported
from tests.services import keyed, staff

CASE = UUID("0195a000-0000-7000-8000-0000000000c1")
OTHER = UUID("0195a000-0000-7000-8000-0000000000c2")
CLOCKS = (Rule.ACKNOWLEDGE, Rule.ACCEPT, Rule.DONE, Rule.MEDIATE)
CADRE = staff("cadre", WILLOW_LANE, subject="mei")

STORY: Sequence[Event] = (
    opened(),
    assigned(),
    acknowledged(),
    CaseDispatched(unit="water", tracker="mei", deadlines=(due(Rule.ACCEPT),)),
    CaseDispatchAccepted(unit="water"),
    CaseDispatchReturned(unit="water", reason=ReturnReason.NEEDS_MORE),
    CaseDispatched(unit="water", tracker="mei", deadlines=(due(Rule.ACCEPT),)),
    CaseDispatchDone(unit="water"),
    mediated(),
    CaseReminded(rule="mediate", due_at=due(Rule.MEDIATE).due_at),
    escalated(),
    assigned(),
    resolved(),
    CaseReopened(level=EAST),
    CaseMerged(into=OTHER),
    resolved(),
    closed(Closure.CONFIRMED),
)


def told(events: Sequence[Event], source: str) -> list[Recorded]:
    return [
        recorded(event, CASE, version=nth, source=source, at=AT + timedelta(hours=nth if source == "mediation" else 0))
        for nth, event in enumerate(events, 1)
    ]


def folded(story: Sequence[Recorded]) -> CaseRow | None:
    start: CaseRow | None = None
    return reduce(lambda row, one: evolve(row, one, one.event()), story, start)


@given(st.integers(1, len(STORY)), st.integers(0, len(STORY)))
def test_where_intakes_word_falls_between_mediations_makes_no_difference(length: int, at: int) -> None:
    mediation = told(STORY[:length], "mediation")
    [intake] = told([reported()], "intake")
    assert folded([*mediation[:at], intake, *mediation[at:]]) == folded([intake, *mediation])


def test_every_event_moves_the_row() -> None:
    story = told([reported()], "intake") + told(STORY, "mediation")
    rows = [folded(story[: nth + 1]) for nth in range(len(story))]
    seen = [(row.state, row.level == EAST, row.owner, row.due_at) for row in rows if row]
    answer, accept, done, mediation = (due(rule).due_at for rule in CLOCKS)
    above = renewed(Rule.ACKNOWLEDGE).due_at
    assert seen == [
        ("reported", False, None, None),
        ("opened", False, None, answer),
        ("assigned", False, "mei", answer),
        ("acknowledged", False, "mei", done),
        ("dispatched", False, "mei", accept),
        ("dispatched", False, "mei", done),
        ("acknowledged", False, "mei", done),
        ("dispatched", False, "mei", accept),
        ("acknowledged", False, "mei", done),
        ("in_mediation", False, "mei", mediation),
        ("in_mediation", False, "mei", mediation),
        ("opened", True, None, above),
        ("assigned", True, "mei", above),
        ("resolved", True, "mei", None),
        ("opened", True, None, None),
        ("merged", True, None, None),
        ("resolved", True, None, None),
        ("closed", True, None, None),
    ]
    words = {CaseAmended.type, CaseAppealed.type, CaseMessageWritten.type}
    assert {one.type for one in story} | words == CASELOAD.types


@given(st.integers(1, 3), st.integers(0, 4))
def test_a_resident_who_wrote_waits_until_somebody_answers(hours: int, at: int) -> None:
    wrote = CaseAmended(particulars=OTHER, amendment=Amendment.MESSAGE)
    [report, word] = told([reported(), wrote], "intake")
    word = word._replace(occurred_at=AT + timedelta(hours=hours, minutes=30))
    mediation = told((opened(), assigned(), CaseMessageWritten(by="mei", message=OTHER)), "mediation")
    row = folded([report, *mediation[:at], word, *mediation[at:]])
    assert row is not None
    assert row.waits_for_word == (hours == 3), "whatever arrives first, the later word counts"


def test_whoever_is_given_a_case_on_has_a_date_to_acknowledge_it_by() -> None:
    row = folded(told((opened(), assigned(), acknowledged(), given_on()), "mediation"))
    assert row is not None
    assert (row.state, row.owner, row.acknowledge_by) == ("assigned", "bao", due(Rule.ACKNOWLEDGE).due_at)


@pytest.mark.parametrize("since", [assigned(BAO), mediated(first=False)], ids=lambda event: event.type)
def test_a_unit_that_no_longer_has_the_case_is_not_named(since: Event) -> None:
    sent = CaseDispatched(unit="water", tracker="mei", deadlines=(due(Rule.ACCEPT),))
    row = folded(told((opened(), assigned(), acknowledged(), sent, since), "mediation"))
    assert row is not None
    assert (row.unit, row.accept_by, row.due_at) == (None, None, due(Rule.DONE).due_at)


async def found(office: Office, who: dict[str, str], **wanted: Any) -> dict[str, Any]:
    answer = await office.client.get("/api/mediation/v1/cases", headers=who, params=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_pages_hold_every_case_once_newest_first(office: Office) -> None:
    area = "/lakeside/pages/"
    cases = {str(case) for case in await office.report(area, times=7)}
    who = staff("cadre", area)
    pages: list[list[str]] = []
    after: dict[str, str] = {}
    while True:
        page = await found(office, who, limit=3, **after)
        pages.append([case["case_id"] for case in page["cases"]])
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert [len(page) for page in pages] == [3, 3, 1]
    listed = [case for page in pages for case in page]
    assert set(listed) == cases
    assert listed == sorted(listed, reverse=True), "reported at the same instant, so by id"


async def test_each_filter_narrows(office: Office) -> None:
    area = "/lakeside/filters/"
    who = staff("cadre", area, subject="mei")
    mine, other = await office.report(area, times=2)
    await office.client.post(f"/api/mediation/v1/cases/{mine}/acknowledge", headers={**who, **keyed()})
    await office.project()
    row = (await found(office, who, state="acknowledged"))["cases"][0]
    assert (row["case_id"], row["owner"]) == (str(mine), "mei")
    for wanted in (
        {"state": "acknowledged"},
        {"owner": "mei"},
        {"reference": row["reference"]},
        {"state": "acknowledged", "area": area, "kind": "fault", "category": "water-leak"},
    ):
        assert [case["case_id"] for case in (await found(office, who, **wanted))["cases"]] == [str(mine)]
    both = {str(mine), str(other)}
    for wanted in ({}, {"state": ["opened", "acknowledged"]}, {"area": "/lakeside/"}, {"kind": "fault"}):
        assert {case["case_id"] for case in (await found(office, who, **wanted))["cases"]} == both
    for wanted in ({"area": "/lakeside/filter/"}, {"kind": "need"}, {"category": "tree"}, {"state": "closed"}):
        assert (await found(office, who, **wanted))["cases"] == []


async def test_nobody_sees_another_area(office: Office) -> None:
    [near] = await office.report("/lakeside/d1/")
    [far] = await office.report("/lakeside/d10/")
    who = staff("cadre", "/lakeside/d1/")
    assert [case["case_id"] for case in (await found(office, who))["cases"]] == [str(near)]
    assert (await found(office, who, area="/lakeside/d10/"))["cases"] == []
    hidden = await office.client.get(f"/api/mediation/v1/cases/{far}", headers=who)
    assert hidden.status_code == 404
    assert hidden.json()["type"] == "urn:doorstep:unknown"


async def test_a_case_is_in_the_file_before_mediation_has_opened_it(office: Office) -> None:
    case = uuid4()
    await office.told(CASELOAD_CONSUMER, recorded(reported(), case))
    file = (await office.client.get(f"/api/mediation/v1/cases/{case}", headers=CADRE)).json()
    assert (file["case"]["state"], file["version"], file["events"]) == ("reported", 0, [])


async def test_the_file_is_never_behind_its_own_events(office: Office) -> None:
    [case] = await office.report()
    await office.client.post(f"/api/mediation/v1/cases/{case}/acknowledge", headers={**CADRE, **keyed()})
    file = (await office.client.get(f"/api/mediation/v1/cases/{case}", headers=CADRE)).json()
    assert (file["case"]["state"], file["case"]["owner"], file["version"]) == ("acknowledged", "mei", 3)
    assert file["case"]["reported_at"] == AT.isoformat().replace("+00:00", "Z")


async def test_a_pattern_stands_beside_the_first_page_where_it_is_in_scope(office: Office) -> None:
    area = "/lakeside/patterns/"
    pattern = PatternFound(area=area, category="water-leak", cases=9, since=AT, until=AT + timedelta(days=2))
    event = recorded(pattern, pattern_stream(area, "water-leak"), area, source="reporting")
    await office.told(CASELOAD_CONSUMER, event)
    [shown] = (await found(office, staff("cadre", area)))["patterns"]
    assert (shown["category"], shown["cases"]) == ("water-leak", 9)
    assert (await found(office, staff("cadre", "/lakeside/pages/")))["patterns"] == []


async def test_registering_again_corrects_the_clock(office: Office) -> None:
    area = "/lakeside/clocks/"
    await office.register(area, "Asia/Shanghai")
    await office.register(area, "Asia/Urumqi")
    async with office.service.worker.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT time_zone FROM place WHERE area = $1", (area,))
        assert list(rows.scalars()) == ["Asia/Urumqi"]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"after": "nonsense"}, "after"),
        ({"after": "MjAyNi0wMS0wMXx4"}, "after"),
        ({"limit": "501"}, "limit"),
        ({"state": "lost"}, "state.0"),
        ({"area": "no-path"}, "area"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_named(office: Office, wanted: dict[str, str], field: str) -> None:
    answer = await office.client.get("/api/mediation/v1/cases", headers=CADRE, params=wanted)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == field


async def test_a_read_that_waits_in_vain_says_so(office: Office) -> None:
    [case] = await office.report()
    position = f"mediation:{case}:99"
    answer = await office.client.get("/api/mediation/v1/cases", headers={**CADRE, "Doorstep-Position": position})
    assert answer.headers["Doorstep-Behind"] == position
