"""Whatever is asked of a case, in whatever order, some things hold."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.decider import Dated, Refused
from services.contracts import cases
from services.contracts.cases import EscalationReason, MediationResult, Resolution
from services.contracts.event import Event
from services.mediation.domain.case import Case, Closed, Opened, OutcomeWaiting, Resolved, Unopened
from services.mediation.domain.commands import (
    DOORSTEP,
    AcknowledgeCase,
    Actor,
    AppealCase,
    Command,
    ConfirmCase,
    DeclineCase,
    EraseCase,
    RecordOutcome,
    WithdrawCase,
    WriteMessage,
)
from services.mediation.domain.decider import CASES
from tests.given import fold
from tests.mediation.happened import (
    BAO,
    HISTORY,
    LAKESIDE,
    LONG_AGO,
    LONG_AGO_AT,
    MEI,
    MONDAY,
    OPEN,
    SUPERVISOR,
    TEXT,
    WILLOW_LANE,
    around,
    assign,
    escalate,
    mediate,
    resolve,
)


def decline(by: Actor, reason: cases.DeclineReason) -> DeclineCase:
    return DeclineCase(by, reason, TEXT, "en", around())


ACTORS = st.sampled_from([MEI, BAO, SUPERVISOR, Actor("chief", (LAKESIDE,)), DOORSTEP])
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.sampled_from([OPEN, HISTORY]),
    st.builds(assign, ACTORS, st.sampled_from([MEI, BAO, SUPERVISOR])),
    st.builds(AcknowledgeCase, ACTORS),
    st.builds(mediate, ACTORS, st.sampled_from(MediationResult)),
    st.builds(escalate, ACTORS, st.sampled_from(EscalationReason)),
    st.builds(resolve, ACTORS, st.sampled_from(Resolution)),
    st.integers(0, 2).map(lambda days: RecordOutcome(LONG_AGO + timedelta(days), LONG_AGO_AT)),
    st.just(WithdrawCase()),
    st.builds(ConfirmCase, st.integers(1, 8)),
    st.just(EraseCase()),
    st.builds(WriteMessage, ACTORS, st.just(TEXT)),
    st.builds(decline, ACTORS, st.sampled_from(cases.DeclineReason)),
    st.just(AppealCase(MONDAY, around())),
)


def carried_out(commands: list[Command]) -> list[tuple[Case, Event, Case]]:
    """Each event that the commands bring about, between the states before and after it."""
    case: Case = CASES.initial
    steps: list[tuple[Case, Event, Case]] = []
    for command in commands:
        try:
            decided = CASES.decide(command, case)
        except Refused:
            continue
        for event in (d.event if isinstance(d, Dated) else d for d in decided):
            before, case = case, fold(CASES, case, [event])
            steps.append((before, event, case))
    return steps


@given(st.lists(COMMANDS, max_size=25))
def test_the_state_counts_every_event(commands: list[Command]) -> None:
    steps = carried_out(commands)
    assert [after.version for _, _, after in steps] == list(range(1, len(steps) + 1))


@given(st.lists(COMMANDS, max_size=25))
def test_a_case_is_opened_once_and_nothing_but_an_outcome_comes_before(commands: list[Command]) -> None:
    types = [event.type for _, event, _ in carried_out(commands)]
    assert types.count("case.opened") <= 1
    before = types[: types.index("case.opened")] if "case.opened" in types else types
    assert set(before) <= {"case.outcome_received"}
    assert len(before) <= 1


@given(st.lists(COMMANDS, max_size=25))
def test_a_closed_case_is_only_written_of_erased_or_if_it_was_declined_appealed(commands: list[Command]) -> None:
    for before, event, after in carried_out(commands):
        if isinstance(before, Closed) and isinstance(event, cases.CaseReopened):
            assert before.closure is cases.Closure.DECLINED
            assert event.on_appeal
        elif isinstance(before, Closed):
            assert isinstance(event, cases.CaseErased | cases.CaseMessageWritten)
            assert isinstance(after, Closed)


@given(st.lists(COMMANDS, max_size=25))
def test_nobody_declines_but_its_owner_and_another_person_gets_it_on_appeal(commands: list[Command]) -> None:
    for before, event, after in carried_out(commands):
        if isinstance(event, cases.CaseDeclined):
            assert not isinstance(before, Unopened | OutcomeWaiting)
            assert before.owner == event.by
        if isinstance(event, cases.CaseReopened):
            assert not isinstance(after, Unopened | OutcomeWaiting)
            assert event.previous_owner in after.standing.barred
        if isinstance(event, cases.CaseAssigned) and not isinstance(before, Unopened | OutcomeWaiting):
            assert event.owner not in before.standing.barred


@given(st.lists(COMMANDS, max_size=25))
def test_a_resolved_case_is_only_closed_erased_or_written_of(commands: list[Command]) -> None:
    for before, event, _ in carried_out(commands):
        if isinstance(before, Resolved):
            assert isinstance(event, cases.CaseClosed | cases.CaseErased | cases.CaseMessageWritten)


@given(st.lists(COMMANDS, max_size=25))
def test_the_level_only_rises_one_step_at_a_time_within_the_tree(commands: list[Command]) -> None:
    for before, event, after in carried_out(commands):
        if isinstance(after, Unopened | OutcomeWaiting) or isinstance(before, Unopened | OutcomeWaiting):
            continue
        if isinstance(event, cases.CaseEscalated):
            assert (event.from_level, event.to_level) == (before.level, after.level)
            assert before.level.startswith(after.level)
            assert before.level.count("/") == after.level.count("/") + 1
        elif isinstance(event, cases.CaseReopened):
            assert before.level.startswith(after.level)
            assert before.level.count("/") - after.level.count("/") <= 1
        else:
            assert after.level == before.level
        assert WILLOW_LANE.startswith(after.level)
        assert after.level != "/"


@given(st.lists(COMMANDS, max_size=25))
def test_there_is_one_owner_and_an_escalation_leaves_none(commands: list[Command]) -> None:
    owner: str | None = None
    for _, event, after in carried_out(commands):
        match event:
            case cases.CaseAssigned():
                owner = event.owner
            case cases.CaseAcknowledged():
                assert event.owner == owner
            case cases.CaseEscalated() | cases.CaseReopened():
                owner = None
                assert isinstance(after, Opened)
            case _:
                pass
        match after:
            case Unopened() | OutcomeWaiting() | Opened():
                assert owner is None
            case Resolved() | Closed():
                pass
            case _:
                assert after.owner == owner


@given(st.lists(COMMANDS, max_size=25))
def test_every_resolution_by_people_has_an_owner_and_an_explanation(commands: list[Command]) -> None:
    owner: str | None = None
    for _, event, _ in carried_out(commands):
        match event:
            case cases.CaseAcknowledged():
                owner = event.owner
            case cases.CaseAssigned() | cases.CaseEscalated():
                owner = None
            case cases.CaseResolved(imported=False):
                assert owner is not None
                assert event.explanation is not None
                assert event.language is not None
            case _:
                pass


@given(st.lists(COMMANDS, max_size=25))
def test_history_ends_no_case_but_its_own(commands: list[Command]) -> None:
    for before, event, _ in carried_out(commands):
        if isinstance(event, cases.CaseResolved) and event.imported:
            assert not isinstance(before, Unopened | OutcomeWaiting)
            assert before.standing.imported
