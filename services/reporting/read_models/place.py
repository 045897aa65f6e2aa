"""What the areas and communities are called, and whose clock counts their days."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, Index, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.registry import AreaRegistered, CommunityRegistered


@dataclass(frozen=True, slots=True)
class Place:
    place_id: UUID
    area: str
    name: str
    time_zone: str | None
    """Of a community; a mere area has none."""


TABLE = Table(
    "place",
    MetaData(),
    Column("place_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("time_zone", Text),
    Index("place_by_area", "area"),
)


def evolve(row: Place | None, recorded: Recorded, event: Event) -> Place | None:
    match event:
        case AreaRegistered():
            return Place(recorded.stream_id, event.path, event.name, None)
        case CommunityRegistered():
            return Place(recorded.stream_id, event.area, event.name, event.time_zone)
        case _:
            return row


PLACE: ReadModel[Place] = ReadModel(
    name="place",
    version=1,
    table=TABLE,
    row=Place,
    evolve=evolve,
    types=types_of(AreaRegistered, CommunityRegistered),
)


async def names_within(connection: AsyncConnection, area: str) -> dict[str, str]:
    """The names of `area` and of the places in it, by path; a community's own name goes before its area's."""
    rows = await connection.exec_driver_sql(
        "SELECT area, name FROM place WHERE area ^@ $1 ORDER BY time_zone NULLS FIRST", (area,)
    )
    return {row.area: row.name for row in rows}


async def names_of(connection: AsyncConnection, areas: list[str]) -> dict[str, str]:
    """The names of these areas, as far as they lie in scope."""
    rows = await connection.exec_driver_sql(
        "SELECT area, name FROM place WHERE area = ANY($1::text[]) ORDER BY time_zone NULLS FIRST", (areas,)
    )
    return {row.area: row.name for row in rows}
