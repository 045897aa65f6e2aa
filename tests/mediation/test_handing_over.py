"""Cases that others help with: a unit's answers, and the one case that is answered for several."""

from uuid import uuid4

import pytest

from services.contracts.cases import (
    CaseDispatchAccepted,
    CaseDispatchDone,
    CaseDispatched,
    CaseDispatchReturned,
    CaseMerged,
    CaseReopened,
    Closure,
    EscalationReason,
    Resolution,
    ReturnReason,
)
from services.contracts.deadlines import Rule
from services.contracts.event import Event
from services.mediation.domain.commands import (
    AcceptDispatch,
    AcknowledgeCase,
    Answer,
    AnswerMerged,
    Command,
    DispatchCase,
    FinishDispatch,
    MergeCase,
    PassDate,
    ReleaseMerged,
    ReturnDispatch,
)
from services.mediation.domain.decider import CASES
from services.mediation.domain.errors import (
    AlreadyMerged,
    NotDispatched,
    NotYourCase,
    OtherNotWorkedOn,
    SamePersonAgain,
)
from tests.given import Given
from tests.mediation.happened import (
    BAO,
    DAY,
    MEI,
    TEXT,
    WILLOW_LANE,
    acknowledged,
    around,
    assigned,
    closed,
    due,
    escalated,
    mediate,
    mediated,
    opened,
    promised,
    resolve,
    resolved,
)

given = Given(CASES)

ACCEPT = due(Rule.ACCEPT)
OWNED = (opened(), assigned(MEI), acknowledged(MEI))
SENT = CaseDispatched(unit="water", tracker="mei", shared=TEXT, deadlines=(ACCEPT,))
HAND_OVER = DispatchCase(MEI, "water", TEXT, around())
INTO = uuid4()


class TestDispatching:
    def test_its_owner_hands_it_over_and_stays_its_tracker(self) -> None:
        given(*OWNED).when(HAND_OVER).then(SENT)

    def test_nobody_else_does(self) -> None:
        given(*OWNED).when(DispatchCase(BAO, "water", None, around())).refused(NotYourCase, owner="mei")

    def test_the_unit_accepts_once(self) -> None:
        accepted = CaseDispatchAccepted(unit="water")
        given(*OWNED, SENT).when(AcceptDispatch("water")).then(accepted)
        given(*OWNED, SENT, accepted).when(AcceptDispatch("water")).then()

    def test_the_unit_gives_it_back_to_its_tracker(self) -> None:
        returned = CaseDispatchReturned(unit="water", reason=ReturnReason.NOT_OURS)
        given(*OWNED, SENT).when(ReturnDispatch("water", ReturnReason.NOT_OURS, None)).then(returned)
        given(*OWNED, SENT, returned).when(HAND_OVER).then(SENT)

    def test_done_is_explained_and_resolved_by_the_tracker(self) -> None:
        done = CaseDispatchDone(unit="water")
        given(*OWNED, SENT).when(FinishDispatch("water", None)).then(done)
        given(*OWNED, SENT, done).when(resolve(MEI, Resolution.BY_UNIT)).then(resolved(Resolution.BY_UNIT))

    @pytest.mark.parametrize(
        "answer", [AcceptDispatch("garden"), ReturnDispatch("garden", ReturnReason.NOT_OURS, None)]
    )
    def test_another_unit_has_no_say(self, answer: Command) -> None:
        given(*OWNED, SENT).when(answer).refused(NotDispatched, unit="garden")

    @pytest.mark.parametrize("since", [assigned(BAO), mediated(), mediated(first=False)], ids=lambda event: event.type)
    def test_a_unit_that_no_longer_has_it_is_not_waited_for(self, since: Event) -> None:
        given(*OWNED, SENT, since).when(PassDate(Rule.ACCEPT, ACCEPT.due_at, around())).then()

    def test_a_unit_that_is_silent_is_gone_round(self) -> None:
        late = PassDate("accept", ACCEPT.due_at, around(ACCEPT.due_at))
        up = escalated(reason=EscalationReason.UNIT_SILENT, rule=Rule.ACCEPT, at=ACCEPT.due_at)
        given(*OWNED, SENT).when(late).then(up)
        given(*OWNED, SENT, CaseDispatchAccepted(unit="water")).when(late).then()


class TestMerging:
    merged = CaseMerged(into=INTO)

    def test_one_is_answered_with_the_other(self) -> None:
        answer = Answer(Resolution.EXPLAINED, TEXT, "en", DAY)
        given(*OWNED).when(MergeCase(MEI, INTO, given(opened()).state())).then(self.merged)
        given(*OWNED, self.merged).when(AnswerMerged(INTO, answer, around())).then(resolved())

    @pytest.mark.parametrize("since", [resolved(), closed(Closure.WITHDRAWN), CaseMerged(into=uuid4())])
    def test_the_other_one_must_be_worked_on(self, since: Event) -> None:
        ended = given(*OWNED, since).state()
        given(*OWNED).when(MergeCase(MEI, INTO, ended)).refused(OtherNotWorkedOn, into=str(INTO))

    def test_nothing_else_is_done_with_it(self) -> None:
        given(*OWNED, self.merged).when(mediate()).refused(AlreadyMerged, into=str(INTO))

    @pytest.mark.parametrize("since", [(), (resolved(),)])
    def test_it_is_not_answered_for_another_case(self, since: tuple[Event, ...]) -> None:
        answer = Answer(Resolution.EXPLAINED, TEXT, "en", DAY)
        given(*OWNED, self.merged, *since).when(AnswerMerged(uuid4(), answer, around())).then()

    def test_it_is_worked_on_again_when_the_other_ends_without_an_answer(self) -> None:
        reopened = CaseReopened(level=WILLOW_LANE, deadlines=promised())
        given(*OWNED, self.merged).when(ReleaseMerged(INTO, around())).then(reopened)

    def test_who_had_it_before_it_was_reopened_does_not_get_it_that_way(self) -> None:
        reopened = CaseReopened(level=WILLOW_LANE, previous_owner=MEI.id, deadlines=promised())
        before = (*OWNED, resolved(), reopened, assigned(BAO), self.merged)
        on_duty = around(on_duty={WILLOW_LANE: "mei bao"})
        released = CaseReopened(level=WILLOW_LANE, deadlines=promised())
        given(*before).when(ReleaseMerged(INTO, on_duty)).then(released, assigned(BAO))
        given(*before, released).when(AcknowledgeCase(MEI)).refused(SamePersonAgain, person="mei")
