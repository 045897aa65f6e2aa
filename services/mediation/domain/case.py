"""The states of a case, and how what happened leads from one to the next."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.contracts import cases
from services.contracts.cases import MediationResult
from services.contracts.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Versioned:
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unopened(_Versioned):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeWaiting(_Versioned):
    """History told the outcome before intake told of the case."""

    resolved_on: date
    resolved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _AtLevel(_Versioned):
    level: str
    """The area that answers for the case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(_AtLevel):
    """Nobody's yet, or nobody's again."""

    agreed: bool = False
    """The last session ended in agreement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned(_AtLevel):
    owner: str
    agreed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(_AtLevel):
    owner: str
    agreed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InMediation(_AtLevel):
    owner: str
    agreed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(_AtLevel):
    resolved_on: date
    resolution_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(_AtLevel):
    pass


Working = Opened | Assigned | Acknowledged | InMediation
Known = Working | Resolved | Closed
Case = Unopened | OutcomeWaiting | Known


def evolve(case: Case, event: Event) -> Case:
    """The case after `event`. What does not concern its state only counts as a version."""
    match case:
        case Unopened() | OutcomeWaiting():
            after = _arriving(case, event)
        case _:
            after = _going_on(case, event)
    return replace(after, version=case.version + 1)


def _arriving(case: Unopened | OutcomeWaiting, event: Event) -> Case:
    match event:
        case cases.CaseOpened():
            return Opened(level=event.level)
        case cases.CaseOutcomeReceived():
            return OutcomeWaiting(resolved_on=event.resolved_on, resolved_at=event.resolved_at)
        case _:
            return case


def _going_on(case: Known, event: Event) -> Case:
    agreed = isinstance(case, Working) and case.agreed
    match event:
        case cases.CaseAssigned():
            return Assigned(level=case.level, owner=event.owner, agreed=agreed)
        case cases.CaseAcknowledged():
            return Acknowledged(level=case.level, owner=event.owner, agreed=agreed)
        case cases.CaseMediated():
            owner = event.mediator if isinstance(case, Opened | Resolved | Closed) else case.owner
            return InMediation(level=case.level, owner=owner, agreed=event.result is MediationResult.AGREED)
        case cases.CaseEscalated():
            return Opened(level=event.to_level, agreed=agreed)
        case cases.CaseResolved():
            return Resolved(level=case.level, resolved_on=event.resolved_on, resolution_version=case.version + 1)
        case cases.CaseClosed():
            return Closed(level=case.level)
        case cases.CaseReopened():
            return Opened(level=event.level)
        case _:
            return case
