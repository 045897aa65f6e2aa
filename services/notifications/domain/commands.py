"""What notifications can be asked to do. Time and ids arrive in here; nothing looks at a clock."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.contracts.alerts import AlertCause
from services.contracts.cases import Kind, Urgency
from services.contracts.duty import DutyPlace
from services.notifications.domain.chain import Chain


@dataclass(frozen=True, slots=True)
class TakeDuty:
    """`cadre` sits down at the desk of `area`, in place of whoever sat there; at the end of the shift they leave."""

    area: str
    cadre: str
    at: datetime
    place: DutyPlace = DutyPlace.FIRST
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LeaveDuty:
    """`place` none: whichever they have."""

    area: str
    cadre: str
    place: DutyPlace | None = None


@dataclass(frozen=True, slots=True)
class EndShift:
    """A timer's command: the shift that was to end at `until` ends, if it is still that one."""

    area: str
    place: DutyPlace
    until: datetime


DutyCommand = TakeDuty | LeaveDuty | EndShift


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
    answer_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class AcknowledgeAlert:
    """`by` answers for the case, whether or not the alert was for them; the `barred` must not have it again."""

    alert: UUID
    by: str
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TellNext:
    """A timer's command: the time to answer is over at `at`; `chain` is who could be told as things are now."""

    at: datetime
    chain: Chain
    answer_by: datetime


@dataclass(frozen=True, slots=True)
class WithdrawAlert:
    """Mediation says that somebody looks after the case itself, or that it is over."""


AlertCommand = RaiseAlert | AcknowledgeAlert | TellNext | WithdrawAlert
