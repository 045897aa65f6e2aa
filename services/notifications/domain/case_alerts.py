"""The alerts of one case: the last one raised waits for an answer; those of earlier causes have had their time."""

from dataclasses import dataclass
from uuid import UUID

from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered, AlertWithdrawn
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class NoAlert:
    pass


@dataclass(frozen=True, slots=True)
class _Raised:
    """`chain` are all alerts of the last cause, `told` whom they told; `earlier` are those of causes before it."""

    last: AlertRaised
    chain: frozenset[UUID]
    told: frozenset[str]
    earlier: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Waiting(_Raised):
    pass


@dataclass(frozen=True, slots=True)
class Answered(_Raised):
    by: str


@dataclass(frozen=True, slots=True)
class Unanswered(_Raised):
    pass


@dataclass(frozen=True, slots=True)
class Withdrawn(_Raised):
    pass


Raised = Waiting | Answered | Unanswered | Withdrawn
CaseAlerts = NoAlert | Raised


def evolve(alerts: CaseAlerts, event: Event) -> CaseAlerts:
    match alerts, event:
        case NoAlert(), AlertRaised():
            return Waiting(event, frozenset([event.alert]), _recipient(event), frozenset())
        case _Raised(last, chain, told, earlier), AlertRaised():
            if event.step:
                return Waiting(event, chain | {event.alert}, told | _recipient(event), earlier)
            return Waiting(event, frozenset([event.alert]), _recipient(event), earlier | chain)
        case _Raised(last, chain, told, earlier), AlertAcknowledged():
            return Answered(last, chain, told, earlier, event.by)
        case _Raised(last, chain, told, earlier), AlertUnanswered():
            return Unanswered(last, chain, told, earlier)
        case _Raised(last, chain, told, earlier), AlertWithdrawn():
            return Withdrawn(last, chain, told, earlier)
        case _:
            return alerts


def _recipient(event: AlertRaised) -> frozenset[str]:
    return frozenset([event.recipient] if event.recipient else [])
