"""Who is on duty where; published by notifications."""

from typing import ClassVar
from uuid import UUID, uuid5

from services.contracts.event import AreaPath, Event, StaffId, StreamKind

_DUTY = UUID("a7c0be0e-93ad-5b1f-8d0c-3f7f52b1c6aa")


def duty_stream(area: str) -> UUID:
    """The stream of the duty desk of `area`: the same on every machine."""
    return uuid5(_DUTY, area)


class DutyTaken(Event):
    """From now on `cadre` answers for `area`, instead of whoever did before."""

    type: ClassVar[str] = "duty.taken"
    stream_kind: ClassVar[StreamKind] = StreamKind.DUTY

    area: AreaPath
    cadre: StaffId


class DutyLeft(Event):
    """Nobody answers at this desk; the next one up the tree does."""

    type: ClassVar[str] = "duty.left"
    stream_kind: ClassVar[StreamKind] = StreamKind.DUTY

    area: AreaPath
    cadre: StaffId
