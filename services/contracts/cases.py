"""What happens to a case: the events of intake and mediation, all on the case's own key."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import StringConstraints

from services.contracts.event import AreaPath, Code, Event, StaffId, StreamKind

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=64)]
"""A community's own number for a report."""

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z]{4})?$")]
"""A language, with its script where that is not plain: `zh`, `kk-Arab`."""


class Kind(StrEnum):
    DISPUTE = "dispute"
    NEED = "need"
    CONSULTATION = "consultation"
    IDEA = "idea"
    LISTENING = "listening"
    FAULT = "fault"
    INFORMATION = "information"


class Urgency(StrEnum):
    URGENT = "urgent"
    ORDINARY = "ordinary"
    COMPLEX = "complex"


class Channel(StrEnum):
    WEB = "web"
    PHONE = "phone"
    PAPER = "paper"
    COUNTER = "counter"
    SYSTEM = "system"


class MediationResult(StrEnum):
    AGREED = "agreed"
    NOT_AGREED = "not_agreed"
    ADJOURNED = "adjourned"


class MediationPlace(StrEnum):
    HOME = "home"
    STATION = "station"
    ONLINE = "online"


class Resolution(StrEnum):
    ON_THE_SPOT = "on_the_spot"
    MEDIATED = "mediated"
    BY_UNIT = "by_unit"
    EXPLAINED = "explained"
    IMPORTED = "imported"


class EscalationReason(StrEnum):
    ASKED_BY_STAFF = "asked_by_staff"
    UNACKNOWLEDGED = "unacknowledged"
    OVERDUE = "overdue"
    ALERT_UNANSWERED = "alert_unanswered"


class Closure(StrEnum):
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    WINDOW_ENDED = "window_ended"


class CaseEvent(Event):
    stream_kind: ClassVar[StreamKind] = StreamKind.CASE


class CaseReported(CaseEvent):
    """Intake took a resident's trouble. `particulars` names the sealed row that only intake can open."""

    type: ClassVar[str] = "case.reported"

    community: UUID
    reference: Reference | None = None
    kind: Kind
    category: Code
    urgency: Urgency
    channel: Channel
    reported_on: date
    """The calendar day in the community's own time zone."""
    imported: bool = False
    particulars: UUID


class CaseAmended(CaseEvent):
    """Intake took a correction or an addition to the report's particulars."""

    type: ClassVar[str] = "case.amended"

    particulars: UUID


class CaseWithdrawn(CaseEvent):
    """The resident took the report back."""

    type: ClassVar[str] = "case.withdrawn"


class CaseConfirmed(CaseEvent):
    """The resident says that it is solved."""

    type: ClassVar[str] = "case.confirmed"

    resolution_version: int
    """The version of mediation's stream that was confirmed."""


class CaseReopeningAsked(CaseEvent):
    """The resident says that it is not solved."""

    type: ClassVar[str] = "case.reopening_asked"

    particulars: UUID


class CaseErased(CaseEvent):
    """The source deleted every particular it held of the case."""

    type: ClassVar[str] = "case.erased"


class CaseOpened(CaseEvent):
    """Mediation took the case; `level` is the area that answers for it now."""

    type: ClassVar[str] = "case.opened"

    community: UUID
    reference: Reference | None = None
    kind: Kind
    category: Code
    urgency: Urgency
    level: AreaPath
    imported: bool = False


class CaseOutcomeReceived(CaseEvent):
    """History brought an outcome before its case arrived; it takes effect when the case is opened."""

    type: ClassVar[str] = "case.outcome_received"

    resolved_on: date
    """The calendar day in the community's own time zone."""
    resolved_at: datetime
    """The business time that the resolution will carry."""


class CaseAssigned(CaseEvent):
    type: ClassVar[str] = "case.assigned"

    owner: StaffId


class CaseAcknowledged(CaseEvent):
    """The owner has seen the case and answers for it."""

    type: ClassVar[str] = "case.acknowledged"

    owner: StaffId


class CaseMediated(CaseEvent):
    """A session was held. `note`, if any, names mediation's sealed row."""

    type: ClassVar[str] = "case.mediated"

    result: MediationResult
    place: MediationPlace
    mediator: StaffId
    note: UUID | None = None


class CaseDispatched(CaseEvent):
    """The case was handed to a unit; the tracker stays the resident's contact."""

    type: ClassVar[str] = "case.dispatched"

    unit: Code
    tracker: StaffId


class CaseReminded(CaseEvent):
    type: ClassVar[str] = "case.reminded"

    rule: Code


class CaseEscalated(CaseEvent):
    """The case went one level up the tree of areas; whoever had it has it no more."""

    type: ClassVar[str] = "case.escalated"

    from_level: AreaPath
    to_level: AreaPath
    reason: EscalationReason


class CaseResolved(CaseEvent):
    """Solved, with an explanation in mediation's sealed row; imported history has none and says so."""

    type: ClassVar[str] = "case.resolved"

    resolution: Resolution
    resolved_on: date
    """The calendar day in the community's own time zone."""
    explanation: UUID | None = None
    language: Language | None = None
    imported: bool = False


class CaseReopened(CaseEvent):
    type: ClassVar[str] = "case.reopened"

    level: AreaPath


class CaseClosed(CaseEvent):
    """Nothing more will happen unless the case is reopened."""

    type: ClassVar[str] = "case.closed"

    closure: Closure
