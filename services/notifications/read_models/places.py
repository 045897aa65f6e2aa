"""Areas and communities as intake registered them: where a duty desk may stand, and what it is called."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, Index, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.registry import AreaRegistered, CommunityRegistered


@dataclass(frozen=True, slots=True)
class PlaceRow:
    place_id: UUID
    area: str
    name: str


TABLE = Table(
    "place",
    MetaData(),
    Column("place_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("name", Text, nullable=False),
)
Index("place_by_area", TABLE.c.area)


def evolve(row: PlaceRow | None, recorded: Recorded, event: Event) -> PlaceRow | None:
    match event:
        case AreaRegistered():
            return PlaceRow(recorded.stream_id, event.path, event.name)
        case CommunityRegistered():
            return PlaceRow(recorded.stream_id, event.area, event.name)
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


async def name_of(connection: AsyncConnection, area: str) -> str | None:
    """What the place at `area` is called, if there is one in the connection's scope."""
    rows = await connection.exec_driver_sql("SELECT name FROM place WHERE area = $1 LIMIT 1", (area,))
    return rows.scalar_one_or_none()
