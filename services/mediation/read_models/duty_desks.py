"""Who is on duty where: whom a case is given to when it begins, or goes up."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.duty import DutyLeft, DutyPlace, DutyTaken
from services.contracts.envelope import Recorded
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class DutyDeskRow:
    """Whoever is told first at a manned desk; `until` is when the shift ends, if that was said."""

    desk_id: UUID
    area: str
    cadre: str
    until: datetime | None


TABLE = Table(
    "duty_desk",
    MetaData(),
    Column("desk_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("cadre", Text, nullable=False),
    Column("until", DateTime(timezone=True)),
)
Index("duty_desk_by_area", TABLE.c.area)


def evolve(row: DutyDeskRow | None, recorded: Recorded, event: Event) -> DutyDeskRow | None:
    match event:
        case DutyTaken(place=DutyPlace.FIRST):
            return DutyDeskRow(recorded.stream_id, event.area, event.cadre, event.until)
        case DutyLeft(place=DutyPlace.FIRST):
            return None
        case _:
            return row


DUTY_DESKS: ReadModel[DutyDeskRow] = ReadModel(
    name="duty_desk", version=1, table=TABLE, row=DutyDeskRow, evolve=evolve, types=types_of(DutyTaken, DutyLeft)
)


async def cadres_at(connection: AsyncConnection, desks: Collection[str], at: datetime) -> dict[str, str]:
    """Who is on duty at these desks at that moment."""
    rows = await connection.exec_driver_sql(
        "SELECT area, cadre FROM duty_desk WHERE area = ANY($1::text[]) AND (until IS NULL OR until > $2)",
        (list(desks), at),
    )
    return {row.area: row.cadre for row in rows}
