"""The tree of areas and communities as intake registered it: a read model that every other service keeps."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, Index, MetaData, Table, Text, Uuid

from services.chassis.projections import ReadModel, types_of
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.registry import AreaRegistered, CommunityRegistered


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """An area of the tree, or with a time zone the community at its leaf."""

    place_id: UUID
    area: str
    name: str
    time_zone: str | None


TABLE = Table(
    "place",
    MetaData(),
    Column("place_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("time_zone", Text),
)
Index("place_by_area", TABLE.c.area)


def evolve(row: PlaceRow | None, recorded: Recorded, event: Event) -> PlaceRow | None:
    match event:
        case AreaRegistered():
            return PlaceRow(recorded.stream_id, event.path, event.name, None)
        case CommunityRegistered():
            return PlaceRow(recorded.stream_id, event.area, event.name, event.time_zone)
        case _:
            return row


PLACES: ReadModel[PlaceRow] = ReadModel(
    name="place",
    version=1,
    table=TABLE,
    row=PlaceRow,
    evolve=evolve,
    types=types_of(AreaRegistered, CommunityRegistered),
)
