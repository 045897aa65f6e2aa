"""Who is on duty where, since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.duty import DutyLeft, DutyTaken
from services.contracts.envelope import Recorded
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class DutyDeskRow:
    """A manned desk; an empty one has no row."""

    desk_id: UUID
    area: str
    cadre: str
    since: datetime


TABLE = Table(
    "duty_desk",
    MetaData(),
    Column("desk_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("cadre", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
)
Index("duty_desk_by_area", TABLE.c.area)


def evolve(row: DutyDeskRow | None, recorded: Recorded, event: Event) -> DutyDeskRow | None:
    match event:
        case DutyTaken():
            return DutyDeskRow(recorded.stream_id, event.area, event.cadre, recorded.occurred_at)
        case DutyLeft():
            return None
        case _:
            return row


DUTY_DESKS: ReadModel[DutyDeskRow] = ReadModel(
    name="duty_desk", version=1, table=TABLE, row=DutyDeskRow, evolve=evolve, types=types_of(DutyTaken, DutyLeft)
)


async def first_manned(connection: AsyncConnection, desks: Sequence[str]) -> DutyDeskRow | None:
    """The first of these desks, nearest first, at which somebody is on duty."""
    rows = await connection.exec_driver_sql(
        "SELECT desk_id, area, cadre, since FROM duty_desk WHERE area = ANY($1::text[])"
        " ORDER BY length(area) DESC LIMIT 1",
        (list(desks),),
    )
    found = rows.one_or_none()
    return DutyDeskRow(*found) if found else None
