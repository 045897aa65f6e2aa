"""Lectures, bench meetings and council meetings, on a key of their own; published by intake.

Title and place are written to be published. Who comes is told in numbers alone.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.contracts.event import Event, StreamKind
from services.contracts.registry import Name, TimeZone

Seats = Annotated[int, Field(ge=1, le=100_000)]
People = Annotated[int, Field(ge=1, le=10)]
"""Who come together."""


class GatheringKind(StrEnum):
    LECTURE = "lecture"
    BENCH = "bench"
    """A listening meeting, on the bench before the house as it were."""
    COUNCIL = "council"


class GatheringEvent(Event):
    stream_kind: ClassVar[StreamKind] = StreamKind.GATHERING


class GatheringAnnounced(GatheringEvent):
    type: ClassVar[str] = "gathering.announced"

    community: UUID
    kind: GatheringKind
    title: Name
    place: Name
    starts_at: datetime
    ends_at: datetime
    time_zone: TimeZone
    """The clock that its times are told by."""
    seats: Seats | None = None
    """None: whoever comes finds room."""


class GatheringChanged(GatheringEvent):
    """All that can change, as it is from now on."""

    type: ClassVar[str] = "gathering.changed"

    title: Name
    place: Name
    starts_at: datetime
    ends_at: datetime
    seats: Seats | None = None


class GatheringCancelled(GatheringEvent):
    type: ClassVar[str] = "gathering.cancelled"


class GatheringSignedUp(GatheringEvent):
    """So many will come. `sign_up` is of this one sign-up, and joins nothing; how to reach them, if they said so, lies
    sealed under it in intake."""

    type: ClassVar[str] = "gathering.signed_up"

    sign_up: UUID
    people: People


class GatheringSignedOff(GatheringEvent):
    """They will not come after all; what was sealed under the sign-up is gone."""

    type: ClassVar[str] = "gathering.signed_off"

    sign_up: UUID
    people: People


class GatheringHeld(GatheringEvent):
    """It took place; said again, the number is put right."""

    type: ClassVar[str] = "gathering.held"

    attendance: Annotated[int, Field(ge=0, le=100_000)]
