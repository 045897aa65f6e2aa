"""Who is to be told what because of an event, and what nobody need be told any more: pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid5

from services.chassis.projections import types_of
from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertWithdrawn
from services.contracts.cases import (
    CaseAcknowledged,
    CaseAmended,
    CaseAssigned,
    CaseClosed,
    CaseDeclined,
    CaseDelayExplained,
    CaseErased,
    CaseEscalated,
    CaseMerged,
    CaseMessageWritten,
    CaseOpened,
    CaseReminded,
    CaseReopened,
    CaseReported,
    CaseResolved,
    CaseWithdrawn,
)
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.notifications.read_models.told_cases import ToldCase

_DELIVERIES = UUID("5b0a3c52-7d0e-5a8b-9a55-2d7d0f8f1c3e")


class Audience(StrEnum):
    STAFF = "staff"
    RESIDENT = "resident"
    GUEST = "guest"
    """Who signed up for a gathering."""


class What(StrEnum):
    """What a message says; each has a template of its name."""

    ALERT = "alert"
    REMINDER = "reminder"
    HEARD = "heard"
    """The resident wrote something."""
    BESIDE = "beside"
    """Somebody who is not of age needs a person beside them."""
    TEST = "test"
    RECEIVED = "received"
    TAKEN = "taken"
    RAISED = "raised"
    DELAYED = "delayed"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    NEWS = "news"
    """Something was written to them: not what."""
    MOVED = "moved"
    CALLED_OFF = "called_off"


@dataclass(frozen=True, slots=True)
class Planned:
    """One message to one reader, through whichever channel reaches them. A resident has no name here: `recipient` is
    empty, and the case tells who it is; of a guest it is the id of the sign-up, and `stream_id` the gathering."""

    source: str
    stream_id: UUID
    version: int
    audience: Audience
    recipient: str
    what: What
    area: str
    recorded_at: datetime
    reference: str | None = None
    category: str | None = None
    urgency: str | None = None
    owner: str | None = None
    by_when: datetime | None = None

    @property
    def delivery_id(self) -> UUID:
        """Known from what it stands for, so that a message that is sent again carries the id that it had."""
        identity = (self.source, self.stream_id, self.version, self.audience, self.recipient, self.what)
        return uuid5(_DELIVERIES, ":".join(map(str, identity)))


@dataclass(frozen=True, slots=True)
class ForDuty:
    """A message for whoever is on duty at `level`; what it says is complete but for that."""

    level: str
    planned: Planned


@dataclass(frozen=True, slots=True)
class Void:
    """What still waits for these readers of a case or a gathering is not sent, if it was recorded by `until`: what ends
    one news may be read again behind a later one, when a lost log is filled anew. None: nothing, whenever it was
    recorded. `whats` is what of it goes, None: all."""

    audience: Audience
    reason: str
    until: datetime | None
    whats: frozenset[What] | None = None

    ANSWERED: ClassVar[str] = "answered"
    WITHDRAWN: ClassVar[str] = "withdrawn"
    ERASED: ClassVar[str] = "erased"
    REPLACED: ClassVar[str] = "replaced"

    def ends(self, message: Planned) -> bool:
        """Of the same case or gathering."""
        concerned = message.audience is self.audience and (self.whats is None or message.what in self.whats)
        return concerned and (self.until is None or message.recorded_at <= self.until)


_LOOKED_AFTER = types_of(AlertAcknowledged, AlertWithdrawn, CaseAcknowledged, CaseResolved, CaseClosed, CaseMerged)
_ASKED = frozenset({What.ALERT, What.REMINDER})
"""What asks somebody to look after a case; who stands beside a minor, or was written to, is told all the same."""

TYPES = _LOOKED_AFTER | types_of(
    AlertRaised,
    CaseReminded,
    CaseReported,
    CaseOpened,
    CaseAmended,
    CaseMessageWritten,
    CaseDeclined,
    CaseAssigned,
    CaseEscalated,
    CaseDelayExplained,
    CaseReopened,
    CaseWithdrawn,
    CaseErased,
)
"""No other event makes or ends a message."""


def planned(
    before: ToldCase | None, after: ToldCase | None, recorded: Recorded, event: Event
) -> Planned | ForDuty | None:
    """The message that an event causes. `before` and `after` are what is known of its case around it."""
    match event:
        case AlertRaised():
            return _alert(recorded, event)
        case CaseReminded():
            return _reminder(after, recorded, event)
        case CaseAmended():
            return _heard(after, recorded)
        case CaseOpened():
            return _beside(after, recorded, event)
        case _ if after is None or after.imported or after.erased:
            # Who was written down years ago, in another system, was never promised a word by this one.
            return None
        case _:
            return _to_resident(before, after, recorded, event)


def voided(recorded: Recorded, event: Event) -> Void | None:
    """What an event makes pointless to send."""
    match event:
        case CaseErased():
            return Void(Audience.RESIDENT, Void.ERASED, until=None)
        case CaseWithdrawn():
            return Void(Audience.RESIDENT, Void.WITHDRAWN, until=None)
        case _ if event.type in _LOOKED_AFTER:
            return Void(Audience.STAFF, Void.ANSWERED, recorded.recorded_at, _ASKED)
        case _:
            return None


def _alert(recorded: Recorded, event: AlertRaised) -> Planned | None:
    if event.recipient is None:
        return None
    return Planned(
        recorded.source,
        recorded.stream_id,
        recorded.version,
        Audience.STAFF,
        event.recipient,
        What.ALERT,
        recorded.area,
        recorded.recorded_at,
        event.reference,
        event.category,
        event.urgency.value,
        by_when=event.answer_by,
    )


def _reminder(case: ToldCase | None, recorded: Recorded, event: CaseReminded) -> Planned | ForDuty | None:
    reminder = Planned(
        recorded.source,
        recorded.stream_id,
        recorded.version,
        Audience.STAFF,
        event.owner or "",
        What.REMINDER,
        recorded.area,
        recorded.recorded_at,
        case.reference if case else None,
        case.category if case else None,
        case.urgency if case else None,
        by_when=event.due_at,
    )
    return reminder if event.owner else ForDuty(event.level or recorded.area, reminder)


def _heard(case: ToldCase | None, recorded: Recorded) -> Planned | ForDuty | None:
    """To whoever has the case; while nobody has, to whoever is on duty there."""
    if case is None or case.erased:
        return None
    heard = _to_staff(case, recorded, What.HEARD, case.owner or "")
    return heard if case.owner else ForDuty(recorded.area, heard)


def _beside(case: ToldCase | None, recorded: Recorded, event: CaseOpened) -> Planned | None:
    """In danger the protection desk has the case, and is alerted; a minor's is somebody else's, and it stands by."""
    if event.protection is None or event.danger or event.imported:
        return None
    return _to_staff(case, recorded, What.BESIDE, event.protection)


def _to_staff(case: ToldCase | None, recorded: Recorded, what: What, recipient: str) -> Planned:
    return Planned(
        recorded.source,
        recorded.stream_id,
        recorded.version,
        Audience.STAFF,
        recipient,
        what,
        recorded.area,
        recorded.recorded_at,
        case.reference if case else None,
        case.category if case else None,
        case.urgency if case else None,
    )


def _to_resident(before: ToldCase | None, after: ToldCase, recorded: Recorded, event: Event) -> Planned | None:
    what = _news(before, after, event)
    if what is None:
        return None
    promises = what in (What.TAKEN, What.RAISED, What.DELAYED)
    return Planned(
        recorded.source,
        recorded.stream_id,
        recorded.version,
        Audience.RESIDENT,
        "",
        what,
        recorded.area,
        recorded.recorded_at,
        after.reference,
        owner=after.owner if promises else None,
        by_when=after.due_at if promises else None,
    )


def _news(before: ToldCase | None, after: ToldCase, event: Event) -> What | None:
    match event:
        case CaseReported():
            # Whoever was answered at the counter was there; that they may still object is told with the answer.
            return None if event.answered else What.RECEIVED
        case CaseAssigned() | CaseAcknowledged():
            # Once for each owner: whoever was assigned and then acknowledges is no news.
            return What.TAKEN if before is None or before.owner != after.owner else None
        case CaseEscalated():
            return What.RAISED
        case CaseDelayExplained():
            return What.DELAYED
        case CaseResolved():
            return None if event.imported else What.RESOLVED
        case CaseReopened():
            return What.REOPENED
        case CaseMessageWritten() | CaseDeclined():
            return What.NEWS
        case _:
            return None
