"""What the duty page shows of alerts and of a desk, put into words that templates translate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.chassis.auth import Staff
from services.chassis.categories import category_of
from services.chassis.duty_desks import Seat
from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.contracts.alerts import AlertCause
from services.contracts.cases import Kind, Urgency
from services.contracts.duty import DutyPlace
from services.notifications.read_models.alert_list import AlertRow
from services.notifications.read_models.turns import in_turn

KINDS = {
    Kind.DISPUTE: marked("Dispute"),
    Kind.NEED: marked("Need"),
    Kind.CONSULTATION: marked("Consultation"),
    Kind.IDEA: marked("Idea"),
    Kind.LISTENING: marked("Somebody to talk to"),
    Kind.FAULT: marked("Fault"),
    Kind.INFORMATION: marked("Information"),
}
CAUSES = {
    AlertCause.OPENED: marked("New"),
    AlertCause.ESCALATED: marked("Raised a level"),
    AlertCause.REOPENED: marked("Reopened"),
    AlertCause.ASSIGNED: marked("Given on"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """One alert that waits; `place` is where the case lies."""

    alert: UUID
    case_id: UUID
    urgent: bool
    kind: str
    category: str
    reference: str | None
    place: str
    cause: str
    recipient: str | None
    mine: bool
    raised_at: datetime
    answer_by: datetime | None


def card(row: AlertRow, staff: Staff, names: Mapping[str, str], language: Language) -> Card:
    return Card(
        alert=row.alert,
        case_id=row.case_id,
        urgent=row.urgency == Urgency.URGENT,
        kind=KINDS[Kind(row.kind)],
        category=category_of(row.kind, row.category, language),
        reference=row.reference,
        place=names.get(row.area, row.area),
        cause=CAUSES[AlertCause(row.cause)],
        recipient=row.recipient,
        mine=row.recipient == staff.id,
        raised_at=row.raised_at,
        answer_by=row.answer_by,
    )


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody who is told of a case; `place` is the desk's name where that is another than asked for."""

    cadre: str
    you: bool
    second: bool
    since: datetime
    until: datetime | None
    place: str | None


@dataclass(frozen=True, slots=True)
class DeskFace:
    """The desk of `area`: who is told of its cases, in turn, and what the reader may do about it."""

    area: str
    turn: Sequence[OnDuty]
    manned: bool
    """By somebody of its own."""
    yours: DutyPlace | None
    may_take: bool
    may_put: bool


def desk_face(
    area: str, seats: Sequence[Seat], names: Mapping[str, str], staff: Staff, may_take: bool, may_put: bool
) -> DeskFace:
    own = [seat for seat in seats if seat.desk == area]
    turn = [
        OnDuty(
            cadre=seat.cadre,
            you=seat.cadre == staff.id,
            second=seat.place is DutyPlace.SECOND,
            since=seat.since,
            until=seat.until,
            place=None if seat.desk == area else names.get(seat.desk, seat.desk),
        )
        for seat in in_turn(area, seats)
    ]
    yours = next((seat.place for seat in own if seat.cadre == staff.id), None)
    return DeskFace(area, turn, bool(own), yours, may_take, may_put)
