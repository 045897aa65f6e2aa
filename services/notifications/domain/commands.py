"""What notifications can be asked to do. Time and ids arrive in here; nothing looks at a clock."""

from dataclasses import dataclass
from uuid import UUID

from services.contracts.alerts import AlertCause
from services.contracts.cases import Kind, Urgency


@dataclass(frozen=True, slots=True)
class TakeDuty:
    """`cadre` sits down at the desk of `area`, in place of whoever sat there."""

    area: str
    cadre: str


@dataclass(frozen=True, slots=True)
class LeaveDuty:
    area: str
    cadre: str


DutyCommand = TakeDuty | LeaveDuty


@dataclass(frozen=True, slots=True)
class RaiseAlert:
    """Tell `recipient` of a case that is now answered for at `level`; none: nobody is on duty up to the root."""

    alert: UUID
    cause: AlertCause
    level: str
    recipient: str | None
    reference: str | None
    kind: Kind
    category: str
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class AcknowledgeAlert:
    """`by` answers for the case, whether or not the alert was for them."""

    alert: UUID
    by: str


@dataclass(frozen=True, slots=True)
class MarkUnanswered:
    """The time to answer is over."""

    alert: UUID


AlertCommand = RaiseAlert | AcknowledgeAlert | MarkUnanswered
