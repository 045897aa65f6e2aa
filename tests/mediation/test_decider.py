"""The rules of a case, each by what happened before and what happens then."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest

from services.chassis.areas import area_above
from services.chassis.decider import Dated
from services.contracts.cases import (
    CaseErased,
    CaseMerged,
    CaseReopened,
    Closure,
    EscalationReason,
    MediationResult,
    Resolution,
)
from services.contracts.deadlines import Rule
from services.contracts.event import Event
from services.mediation.domain.commands import (
    DOORSTEP,
    AcknowledgeCase,
    Actor,
    Command,
    ConfirmCase,
    EraseCase,
    WithdrawCase,
)
from services.mediation.domain.decider import CASES
from services.mediation.domain.errors import (
    AlreadyClosed,
    AlreadyResolved,
    AtTheTop,
    NotAcknowledged,
    NotAgreed,
    NotOpened,
    NotResolved,
    NotYourCase,
    NotYourLevel,
    OtherOutcome,
    OtherResolution,
    WorkedOnHere,
)
from tests.given import Given
from tests.mediation.happened import (
    BAO,
    EAST,
    HISTORY,
    LAKESIDE,
    LONG_AGO,
    LONG_AGO_AT,
    MEI,
    OPEN,
    OUTCOME,
    SUPERVISOR,
    WILLOW_LANE,
    acknowledged,
    assign,
    assigned,
    closed,
    escalate,
    escalated,
    given_on,
    handed,
    imported,
    imported_resolution,
    mediate,
    mediated,
    opened,
    outcome_received,
    resolve,
    resolved,
)

given = Given(CASES)

TOP = (opened(), escalated(), escalated(EAST, LAKESIDE))
STAFF_COMMANDS: list[Command] = [
    assign(MEI, BAO),
    AcknowledgeCase(MEI),
    mediate(),
    escalate(),
    resolve(),
]


class TestOpening:
    def test_a_report_opens_a_case(self) -> None:
        given().when(OPEN).then(opened())

    def test_what_its_reporter_takes_for_the_same_is_told_and_no_more(self) -> None:
        other = uuid4()
        joining = opened().model_copy(update={"same_as": other})
        given().when(replace(OPEN, same_as=other)).then(joining)

    def test_the_same_report_again_is_no_news(self) -> None:
        given(opened()).when(OPEN).then()

    def test_history_that_told_the_outcome_first_resolves_at_its_own_time(self) -> None:
        given(outcome_received()).when(HISTORY).then(imported(), Dated(imported_resolution(), LONG_AGO_AT))

    def test_a_report_of_today_is_worked_on_whatever_history_told_of_it(self) -> None:
        given(outcome_received()).when(OPEN).then(opened())


class TestAssigning:
    def test_an_open_case_gets_an_owner(self) -> None:
        given(opened()).when(assign(BAO, MEI)).then(handed(MEI))

    def test_the_same_owner_again_is_no_news(self) -> None:
        given(opened(), assigned(MEI), acknowledged(MEI)).when(assign(BAO, MEI)).then()

    def test_another_owner_has_to_acknowledge_anew(self) -> None:
        given(opened(), assigned(MEI), acknowledged(MEI)).when(assign(MEI, BAO)).then(given_on(BAO))
        given(opened(), assigned(MEI), acknowledged(MEI), given_on(BAO)).when(mediate()).refused(NotAcknowledged)

    def test_while_nobody_has_acknowledged_it_the_date_to_do_so_stays_and_the_new_owner_is_told(self) -> None:
        given(opened(), assigned(MEI)).when(assign(MEI, BAO)).then(handed(BAO))
        taken = (opened(), assigned(MEI), acknowledged(MEI))
        given(*taken, given_on(BAO)).when(assign(BAO, SUPERVISOR)).then(handed(SUPERVISOR))

    def test_who_gives_it_to_themselves_has_seen_it(self) -> None:
        given(opened(), assigned(MEI), acknowledged(MEI)).when(assign(BAO, BAO)).then(assigned(BAO), acknowledged(BAO))

    def test_after_an_escalation_only_the_level_above_assigns(self) -> None:
        raised = given(opened(), assigned(MEI), escalated())
        raised.when(assign(MEI, MEI)).refused(NotYourLevel, level=EAST)
        raised.when(assign(SUPERVISOR, MEI)).then(handed(MEI, EAST))

    def test_the_owner_hands_on_a_case_of_a_area_above(self) -> None:
        given(opened(), escalated(), assigned(MEI)).when(assign(MEI, BAO)).then(handed(BAO, EAST))


class TestAcknowledging:
    def test_the_owner_acknowledges(self) -> None:
        given(opened(), assigned(MEI)).when(AcknowledgeCase(MEI)).then(acknowledged(MEI))

    def test_who_acknowledges_what_nobody_owns_takes_it_on(self) -> None:
        given(opened()).when(AcknowledgeCase(BAO)).then(assigned(BAO), acknowledged(BAO))

    def test_what_its_owner_has_not_acknowledged_is_for_the_taking(self) -> None:
        given(opened(), assigned(MEI)).when(AcknowledgeCase(BAO)).then(assigned(BAO), acknowledged(BAO))

    def test_nobody_takes_what_another_has_acknowledged(self) -> None:
        taken = given(opened(), assigned(MEI), acknowledged(MEI))
        taken.when(AcknowledgeCase(BAO)).refused(NotYourCase, owner="mei")

    @pytest.mark.parametrize("more", [(), (mediated(),)])
    def test_twice_is_no_news(self, more: tuple[Event, ...]) -> None:
        given(opened(), assigned(MEI), acknowledged(MEI), *more).when(AcknowledgeCase(MEI)).then()


class TestMediating:
    def test_a_mediator_who_is_not_the_owner_tells_of_the_session(self) -> None:
        given(opened(), assigned(MEI), acknowledged(MEI)).when(mediate(BAO)).then(mediated(mediator=BAO))

    def test_there_may_be_more_than_one_session(self) -> None:
        once = (opened(), assigned(MEI), acknowledged(MEI), mediated(MediationResult.ADJOURNED))
        given(*once).when(mediate()).then(mediated(first=False))

    @pytest.mark.parametrize("before", [(opened(),), (opened(), assigned(MEI))])
    def test_not_before_somebody_acknowledged(self, before: tuple[Event, ...]) -> None:
        given(*before).when(mediate()).refused(NotAcknowledged)


class TestEscalating:
    def test_one_level_up_and_nobody_has_it(self) -> None:
        owned = (opened(), assigned(MEI), acknowledged(MEI))
        given(*owned).when(escalate(MEI)).then(escalated())
        given(*owned, escalated()).when(AcknowledgeCase(MEI)).refused(NotYourLevel, level=EAST)

    def test_at_the_top_there_is_no_way_up(self) -> None:
        given(*TOP).when(escalate(Actor("chief", (LAKESIDE,)))).refused(AtTheTop, level=LAKESIDE)

    def test_silence_is_no_reason_once_somebody_answered(self) -> None:
        unanswered = escalate(DOORSTEP, EscalationReason.ALERT_UNANSWERED)
        given(opened(), assigned(MEI)).when(unanswered).then(
            escalated(reason=EscalationReason.ALERT_UNANSWERED, rule=Rule.ACKNOWLEDGE)
        )
        given(opened(), assigned(MEI), acknowledged(MEI)).when(unanswered).then()

    @pytest.mark.parametrize(
        ("level", "above"),
        [
            (WILLOW_LANE, EAST),
            (EAST, LAKESIDE),
            (LAKESIDE, None),
            ("/", None),
        ],
    )
    def test_the_tree(self, level: str, above: str | None) -> None:
        assert area_above(level) == above


class TestResolving:
    def test_by_its_owner(self) -> None:
        given(opened(), assigned(MEI), acknowledged(MEI)).when(resolve(MEI)).then(resolved())

    def test_on_the_spot_by_who_takes_it_on(self) -> None:
        command = resolve(MEI, Resolution.ON_THE_SPOT)
        given(opened()).when(command).then(assigned(MEI), acknowledged(MEI), resolved(Resolution.ON_THE_SPOT))

    def test_not_by_somebody_else(self) -> None:
        given(opened(), assigned(MEI), acknowledged(MEI)).when(resolve(BAO)).refused(NotYourCase, owner="mei")

    def test_not_below_the_level_that_answers(self) -> None:
        given(opened(), escalated()).when(resolve(MEI)).refused(NotYourLevel, level=EAST)

    def test_as_mediated_only_when_the_last_session_agreed(self) -> None:
        owned = (opened(), assigned(MEI), acknowledged(MEI))
        command = resolve(MEI, Resolution.MEDIATED)
        given(*owned).when(command).refused(NotAgreed)
        given(*owned, mediated(MediationResult.NOT_AGREED)).when(command).refused(NotAgreed)
        given(*owned, mediated()).when(command).then(resolved(Resolution.MEDIATED))

    def test_an_agreement_outlives_an_escalation(self) -> None:
        raised = (opened(), assigned(MEI), acknowledged(MEI), mediated(), escalated(), assigned(SUPERVISOR))
        given(*raised).when(resolve(SUPERVISOR, Resolution.MEDIATED)).then(
            acknowledged(SUPERVISOR), resolved(Resolution.MEDIATED)
        )


class TestHistory:
    def test_an_outcome_before_its_case_is_kept(self) -> None:
        given().when(OUTCOME).then(outcome_received())

    def test_an_outcome_after_its_case_resolves_it_at_its_own_time(self) -> None:
        given(imported()).when(OUTCOME).then(Dated(imported_resolution(), LONG_AGO_AT))

    @pytest.mark.parametrize(
        "since",
        [
            (),
            (assigned(MEI), acknowledged(MEI)),
            (assigned(MEI), CaseMerged(into=uuid4())),
            (assigned(MEI), resolved()),
        ],
    )
    def test_it_ends_nothing_that_people_work_on_here(self, since: tuple[Event, ...]) -> None:
        given(opened(), *since).when(OUTCOME).refused(WorkedOnHere)
        given(outcome_received(), opened(), *since).when(OUTCOME).refused(WorkedOnHere)

    @pytest.mark.parametrize("before", [(outcome_received(),), (imported(), imported_resolution())])
    def test_the_same_outcome_again_is_no_news_and_another_is_refused(self, before: tuple[Event, ...]) -> None:
        given(*before).when(OUTCOME).then()
        other = replace(OUTCOME, resolved_on=date(2018, 1, 1))
        given(*before).when(other).refused(OtherOutcome, stands=LONG_AGO.isoformat())

    def test_not_of_a_closed_case(self) -> None:
        given(imported(), closed(Closure.WITHDRAWN)).when(OUTCOME).refused(AlreadyClosed)


class TestTheResidentsWord:
    @pytest.mark.parametrize("before", [(opened(),), (opened(), assigned(MEI)), (opened(), resolved())])
    def test_withdrawing_closes(self, before: tuple[Event, ...]) -> None:
        given(*before).when(WithdrawCase()).then(closed(Closure.WITHDRAWN))

    def test_confirming_the_resolution_that_stands_closes(self) -> None:
        given(opened(), assigned(MEI), acknowledged(MEI), resolved()).when(ConfirmCase(4)).then(
            closed(Closure.CONFIRMED)
        )

    def test_what_was_erased_or_reminded_meanwhile_does_not_move_the_resolution(self) -> None:
        given(opened(), resolved(), CaseErased()).when(ConfirmCase(2)).then(closed(Closure.CONFIRMED))

    def test_confirming_an_older_resolution_is_refused(self) -> None:
        again = (opened(), resolved(), CaseReopened(level=EAST), resolved())
        given(*again).when(ConfirmCase(2)).refused(OtherResolution, stands=4)

    def test_there_must_be_something_to_confirm(self) -> None:
        given(opened()).when(ConfirmCase(1)).refused(NotResolved)

    @pytest.mark.parametrize("command", [WithdrawCase(), ConfirmCase(2)])
    def test_once_closed_it_stays_closed(self, command: Command) -> None:
        given(opened(), resolved(), closed(Closure.CONFIRMED)).when(command).refused(AlreadyClosed)


class TestErasing:
    @pytest.mark.parametrize(
        "before", [(opened(),), (opened(), resolved()), (opened(), resolved(), closed(Closure.CONFIRMED))]
    )
    def test_at_any_time(self, before: tuple[Event, ...]) -> None:
        given(*before).when(EraseCase()).then(CaseErased())


@pytest.mark.parametrize("command", [*STAFF_COMMANDS, WithdrawCase(), ConfirmCase(1), EraseCase()], ids=repr)
class TestWithoutACase:
    def test_nothing_can_be_done(self, command: Command) -> None:
        given().when(command).refused(NotOpened)
        given(outcome_received()).when(command).refused(NotOpened)


@pytest.mark.parametrize("command", STAFF_COMMANDS, ids=repr)
class TestAfterTheEnd:
    def test_a_resolved_case_takes_no_more_work(self, command: Command) -> None:
        given(opened(), resolved()).when(command).refused(AlreadyResolved)

    def test_nor_does_a_closed_one(self, command: Command) -> None:
        given(opened(), closed(Closure.WITHDRAWN)).when(command).refused(AlreadyClosed)
        given(opened(), resolved(), closed(Closure.CONFIRMED)).when(command).refused(AlreadyClosed)

    def test_reopened_it_goes_on_at_the_level_named(self, command: Command) -> None:
        reopened = given(opened(), resolved(), closed(Closure.CONFIRMED), CaseReopened(level=EAST))
        assert reopened.state().level == EAST
        reopened.when(AcknowledgeCase(SUPERVISOR)).then(assigned(SUPERVISOR), acknowledged(SUPERVISOR))
