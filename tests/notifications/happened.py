"""Events and commands of duty and alerts, as the tests of notifications tell them."""

from uuid import UUID

from services.contracts.alerts import AlertAcknowledged, AlertCause, AlertRaised, AlertUnanswered
from services.contracts.cases import Kind, Urgency
from services.contracts.duty import DutyLeft, DutyTaken
from services.notifications.domain.commands import RaiseAlert

WILLOW_LANE = "/lakeside/east/willow-lane/"
EAST = "/lakeside/east/"
LAKESIDE = "/lakeside/"

FIRST = UUID("3c5b0f9e-8f0f-5a3e-9c63-1f5b6a8f0d11")
SECOND = UUID("5d1e2a70-0b43-5d0c-8f6e-2c7a4be0f122")


def taken(cadre: str = "mei", area: str = WILLOW_LANE) -> DutyTaken:
    return DutyTaken(area=area, cadre=cadre)


def left(cadre: str = "mei", area: str = WILLOW_LANE) -> DutyLeft:
    return DutyLeft(area=area, cadre=cadre)


def raised(alert: UUID = FIRST, level: str = WILLOW_LANE, recipient: str | None = "mei") -> AlertRaised:
    return AlertRaised(
        alert=alert,
        cause=_cause(level),
        level=level,
        recipient=recipient,
        reference="WL-7",
        kind=Kind.FAULT,
        category="water-leak",
        urgency=Urgency.URGENT,
    )


def raise_alert(alert: UUID = FIRST, level: str = WILLOW_LANE, recipient: str | None = "mei") -> RaiseAlert:
    return RaiseAlert(alert, _cause(level), level, recipient, "WL-7", Kind.FAULT, "water-leak", Urgency.URGENT)


def acknowledged(alert: UUID = FIRST, by: str = "mei") -> AlertAcknowledged:
    return AlertAcknowledged(alert=alert, by=by)


def unanswered(alert: UUID = FIRST) -> AlertUnanswered:
    return AlertUnanswered(alert=alert)


def _cause(level: str) -> AlertCause:
    return AlertCause.OPENED if level == WILLOW_LANE else AlertCause.ESCALATED
