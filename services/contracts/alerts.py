"""Who was told about a case, and whether they answered; these travel under the case's key."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from services.contracts.cases import CaseEvent, Kind, Reference, Urgency
from services.contracts.event import AreaPath, Code, StaffId


class AlertCause(StrEnum):
    OPENED = "opened"
    ESCALATED = "escalated"


class AlertRaised(CaseEvent):
    """`recipient` is none when nobody is on duty from `level` up to the root: every supervisor sees it then."""

    type: ClassVar[str] = "alert.raised"

    alert: UUID
    cause: AlertCause
    level: AreaPath
    recipient: StaffId | None
    reference: Reference | None = None
    kind: Kind
    category: Code
    urgency: Urgency


class AlertAcknowledged(CaseEvent):
    type: ClassVar[str] = "alert.acknowledged"

    alert: UUID
    by: StaffId


class AlertUnanswered(CaseEvent):
    type: ClassVar[str] = "alert.unanswered"

    alert: UUID
