"""The rules of a case: one function each; `decide` only finds the right one."""

from collections.abc import Sequence
from typing import assert_never

from services.chassis.decider import Dated, Decider
from services.contracts import cases
from services.contracts.cases import Closure, EscalationReason, Resolution
from services.contracts.event import Event, StreamKind
from services.mediation.domain.case import (
    Acknowledged,
    Assigned,
    Case,
    Closed,
    InMediation,
    Known,
    Opened,
    OutcomeWaiting,
    Resolved,
    Unopened,
    Working,
    evolve,
)
from services.mediation.domain.commands import (
    AcknowledgeCase,
    Actor,
    AssignCase,
    Command,
    ConfirmCase,
    EraseCase,
    EscalateCase,
    OpenCase,
    RecordMediation,
    RecordOutcome,
    ResolveCase,
    WithdrawCase,
)
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
)

Events = Sequence[Event | Dated]


def decide(command: Command, case: Case) -> Events:
    match command:
        case OpenCase():
            return open_case(command, case)
        case AssignCase():
            return assign(command, case)
        case AcknowledgeCase():
            return acknowledge(command, case)
        case RecordMediation():
            return record_mediation(command, case)
        case EscalateCase():
            return escalate(command, case)
        case ResolveCase():
            return resolve(command, case)
        case RecordOutcome():
            return record_outcome(command, case)
        case WithdrawCase():
            return withdraw(case)
        case ConfirmCase():
            return confirm(command, case)
        case EraseCase():
            return erase(case)
        case _:
            assert_never(command)


CASES: Decider[Command, Case] = Decider(kind=StreamKind.CASE, initial=Unopened(), decide=decide, evolve=evolve)


def open_case(command: OpenCase, case: Case) -> Events:
    opened = cases.CaseOpened(
        community=command.community,
        reference=command.reference,
        kind=command.kind,
        category=command.category,
        urgency=command.urgency,
        level=command.level,
        imported=command.imported,
    )
    match case:
        case Unopened():
            return [opened]
        case OutcomeWaiting():
            return [opened, Dated(_imported_resolution(case), case.resolved_at)]
        case _:
            return []


def assign(command: AssignCase, case: Case) -> Events:
    working = _working(case)
    _answering(command.by, working)
    if not isinstance(working, Opened) and working.owner == command.owner:
        return []
    return [cases.CaseAssigned(owner=command.owner)]


def acknowledge(command: AcknowledgeCase, case: Case) -> Events:
    """Who acknowledges what nobody owns takes it on."""
    return _taking_on(command.by, _working(case))


def record_mediation(command: RecordMediation, case: Case) -> Events:
    """Whoever held the session tells of it; the case stays with its owner."""
    working = _working(case)
    if isinstance(working, Opened | Assigned):
        raise NotAcknowledged
    mediated = cases.CaseMediated(result=command.result, place=command.place, mediator=command.by.id, note=command.note)
    return [mediated]


def escalate(command: EscalateCase, case: Case) -> Events:
    working = _working(case)
    _answering(command.by, working)
    if command.reason in _SILENCE and isinstance(working, Acknowledged | InMediation):
        return []
    level = level_above(working.level)
    if level is None:
        raise AtTheTop(level=working.level)
    return [cases.CaseEscalated(from_level=working.level, to_level=level, reason=command.reason)]


def resolve(command: ResolveCase, case: Case) -> Events:
    """Solved by its owner, or on the spot by who takes it on in the same breath."""
    working = _working(case)
    taken_on = _taking_on(command.by, working)
    if command.resolution is Resolution.MEDIATED and not working.agreed:
        raise NotAgreed
    resolved = cases.CaseResolved(
        resolution=command.resolution,
        resolved_on=command.resolved_on,
        explanation=command.explanation,
        language=command.language,
    )
    return [*taken_on, resolved]


def record_outcome(command: RecordOutcome, case: Case) -> Events:
    match case:
        case Unopened():
            return [cases.CaseOutcomeReceived(resolved_on=command.resolved_on, resolved_at=command.resolved_at)]
        case OutcomeWaiting() | Resolved():
            if case.resolved_on != command.resolved_on:
                raise OtherOutcome(stands=case.resolved_on.isoformat())
            return []
        case Closed():
            raise AlreadyClosed
        case _:
            return [Dated(_imported_resolution(command), command.resolved_at)]


def withdraw(case: Case) -> Events:
    match _known(case):
        case Closed():
            raise AlreadyClosed
        case _:
            return [cases.CaseClosed(closure=Closure.WITHDRAWN)]


def confirm(command: ConfirmCase, case: Case) -> Events:
    match _known(case):
        case Resolved(resolution_version=stands) if stands != command.resolution_version:
            raise OtherResolution(stands=stands)
        case Resolved():
            return [cases.CaseClosed(closure=Closure.CONFIRMED)]
        case Closed():
            raise AlreadyClosed
        case _:
            raise NotResolved


def erase(case: Case) -> Events:
    _known(case)
    return [cases.CaseErased()]


def level_above(level: str) -> str | None:
    """`/city/d1/street/` of `/city/d1/street/community/`; none above the outermost area."""
    above = level[: level.rstrip("/").rfind("/") + 1]
    return above if above != "/" and level != "/" else None


_SILENCE = (EscalationReason.ALERT_UNANSWERED, EscalationReason.UNACKNOWLEDGED)
"""Reasons that stop being true once somebody has acknowledged the case."""


def _known(case: Case) -> Known:
    if isinstance(case, Unopened | OutcomeWaiting):
        raise NotOpened
    return case


def _working(case: Case) -> Working:
    match _known(case):
        case Resolved():
            raise AlreadyResolved
        case Closed():
            raise AlreadyClosed
        case working:
            return working


def _answering(actor: Actor, case: Working) -> None:
    """The owner may act wherever the case lies; others only at its level or above."""
    if not isinstance(case, Opened) and case.owner == actor.id:
        return
    if not actor.answers_for(case.level):
        raise NotYourLevel(level=case.level)


def _taking_on(actor: Actor, case: Working) -> list[Event]:
    """What makes `actor` the owner who has acknowledged, if that is for the taking."""
    _answering(actor, case)
    if isinstance(case, Opened):
        return [cases.CaseAssigned(owner=actor.id), cases.CaseAcknowledged(owner=actor.id)]
    if case.owner != actor.id:
        raise NotYourCase(owner=case.owner)
    return [cases.CaseAcknowledged(owner=actor.id)] if isinstance(case, Assigned) else []


def _imported_resolution(outcome: RecordOutcome | OutcomeWaiting) -> cases.CaseResolved:
    return cases.CaseResolved(resolution=Resolution.IMPORTED, resolved_on=outcome.resolved_on, imported=True)
