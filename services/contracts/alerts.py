"""Who was told about a case, and whether they answered; these travel under the case's key."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid5

from services.contracts.cases import CaseEvent, Kind, Reference, Urgency
from services.contracts.event import AreaPath, Code, StaffId

_ALERTS = UUID("0d9a9c5e-6f3b-5f52-8a0c-6f7d5b2f4c10")


def first_alert_of(source: str, stream_id: UUID, version: int) -> UUID:
    """The id of the first alert that an event causes, known from that event alone: so there can be but one."""
    return uuid5(_ALERTS, f"{source}:{stream_id}:{version}")


class AlertCause(StrEnum):
    OPENED = "opened"
    ESCALATED = "escalated"
    REOPENED = "reopened"
    ASSIGNED = "assigned"
    """Given on by somebody who had it, or answers for it."""


class AlertRaised(CaseEvent):
    """`recipient` is none when nobody is on duty from `level` up to the root: every supervisor sees it then.

    `step` counts who is told of one cause, as 0 on duty, 1 second, 2 the desk above; each has an alert of its own.
    """

    type: ClassVar[str] = "alert.raised"
    schema_version: ClassVar[int] = 3

    alert: UUID
    cause: AlertCause
    level: AreaPath
    recipient: StaffId | None
    reference: Reference | None = None
    kind: Kind
    category: Code
    urgency: Urgency
    step: int = 0
    answer_by: datetime | None = None
    """When the next in the chain is told, or nobody is left and the case goes up."""


class AlertAcknowledged(CaseEvent):
    type: ClassVar[str] = "alert.acknowledged"
    schema_version: ClassVar[int] = 2

    alert: UUID
    by: StaffId
    level: AreaPath | None = None


class AlertUnanswered(CaseEvent):
    type: ClassVar[str] = "alert.unanswered"
    schema_version: ClassVar[int] = 2

    alert: UUID
    level: AreaPath | None = None
    """Where nobody answered: a case that has gone up since is not sent higher for it."""


class AlertWithdrawn(CaseEvent):
    """Nobody need answer any more: mediation says that the case itself is looked after, or over."""

    type: ClassVar[str] = "alert.withdrawn"

    alert: UUID
