"""What every service must know of the world: areas and communities, published by intake, and mediation's units."""

from typing import Annotated, ClassVar
from uuid import UUID, uuid5

from pydantic import Field, StringConstraints

from services.contracts.event import AreaPath, Code, Event, StreamKind

Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
TimeZone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$", max_length=64)]

_REGISTRY = UUID("6f0d2c5e-7a51-5d53-9f3e-0b8b7c1d4e21")


def area_stream(path: str) -> UUID:
    """The stream of the area at `path`: the same on every machine."""
    return uuid5(_REGISTRY, f"area:{path}")


def community_stream(path: str) -> UUID:
    """The stream, and so the id, of the community whose area is `path`."""
    return uuid5(_REGISTRY, f"community:{path}")


class AreaRegistered(Event):
    type: ClassVar[str] = "area.registered"
    stream_kind: ClassVar[StreamKind] = StreamKind.AREA

    path: AreaPath
    name: Name


def unit_stream(unit: str) -> UUID:
    """The stream of the unit with this code: the same on every machine."""
    return uuid5(_REGISTRY, f"unit:{unit}")


class CommunityRegistered(Event):
    """A community is a leaf of the tree of areas, with the clock that its days are counted by."""

    type: ClassVar[str] = "community.registered"
    stream_kind: ClassVar[StreamKind] = StreamKind.COMMUNITY

    community: UUID
    area: AreaPath
    name: Name
    time_zone: TimeZone


Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
"""Degrees of WGS 84."""

Building = Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]


class CommunityLocated(Event):
    """Where a community lies and what stands in it, for residents to find it by. The last word holds, as a whole."""

    type: ClassVar[str] = "community.located"
    stream_kind: ClassVar[StreamKind] = StreamKind.COMMUNITY

    community: UUID
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    buildings: tuple[Building, ...] = ()
    """As people there call them, in the order in which they are offered."""


class CommunityClosed(Event):
    """The community takes no new reports; what was reported before goes on."""

    type: ClassVar[str] = "community.closed"
    stream_kind: ClassVar[StreamKind] = StreamKind.COMMUNITY

    community: UUID


class CommunityReopened(Event):
    """It takes reports again."""

    type: ClassVar[str] = "community.reopened"
    stream_kind: ClassVar[StreamKind] = StreamKind.COMMUNITY

    community: UUID


class UnitRegistered(Event):
    """An outside unit (water company, garden unit, school) that takes cases of `area` and below."""

    type: ClassVar[str] = "unit.registered"
    stream_kind: ClassVar[StreamKind] = StreamKind.UNIT

    unit: Code
    area: AreaPath
    name: Name
