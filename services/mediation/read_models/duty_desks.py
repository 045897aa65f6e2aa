"""Who is on duty where: whom a case is given to when it begins, goes up, or is taken up again."""

from collections.abc import Collection
from dataclasses import dataclass, replace
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
    """Whoever is told first and second at a desk, and when their shifts end, if that was said."""

    desk_id: UUID
    area: str
    first: str | None = None
    first_until: datetime | None = None
    second: str | None = None
    second_until: datetime | None = None


TABLE = Table(
    "duty_desk",
    MetaData(),
    Column("desk_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("first", Text),
    Column("first_until", DateTime(timezone=True)),
    Column("second", Text),
    Column("second_until", DateTime(timezone=True)),
)
Index("duty_desk_by_area", TABLE.c.area)


def evolve(row: DutyDeskRow | None, recorded: Recorded, event: Event) -> DutyDeskRow | None:
    match event:
        case DutyTaken():
            row = row or DutyDeskRow(recorded.stream_id, event.area)
            return _seated(row, event.place, event.cadre, event.until)
        case DutyLeft() if row is not None:
            return _seated(row, event.place, None, None)
        case _:
            return row


def _seated(row: DutyDeskRow, place: DutyPlace, cadre: str | None, until: datetime | None) -> DutyDeskRow:
    if place is DutyPlace.FIRST:
        return replace(row, first=cadre, first_until=until)
    return replace(row, second=cadre, second_until=until)


DUTY_DESKS: ReadModel[DutyDeskRow] = ReadModel(
    name="duty_desk", version=1, table=TABLE, row=DutyDeskRow, evolve=evolve, types=types_of(DutyTaken, DutyLeft)
)

_ON_DUTY = """
SELECT area, array_remove(ARRAY[
    CASE WHEN first_until IS NULL OR first_until > $2 THEN first END,
    CASE WHEN second_until IS NULL OR second_until > $2 THEN second END
], NULL) AS cadres
FROM duty_desk WHERE area = ANY($1::text[])
"""


async def cadres_at(connection: AsyncConnection, desks: Collection[str], at: datetime) -> dict[str, list[str]]:
    """Who is on duty at these desks at that moment, in the order in which they are told."""
    rows = await connection.exec_driver_sql(_ON_DUTY, (list(desks), at))
    return {row.area: row.cadres for row in rows}
