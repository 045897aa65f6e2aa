"""Declining a case, and appealing it: a person and a reason, and then another person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.contracts.cases import CaseClosed, CaseDeclined, CaseErased, CaseReopened, Closure, DeclineReason
from services.contracts.deadlines import Rule
from services.mediation.domain.commands import AcknowledgeCase, AppealCase, DeclineCase, ReopenCase
from services.mediation.domain.decider import CASES
from services.mediation.domain.errors import (
    AlreadyClosed,
    NothingDeclined,
    NotYourCase,
    NotYourLevel,
    SamePersonAgain,
    WindowOver,
)
from tests.given import Given
from tests.mediation.happened import (
    BAO,
    EAST,
    LAKESIDE,
    MEI,
    MONDAY,
    SUPERVISOR,
    TEXT,
    acknowledged,
    around,
    assign,
    assigned,
    closed,
    due,
    escalated,
    opened,
    promised,
    resolved,
)

given = Given(CASES)

DECLINE = DeclineCase(MEI, DeclineReason.OUTSIDE_REMIT, TEXT, "zh", around())
DECLINED = CaseDeclined(
    by="mei", reason=DeclineReason.OUTSIDE_REMIT, explanation=TEXT, language="zh", deadlines=(due(Rule.REOPEN),)
)
CLOSED = CaseClosed(closure=Closure.DECLINED)
TAKEN = (opened(), assigned(MEI), acknowledged(MEI))
ENDED = (*TAKEN, DECLINED, CLOSED)
APPEAL = AppealCase(MONDAY + timedelta(days=1), around())


class TestDeclining:
    def test_a_person_says_so_with_a_reason_and_a_time_to_appeal(self) -> None:
        given(*TAKEN).when(DECLINE).then(DECLINED, CLOSED)

    def test_who_declines_what_nobody_has_taken_on_answers_for_it_first(self) -> None:
        given(opened()).when(DECLINE).then(assigned(MEI), acknowledged(MEI), DECLINED, CLOSED)

    def test_only_its_owner_declines(self) -> None:
        given(*TAKEN).when(replace(DECLINE, by=BAO)).refused(NotYourCase, owner="mei")
        given(opened(), escalated()).when(DECLINE).refused(NotYourLevel, level=EAST)

    def test_what_has_ended_is_declined_no_more(self) -> None:
        given(*ENDED).when(DECLINE).refused(AlreadyClosed)

    def test_no_date_of_it_runs_on_but_the_time_to_appeal(self) -> None:
        case = given(*ENDED).state()
        assert [clock.rule for clock in case.standing.clocks] == [Rule.REOPEN]


class TestAppealing:
    def test_it_goes_one_level_up_to_whoever_is_on_duty_there(self) -> None:
        reopened = CaseReopened(level=EAST, previous_owner="mei", on_appeal=True, deadlines=promised())
        given(*ENDED).when(AppealCase(MONDAY, around(on_duty={EAST: "ana"}))).then(reopened, assigned(SUPERVISOR))
        given(*ENDED).when(APPEAL).then(reopened)

    def test_whoever_declined_it_gets_it_no_more_even_when_they_are_on_duty_above(self) -> None:
        appealed = AppealCase(MONDAY, around(on_duty={EAST: "mei bao"}))
        reopened = CaseReopened(level=EAST, previous_owner="mei", on_appeal=True, deadlines=promised())
        given(*ENDED).when(appealed).then(reopened, assigned(BAO))
        again = given(*ENDED, reopened)
        again.when(assign(SUPERVISOR, MEI)).refused(SamePersonAgain, person="mei")
        again.when(AcknowledgeCase(replace(MEI, areas=(EAST,)))).refused(SamePersonAgain, person="mei")

    def test_at_the_top_another_person_there_looks_at_it(self) -> None:
        top = (opened(), escalated(), escalated(EAST, LAKESIDE), assigned(MEI), acknowledged(MEI), DECLINED, CLOSED)
        reopened = CaseReopened(level=LAKESIDE, previous_owner="mei", on_appeal=True, deadlines=promised())
        given(*top).when(AppealCase(MONDAY, around(on_duty={LAKESIDE: "mei ana"}))).then(reopened, assigned(SUPERVISOR))

    def test_the_time_for_it_ends(self) -> None:
        end = due(Rule.REOPEN).due_at
        given(*ENDED).when(replace(APPEAL, asked_at=end)).refused(WindowOver, ended=end.date().isoformat())

    @pytest.mark.parametrize("before", [TAKEN, (*TAKEN, resolved()), (*TAKEN, closed(Closure.WITHDRAWN))])
    def test_what_nobody_declined_is_not_appealed(self, before: tuple[CaseClosed, ...]) -> None:
        given(*before).when(APPEAL).refused(NothingDeclined)

    def test_what_was_declined_is_appealed_not_reopened(self) -> None:
        given(*ENDED).when(ReopenCase(MONDAY, around())).refused(AlreadyClosed)

    def test_an_erased_case_stays_erased_through_an_appeal(self) -> None:
        state = given(*ENDED, CaseErased(), CaseReopened(level=EAST, previous_owner="mei", on_appeal=True)).state()
        assert state.standing.erased
