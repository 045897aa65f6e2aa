"""What anybody may read of a case: that it is there, what it is about, its dates, and one of a few fixed sentences.

Nothing in here has ever been written by a person. What the specification has room for besides, the description, the
place and its picture, is told as empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.intake.open311.formats import Value
from services.intake.open311.offered import Service
from services.intake.read_models.case_status import State, StatusRow


class Status(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


_ARRIVED = marked("It has arrived and waits for somebody to take it on.")
_TAKEN_ON = marked("Somebody has taken it on.")
_HANDED_ON = marked("It was handed to those who can mend it.")
_RESOLVED = marked("It is resolved.")
_CLOSED = marked("It is closed.")
_OPEN_AGAIN = marked("It is looked at again.")

_OPEN: Mapping[State, str] = {
    State.REPORTED: _ARRIVED,
    State.OPENED: _ARRIVED,
    State.ASSIGNED: _ARRIVED,
    State.ACKNOWLEDGED: _TAKEN_ON,
    State.DISPATCHED: _HANDED_ON,
    State.IN_MEDIATION: _TAKEN_ON,
    State.MERGED: _TAKEN_ON,
    State.REOPENING_ASKED: _OPEN_AGAIN,
    State.APPEALED: _OPEN_AGAIN,
}
"""In every other state it is closed. That parties sat down together is nobody else's to know."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change that anybody may know of."""

    at: datetime
    status: Status
    note: str


@dataclass(frozen=True, slots=True)
class Teller:
    """In which language and by which clock a community's requests are told."""

    language: Language
    zone: tzinfo

    def request(self, row: StatusRow, service: Service, agency: str | None) -> Mapping[str, Value]:
        """As GET requests tells it; `agency` is the name of the area that answers for it."""
        status = status_of(row)
        expected = row.done_by if status is Status.OPEN else None
        return {
            "service_request_id": str(row.case_id),
            "status": status.value,
            "status_notes": self.language.gettext(note_of(row)),
            "service_name": self.language.gettext(service.name),
            "service_code": service.code,
            "description": None,
            "agency_responsible": agency,
            "service_notice": None,
            "requested_datetime": self._moment(row.reported_at),
            "updated_datetime": self._moment(_updated_at(row)),
            "expected_datetime": self._moment(expected),
            "address": None,
            "address_id": None,
            "zipcode": None,
            "lat": None,
            "long": None,
            "media_url": None,
        }

    def update(self, row: StatusRow, step: Step) -> Mapping[str, Value]:
        """As GET servicerequestupdates tells it; the id stays the same as long as the step does."""
        return {
            "update_id": f"{row.case_id}.{step.status}.{int(step.at.timestamp() * 1000)}",
            "service_request_id": str(row.case_id),
            "status": step.status.value,
            "updated_datetime": self._moment(step.at),
            "description": self.language.gettext(step.note),
            "media_url": None,
        }

    def _moment(self, at: datetime | None) -> str | None:
        return at.astimezone(self.zone).isoformat(timespec="seconds") if at else None


def status_of(row: StatusRow) -> Status:
    return Status.OPEN if row.state in _OPEN else Status.CLOSED


def steps_of(row: StatusRow) -> Sequence[Step]:
    """The oldest first; of one instant in the order of a case's life.

    What is closed and closes once more is not told: the time would say whether the reporter was content.
    """
    asked, confirmed = row.reopening_asked_at, row.confirmed_at
    after_all = confirmed if asked and confirmed and asked < confirmed else None
    steps = (
        (row.reported_at, Status.OPEN, _ARRIVED),
        (row.acknowledged_at, Status.OPEN, _TAKEN_ON),
        (row.dispatched_at, Status.OPEN, _HANDED_ON),
        (row.resolved_at, Status.CLOSED, _RESOLVED),
        (asked, Status.OPEN, _OPEN_AGAIN),
        (row.reopened_at, Status.OPEN, _OPEN_AGAIN),
        (after_all, Status.CLOSED, _RESOLVED),
        (row.closed_at, Status.CLOSED, _CLOSED),
        (row.withdrawn_at, Status.CLOSED, _CLOSED),
    )
    happened = sorted((Step(at, status, note) for at, status, note in steps if at), key=lambda step: step.at)
    told: list[Step] = []
    for step in happened:
        before = told[-1] if told else None
        if before and before.status is step.status and (step.status is Status.CLOSED or before.at == step.at):
            continue
        told.append(step)
    return told


def note_of(row: StatusRow) -> str:
    """Of what is closed: whether it was solved, not who said so."""
    return _OPEN.get(row.state) or (_RESOLVED if row.resolution_version else _CLOSED)


def _updated_at(row: StatusRow) -> datetime | None:
    """When it changed last; of what is closed, when it was closed."""
    status = status_of(row)
    return max((step.at for step in steps_of(row) if step.status is status), default=None)
