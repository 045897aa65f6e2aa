"""What happens to a case: the events of intake and mediation, all on the case's own key."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from services.contracts.deadlines import Deadline
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
    MEETING = "meeting"


class Ending(StrEnum):
    """How what was brought to the counter ended there."""

    ADVICE = "advice"
    TALK = "talk"
    INFORMATION = "information"


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
    UNIT_SILENT = "unit_silent"


class ReturnReason(StrEnum):
    """Why a unit gives a case back."""

    NOT_OURS = "not_ours"
    NOT_POSSIBLE = "not_possible"
    NEEDS_MORE = "needs_more"
    ALREADY_DONE = "already_done"


class Closure(StrEnum):
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    WINDOW_ENDED = "window_ended"
    DECLINED = "declined"


class DeclineReason(StrEnum):
    """Why a person does not take a case further; the resident may appeal to another."""

    OUTSIDE_REMIT = "outside_remit"
    """Nobody here may do it; the explanation says who may."""
    DECIDED_ELSEWHERE = "decided_elsewhere"
    """A court or an authority has decided it, or is about to."""
    NOTHING_FOUND = "nothing_found"
    """It was looked into, and there was nothing to mend."""
    NOT_ENOUGH_TOLD = "not_enough_told"
    """It can't be gone on with, and asking brought no answer."""


class Amendment(StrEnum):
    """What the resident wrote after the report."""

    CORRECTION = "correction"
    """The row holds the report as it is to be read from now on."""
    MESSAGE = "message"
    """The row holds a word to whoever has the case."""


class CaseEvent(Event):
    stream_kind: ClassVar[StreamKind] = StreamKind.CASE


class AnsweredAtOnce(BaseModel):
    """It ended where it was brought, by whoever took it. `explanation` names intake's sealed row, in `language`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    how: Ending
    by: StaffId
    explanation: UUID
    language: Language


class CaseReported(CaseEvent):
    """Intake took a resident's trouble. `particulars` names the sealed row that only intake can open."""

    type: ClassVar[str] = "case.reported"
    schema_version: ClassVar[int] = 3

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
    about_staff: bool = False
    """It is about somebody who works for the community: it lies one level up from the start, also for its area."""
    answered: AnsweredAtOnce | None = None
    """It needs no alert and nobody's work: mediation resolves it as it opens it."""
    gathering: UUID | None = None
    """The meeting at which it was voiced."""
    danger: bool = False
    """Somebody is in danger: it is never offered mediation, and goes to a protection desk."""
    minor: bool = False
    """It concerns somebody who is not of age: a guardian or a protection desk stands beside it."""
    guardian: bool = False
    """The particulars name a guardian."""
    same_as: UUID | None = None
    """Another case that its reporter takes for the same trouble: a hint for whoever works on it, no more."""


class CaseAmended(CaseEvent):
    """The resident wrote again: to whoever has the case, or to correct what was told."""

    type: ClassVar[str] = "case.amended"
    schema_version: ClassVar[int] = 2

    particulars: UUID
    amendment: Amendment = Amendment.CORRECTION


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


class CaseAppealed(CaseEvent):
    """The resident does not accept that the case was declined."""

    type: ClassVar[str] = "case.appealed"

    particulars: UUID


class CaseErased(CaseEvent):
    """The source deleted every particular it held of the case."""

    type: ClassVar[str] = "case.erased"


class CaseOpened(CaseEvent):
    """Mediation took the case; `level` is the area that answers for it now."""

    type: ClassVar[str] = "case.opened"
    schema_version: ClassVar[int] = 3

    community: UUID
    reference: Reference | None = None
    kind: Kind
    category: Code
    urgency: Urgency
    level: AreaPath
    imported: bool = False
    about_staff: bool = False
    danger: bool = False
    minor: bool = False
    guardian: bool = False
    protection: StaffId | None = None
    """The protection desk that has it, in danger, or that stands beside it, for a minor without a guardian."""
    deadlines: tuple[Deadline, ...] = ()
    answered_by: StaffId | None = None
    """Who had answered it before it was opened: it is resolved in the same breath, and nobody is alerted."""
    same_as: UUID | None = None
    """As its reporter said; merging them is for people to decide."""


class CaseOutcomeReceived(CaseEvent):
    """History brought an outcome before its case arrived; it takes effect when the case is opened."""

    type: ClassVar[str] = "case.outcome_received"

    resolved_on: date
    """The calendar day in the community's own time zone."""
    resolved_at: datetime
    """The business time that the resolution will carry."""


class CaseAssigned(CaseEvent):
    """`owner` has it now. Whoever was given it by somebody is told, and has a date to acknowledge it by."""

    type: ClassVar[str] = "case.assigned"
    schema_version: ClassVar[int] = 2

    owner: StaffId
    level: AreaPath | None = None
    """Where it is answered for, if they are to be told."""
    deadlines: tuple[Deadline, ...] = ()


class CaseAcknowledged(CaseEvent):
    """The owner has seen the case and answers for it."""

    type: ClassVar[str] = "case.acknowledged"

    owner: StaffId


class CaseMediated(CaseEvent):
    """A session was held. `note`, if any, names mediation's sealed row."""

    type: ClassVar[str] = "case.mediated"
    schema_version: ClassVar[int] = 2

    result: MediationResult
    place: MediationPlace
    mediator: StaffId
    note: UUID | None = None
    deadlines: tuple[Deadline, ...] = ()
    """With the first session the time for mediation begins, in place of the time to be done."""


class CaseDispatched(CaseEvent):
    """The case was handed to a unit; the tracker stays the resident's contact.

    `shared` names mediation's sealed row of what the tracker chose to tell the unit.
    """

    type: ClassVar[str] = "case.dispatched"
    schema_version: ClassVar[int] = 2

    unit: Code
    tracker: StaffId
    shared: UUID | None = None
    deadlines: tuple[Deadline, ...] = ()


class CaseDispatchAccepted(CaseEvent):
    """The unit takes the work on."""

    type: ClassVar[str] = "case.dispatch_accepted"

    unit: Code


class CaseDispatchReturned(CaseEvent):
    """The unit gives the case back to its tracker; `note`, if any, names mediation's sealed row."""

    type: ClassVar[str] = "case.dispatch_returned"

    unit: Code
    reason: ReturnReason
    note: UUID | None = None


class CaseDispatchDone(CaseEvent):
    """The unit reports its work done; the tracker explains and resolves."""

    type: ClassVar[str] = "case.dispatch_done"

    unit: Code
    note: UUID | None = None


class CaseMessageWritten(CaseEvent):
    """Somebody who works on the case wrote to the resident; `message` names mediation's sealed row."""

    type: ClassVar[str] = "case.message_written"

    by: StaffId
    message: UUID


class CaseReminded(CaseEvent):
    """Whoever has the case, or the one on duty at its level, is reminded of a date.

    At the top of the tree, where nothing can go up, `deadlines` say when the next reminder is due.
    """

    type: ClassVar[str] = "case.reminded"
    schema_version: ClassVar[int] = 2

    rule: Code
    level: AreaPath | None = None
    owner: StaffId | None = None
    due_at: datetime | None = None
    deadlines: tuple[Deadline, ...] = ()


class CaseContactRequested(CaseEvent):
    """The unit is to be reached in the fastest way; no unit yet: the owner is to find one."""

    type: ClassVar[str] = "case.contact_requested"

    rule: Code
    unit: Code | None = None


class CaseDelayExplained(CaseEvent):
    """The resident is told that it takes longer, who has the case, and the new date."""

    type: ClassVar[str] = "case.delay_explained"

    rule: Code
    owner: StaffId | None = None
    due_at: datetime


class CaseEscalated(CaseEvent):
    """The case went one level up the tree of areas; whoever had it has it no more, `owner` has it now."""

    type: ClassVar[str] = "case.escalated"
    schema_version: ClassVar[int] = 2

    from_level: AreaPath
    to_level: AreaPath
    reason: EscalationReason
    owner: StaffId | None = None
    """Who is on duty there; none: nobody is, and every supervisor is told."""
    rule: Code | None = None
    """The clock that ran out, if one did."""
    deadlines: tuple[Deadline, ...] = ()


class CaseResolved(CaseEvent):
    """Solved, with an explanation in mediation's sealed row; imported history has none and says so."""

    type: ClassVar[str] = "case.resolved"
    schema_version: ClassVar[int] = 3

    resolution: Resolution
    resolved_on: date
    """The calendar day in the community's own time zone."""
    explanation: UUID | None = None
    language: Language | None = None
    imported: bool = False
    deadlines: tuple[Deadline, ...] = ()
    """Until when the resident may confirm, and until when ask to reopen."""
    answer: UUID | None = None
    """It ended where it was brought: intake's sealed row of what was told, in place of an explanation of ours."""


class CaseDeclined(CaseEvent):
    """`by` does not take it further, with an explanation in mediation's sealed row; the resident may appeal."""

    type: ClassVar[str] = "case.declined"

    by: StaffId
    reason: DeclineReason
    explanation: UUID
    language: Language
    deadlines: tuple[Deadline, ...] = ()
    """Until when the resident may appeal: the clock of reopening."""


class CaseReopened(CaseEvent):
    """Not solved after all, or declined and appealed; it goes to somebody else than `previous_owner`."""

    type: ClassVar[str] = "case.reopened"
    schema_version: ClassVar[int] = 3

    level: AreaPath
    previous_owner: StaffId | None = None
    on_appeal: bool = False
    """One level above who declined it, where there is one."""
    deadlines: tuple[Deadline, ...] = ()


class CaseMerged(CaseEvent):
    """The same trouble as another case: it is answered when that one is."""

    type: ClassVar[str] = "case.merged"

    into: UUID


class CaseClosed(CaseEvent):
    """Nothing more will happen unless the case is reopened."""

    type: ClassVar[str] = "case.closed"
    schema_version: ClassVar[int] = 2

    closure: Closure
