"""What dates do to a case: it is given to who is on duty, reminded of, and goes up when nobody keeps them."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from services.contracts.cases import (
    CaseAssigned,
    CaseClosed,
    CaseContactRequested,
    CaseDelayExplained,
    CaseDispatched,
    CaseEscalated,
    CaseReminded,
    CaseReopened,
    Closure,
    EscalationReason,
    Urgency,
)
from services.contracts.deadlines import Deadline, Rule
from services.contracts.event import Event
from services.mediation.domain.commands import (
    AcknowledgeCase,
    MergeCase,
    PassDate,
    Remind,
    ReopenCase,
)
from services.mediation.domain.decider import CASES
from services.mediation.domain.errors import AlreadyClosed, NeverReopened, SamePersonAgain, WindowOver
from tests.given import Given
from tests.mediation.happened import (
    BAO,
    EAST,
    LAKESIDE,
    MEI,
    MONDAY,
    OPEN,
    SUPERVISOR,
    WILLOW_LANE,
    acknowledged,
    around,
    assign,
    assigned,
    closed,
    due,
    given_on,
    handed,
    imported_resolution,
    opened,
    promised,
    renewed,
    resolved,
)

given = Given(CASES)

ACKNOWLEDGE = due(Rule.ACKNOWLEDGE)
DONE = due(Rule.DONE)
LATE = ACKNOWLEDGE.due_at
EARLY = MONDAY + timedelta(hours=1)
NIGHT = {WILLOW_LANE: "mei", EAST: "ana", LAKESIDE: "wu"}


def passed(clock: Deadline) -> PassDate:
    return PassDate(clock.rule, clock.due_at, around(clock.due_at, NIGHT))


def gone_up(rule: Rule, owner: str, *clocks: Deadline, begin: str = WILLOW_LANE, to: str = EAST) -> CaseEscalated:
    reason = EscalationReason.UNACKNOWLEDGED if rule is Rule.ACKNOWLEDGE else EscalationReason.OVERDUE
    return CaseEscalated(from_level=begin, to_level=to, reason=reason, owner=owner, rule=rule, deadlines=clocks)


class TestOpening:
    def test_a_case_is_somebodys_from_its_first_moment(self) -> None:
        on_duty = replace(OPEN, circumstances=around(on_duty=NIGHT))
        given().when(on_duty).then(opened(), CaseAssigned(owner="mei"))

    def test_an_empty_desk_is_answered_for_above(self) -> None:
        above = replace(OPEN, circumstances=around(on_duty={LAKESIDE: "wu"}))
        given().when(above).then(opened(), CaseAssigned(owner="wu"))


class TestReminding:
    def test_of_what_is_still_promised(self) -> None:
        reminded = CaseReminded(rule="acknowledge", level=WILLOW_LANE, owner="mei", due_at=LATE)
        given(opened(), assigned(MEI)).when(Remind("acknowledge", EARLY)).then(reminded)

    @pytest.mark.parametrize(
        "since", [(acknowledged(MEI),), (acknowledged(MEI), resolved()), (closed(Closure.WITHDRAWN),)]
    )
    def test_not_of_what_was_done_meanwhile(self, since: tuple[Event, ...]) -> None:
        given(opened(), assigned(MEI), *since).when(Remind("acknowledge", EARLY)).then()


class TestNobodyAcknowledges:
    """Community, street, district: each level has its own person and its own date; at the top it is said again."""

    first = gone_up(Rule.ACKNOWLEDGE, "ana", renewed(Rule.ACKNOWLEDGE, LATE))
    second_due = renewed(Rule.ACKNOWLEDGE, LATE)
    second = gone_up(Rule.ACKNOWLEDGE, "wu", renewed(Rule.ACKNOWLEDGE, second_due.due_at), begin=EAST, to=LAKESIDE)
    third_due = renewed(Rule.ACKNOWLEDGE, second_due.due_at)

    def test_it_climbs(self) -> None:
        given(opened(), assigned(MEI)).when(passed(ACKNOWLEDGE)).then(self.first)
        given(opened(), assigned(MEI), self.first).when(passed(self.second_due)).then(self.second)

    def test_at_the_top_whoever_has_it_is_reminded_until_somebody_answers(self) -> None:
        at_the_top = (opened(), assigned(MEI), self.first, self.second)
        again = renewed(Rule.ACKNOWLEDGE, self.third_due.due_at)
        reminded = CaseReminded(rule="acknowledge", level=LAKESIDE, owner="wu", deadlines=(again,))
        given(*at_the_top).when(passed(self.third_due)).then(reminded)
        given(*at_the_top, reminded).when(passed(self.third_due)).then()

    def test_a_date_that_was_replaced_moves_nothing(self) -> None:
        given(opened(), assigned(MEI), self.first).when(passed(ACKNOWLEDGE)).then()

    def test_one_that_was_given_on_climbs_if_its_new_owner_does_not(self) -> None:
        taken = (opened(), assigned(MEI), acknowledged(MEI))
        given(*taken, given_on(BAO)).when(passed(ACKNOWLEDGE)).then(self.first)
        given(*taken, given_on(BAO), acknowledged(BAO)).when(passed(ACKNOWLEDGE)).then()

    def test_unassigned_cases_climb_too(self) -> None:
        given(opened()).when(passed(ACKNOWLEDGE)).then(self.first)


class TestOverdue:
    def test_it_goes_up_with_a_new_date_to_be_done(self) -> None:
        at = DONE.due_at
        up = gone_up(Rule.DONE, "ana", renewed(Rule.ACKNOWLEDGE, at), renewed(Rule.DONE, at))
        given(opened(), assigned(MEI), acknowledged(MEI)).when(passed(DONE)).then(up)


class TestDatesThatPassTogether:
    """They raise a case one level, in whatever order they are taken: the next one up is given time of their own."""

    taken = (opened(), assigned(MEI), acknowledged(MEI))

    def test_the_two_that_an_overdue_case_went_up_with(self) -> None:
        at = DONE.due_at
        acknowledge, done = renewed(Rule.ACKNOWLEDGE, at), renewed(Rule.DONE, at)
        assert acknowledge.due_at == done.due_at
        once = (*self.taken, gone_up(Rule.DONE, "ana", acknowledge, done))
        again = renewed(Rule.ACKNOWLEDGE, done.due_at), renewed(Rule.DONE, done.due_at)
        for first, second in ((acknowledge, done), (done, acknowledge)):
            up = gone_up(Rule(first.rule), "wu", *again, begin=EAST, to=LAKESIDE)
            given(*once).when(passed(first)).then(up)
            given(*once, up).when(passed(second)).then()

    def test_at_the_top_one_reminder_speaks_of_all(self) -> None:
        at = DONE.due_at
        acknowledge, done = renewed(Rule.ACKNOWLEDGE, at), renewed(Rule.DONE, at)
        top = (*self.taken, gone_up(Rule.DONE, "wu", acknowledge, done, begin=EAST, to=LAKESIDE))
        again = renewed(Rule.ACKNOWLEDGE, done.due_at), renewed(Rule.DONE, done.due_at)
        for first, second in ((acknowledge, done), (done, acknowledge)):
            [reminded] = CASES.decide(passed(first), given(*top).state())
            assert isinstance(reminded, CaseReminded)
            assert reminded.deadlines == again
            given(*top, reminded).when(passed(second)).then()

    def test_a_silent_unit_at_the_hour_at_which_it_was_to_be_done(self) -> None:
        accept = due(Rule.ACCEPT, DONE.due_at - timedelta(days=3, hours=5))
        assert accept.due_at == DONE.due_at
        sent = (*self.taken, CaseDispatched(unit="water", tracker="mei", deadlines=(accept,)))
        for first, second in ((accept, DONE), (DONE, accept)):
            [up] = CASES.decide(passed(first), given(*sent).state())
            assert isinstance(up, CaseEscalated)
            given(*sent, up).when(passed(second)).then()

    def test_what_an_outage_let_pass(self) -> None:
        clocks = [due(rule, urgency=Urgency.URGENT) for rule in (Rule.ACKNOWLEDGE, Rule.DONE)]
        urgent = opened().model_copy(update={"urgency": Urgency.URGENT, "deadlines": tuple(clocks)})
        back = around(MONDAY + timedelta(hours=25), NIGHT)
        for first, second in (clocks, clocks[::-1]):
            [up] = CASES.decide(PassDate(first.rule, first.due_at, back), given(urgent, assigned(MEI)).state())
            assert isinstance(up, CaseEscalated)
            given(urgent, assigned(MEI), up).when(PassDate(second.rule, second.due_at, back)).then()


class TestTheSameDay:
    def test_three_things_happen_at_closing_hour(self) -> None:
        given(opened(), assigned(MEI), acknowledged(MEI)).when(passed(due(Rule.SAME_DAY))).then(
            CaseReminded(rule="same-day", level=WILLOW_LANE, owner="mei", due_at=DONE.due_at),
            CaseContactRequested(rule="same-day", unit=None),
            CaseDelayExplained(rule="same-day", owner="mei", due_at=DONE.due_at),
        )

    def test_what_was_solved_today_needs_none_of_it(self) -> None:
        given(opened(), assigned(MEI), acknowledged(MEI), resolved()).when(passed(due(Rule.SAME_DAY))).then()


class TestAfterTheResolution:
    solved = (opened(), assigned(MEI), acknowledged(MEI), resolved())

    def test_silence_closes(self) -> None:
        given(*self.solved).when(passed(due(Rule.CONFIRM))).then(CaseClosed(closure=Closure.WINDOW_ENDED))

    @pytest.mark.parametrize("since", [(), (closed(Closure.WINDOW_ENDED),), (closed(Closure.CONFIRMED),)])
    def test_it_is_reopened_for_somebody_else(self, since: tuple[Event, ...]) -> None:
        week = MONDAY + timedelta(days=7)
        clocks = promised(week)
        reopened = CaseReopened(level=WILLOW_LANE, previous_owner="mei", deadlines=clocks)
        asked = ReopenCase(week, around(week, {WILLOW_LANE: "mei", EAST: "ana"}))
        given(*self.solved, *since).when(asked).then(reopened, CaseAssigned(owner="ana"))
        second = ReopenCase(week, around(week, {WILLOW_LANE: "mei bao", EAST: "ana"}))
        given(*self.solved, *since).when(second).then(reopened, CaseAssigned(owner="bao"))
        again = given(*self.solved, *since, reopened)
        again.when(assign(BAO, MEI)).refused(SamePersonAgain, person="mei")
        again.when(assign(BAO, SUPERVISOR)).then(handed(SUPERVISOR))

    def test_who_had_it_once_never_has_it_again(self) -> None:
        duty = around(on_duty={WILLOW_LANE: "mei bao", EAST: "ana"})
        first = CaseReopened(level=WILLOW_LANE, previous_owner="mei", deadlines=promised())
        second = CaseReopened(level=WILLOW_LANE, previous_owner="bao", deadlines=promised())
        twice = (*self.solved, first, assigned(BAO), acknowledged(BAO), resolved())
        given(*twice).when(ReopenCase(MONDAY, duty)).then(second, CaseAssigned(owner="ana"))
        again = given(*twice, second, assigned(SUPERVISOR))
        for had_it in (MEI, BAO):
            again.when(AcknowledgeCase(had_it)).refused(SamePersonAgain, person=had_it.id)
            again.when(assign(SUPERVISOR, had_it)).refused(SamePersonAgain, person=had_it.id)
            theirs = given(opened(), assigned(had_it)).state()
            for by in (had_it, SUPERVISOR):
                again.when(MergeCase(by, uuid4(), theirs)).refused(SamePersonAgain, person=had_it.id)

    def test_the_window_is_moved_by_nothing(self) -> None:
        window = due(Rule.REOPEN).due_at
        just_in_time = ReopenCase(window - timedelta(seconds=1), around(window + timedelta(days=1)))
        given(*self.solved, closed(Closure.WINDOW_ENDED)).when(just_in_time).then(
            CaseReopened(level=WILLOW_LANE, previous_owner="mei", deadlines=promised(window + timedelta(days=1)))
        )
        too_late = ReopenCase(window, around(window))
        given(*self.solved).when(too_late).refused(WindowOver, ended=window.date().isoformat())

    def test_what_was_withdrawn_or_never_solved_is_not_reopened(self) -> None:
        asked = ReopenCase(MONDAY, around())
        given(opened(), closed(Closure.WITHDRAWN)).when(asked).refused(AlreadyClosed)
        given(opened()).when(asked).refused(NeverReopened)
        given(opened(), imported_resolution()).when(asked).refused(NeverReopened)
