"""Events and commands of duty and alerts, as the tests of notifications tell them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.contracts.alerts import AlertAcknowledged, AlertCause, AlertRaised, AlertUnanswered, AlertWithdrawn
from services.contracts.cases import Kind, Urgency
from services.contracts.duty import DutyLeft, DutyPlace, DutyTaken
from services.notifications.domain.commands import RaiseAlert, TakeDuty, TellNext

WILLOW_LANE = "/lakeside/east/willow-lane/"
EAST = "/lakeside/east/"
LAKESIDE = "/lakeside/"

FIRST = UUID("3c5b0f9e-8f0f-5a3e-9c63-1f5b6a8f0d11")
SECOND = UUID("5d1e2a70-0b43-5d0c-8f6e-2c7a4be0f122")

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
FIVE = timedelta(minutes=5)


def take(
    cadre: str = "mei",
    area: str = WILLOW_LANE,
    *,
    place: DutyPlace = DutyPlace.FIRST,
    until: datetime | None = None,
    at: datetime = NINE,
) -> TakeDuty:
    return TakeDuty(area, cadre, at, place, until)


def taken(
    cadre: str = "mei",
    area: str = WILLOW_LANE,
    *,
    place: DutyPlace = DutyPlace.FIRST,
    until: datetime | None = None,
) -> DutyTaken:
    return DutyTaken(area=area, cadre=cadre, place=place, until=until)


def left(cadre: str = "mei", area: str = WILLOW_LANE, *, place: DutyPlace = DutyPlace.FIRST) -> DutyLeft:
    return DutyLeft(area=area, cadre=cadre, place=place)


def raised(
    alert: UUID = FIRST,
    level: str = WILLOW_LANE,
    recipient: str | None = "mei",
    *,
    step: int = 0,
    answer_by: datetime | None = NINE + FIVE,
) -> AlertRaised:
    return AlertRaised(
        alert=alert,
        cause=_cause(level),
        level=level,
        recipient=recipient,
        reference="WL-7",
        kind=Kind.FAULT,
        category="water-leak",
        urgency=Urgency.URGENT,
        step=step,
        answer_by=answer_by,
    )


def raise_alert(alert: UUID = FIRST, level: str = WILLOW_LANE, recipient: str | None = "mei") -> RaiseAlert:
    return RaiseAlert(
        alert, _cause(level), level, recipient, "WL-7", Kind.FAULT, "water-leak", Urgency.URGENT, NINE + FIVE
    )


def tell_next(*chain: str, at: datetime = NINE + FIVE) -> TellNext:
    return TellNext(at, chain, at + FIVE)


def acknowledged(alert: UUID = FIRST, by: str = "mei", level: str = WILLOW_LANE) -> AlertAcknowledged:
    return AlertAcknowledged(alert=alert, by=by, level=level)


def unanswered(alert: UUID = FIRST, level: str = WILLOW_LANE) -> AlertUnanswered:
    return AlertUnanswered(alert=alert, level=level)


def withdrawn(alert: UUID = FIRST) -> AlertWithdrawn:
    return AlertWithdrawn(alert=alert)


def _cause(level: str) -> AlertCause:
    return AlertCause.OPENED if level == WILLOW_LANE else AlertCause.ESCALATED
