"""Who is on duty where; published by notifications."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid5

from services.contracts.event import AreaPath, Event, StaffId, StreamKind

_DUTY = UUID("a7c0be0e-93ad-5b1f-8d0c-3f7f52b1c6aa")


def duty_stream(area: str) -> UUID:
    """The stream of the duty desk of `area`: the same on every machine."""
    return uuid5(_DUTY, area)


class DutyPlace(StrEnum):
    """Who is told first, and who is told when the first does not answer."""

    FIRST = "first"
    SECOND = "second"


class DutyTaken(Event):
    """From now on `cadre` answers for `area`, instead of whoever did before; `until` is when the shift ends."""

    type: ClassVar[str] = "duty.taken"
    schema_version: ClassVar[int] = 2
    stream_kind: ClassVar[StreamKind] = StreamKind.DUTY

    area: AreaPath
    cadre: StaffId
    place: DutyPlace = DutyPlace.FIRST
    until: datetime | None = None


class DutyLeft(Event):
    """Nobody answers at this desk; the next one up the tree does."""

    type: ClassVar[str] = "duty.left"
    schema_version: ClassVar[int] = 2
    stream_kind: ClassVar[StreamKind] = StreamKind.DUTY

    area: AreaPath
    cadre: StaffId
    place: DutyPlace = DutyPlace.FIRST
