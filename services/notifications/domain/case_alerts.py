"""The alerts of one case: the last one raised waits for an answer; those before it have had their time."""

from dataclasses import dataclass
from uuid import UUID

from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class NoAlert:
    pass


@dataclass(frozen=True, slots=True)
class _Raised:
    alert: UUID
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


Raised = Waiting | Answered | Unanswered
CaseAlerts = NoAlert | Raised


def evolve(alerts: CaseAlerts, event: Event) -> CaseAlerts:
    match alerts, event:
        case NoAlert(), AlertRaised():
            return Waiting(event.alert, frozenset())
        case _Raised(), AlertRaised():
            return Waiting(event.alert, alerts.earlier | {alerts.alert})
        case _Raised(), AlertAcknowledged():
            return Answered(alerts.alert, alerts.earlier, event.by)
        case _Raised(), AlertUnanswered():
            return Unanswered(alerts.alert, alerts.earlier)
        case _:
            return alerts
