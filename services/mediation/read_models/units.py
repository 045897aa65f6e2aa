"""The outside units that cases can be handed to."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.registry import UnitRegistered


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit takes cases of `area` and below."""

    unit_id: UUID
    unit: str
    area: str
    name: str


TABLE = Table(
    "unit",
    MetaData(),
    Column("unit_id", Uuid, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("name", Text, nullable=False),
)


def evolve(row: UnitRow | None, recorded: Recorded, event: Event) -> UnitRow | None:
    match event:
        case UnitRegistered():
            return UnitRow(recorded.stream_id, event.unit, event.area, event.name)
        case _:
            return row


UNITS: ReadModel[UnitRow] = ReadModel(
    name="unit", version=1, table=TABLE, row=UnitRow, evolve=evolve, types=types_of(UnitRegistered)
)


UNITS_FOR = "SELECT unit_id, unit, area, name FROM unit WHERE $1 ^@ area ORDER BY length(area) DESC, name"


async def units_for(connection: AsyncConnection, area: str) -> Sequence[UnitRow]:
    """The units that take cases of `area`, the nearest first. The connection must be allowed to see above it."""
    rows = await connection.exec_driver_sql(UNITS_FOR, (area,))
    return [UnitRow(*row) for row in rows]
