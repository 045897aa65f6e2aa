"""Who is on duty where, since when, and until when: a read model that more than one service keeps."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.clock import within_reach
from services.chassis.projections import ReadModel, types_of
from services.contracts.duty import DutyLeft, DutyPlace, DutyTaken
from services.contracts.envelope import Recorded
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class DutyDeskRow:
    """A desk with somebody in one of its places at least; an empty one has no row."""

    desk_id: UUID
    area: str
    first: str | None = None
    first_since: datetime | None = None
    first_until: datetime | None = None
    second: str | None = None
    second_since: datetime | None = None
    second_until: datetime | None = None


TABLE = Table(
    "duty_desk",
    MetaData(),
    Column("desk_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("first", Text),
    Column("first_since", DateTime(timezone=True)),
    Column("first_until", DateTime(timezone=True)),
    Column("second", Text),
    Column("second_since", DateTime(timezone=True)),
    Column("second_until", DateTime(timezone=True)),
)
Index("duty_desk_by_area", TABLE.c.area)


def evolve(row: DutyDeskRow | None, recorded: Recorded, event: Event) -> DutyDeskRow | None:
    match event:
        case DutyTaken():
            row = row or DutyDeskRow(recorded.stream_id, event.area)
            until = within_reach(event.until) if event.until else None
            return _seated(row, event.place, event.cadre, recorded.occurred_at, until)
        case DutyLeft() if row:
            row = _seated(row, event.place, None, None, None)
            return row if row.first or row.second else None
        case _:
            return row


def _seated(
    row: DutyDeskRow, place: DutyPlace, cadre: str | None, since: datetime | None, until: datetime | None
) -> DutyDeskRow:
    if place is DutyPlace.FIRST:
        return replace(row, first=cadre, first_since=since, first_until=until)
    return replace(row, second=cadre, second_since=since, second_until=until)


DUTY_DESKS: ReadModel[DutyDeskRow] = ReadModel(
    name="duty_desk", version=3, table=TABLE, row=DutyDeskRow, evolve=evolve, types=types_of(DutyTaken, DutyLeft)
)


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody on duty: at which desk, in which of its places."""

    desk: str
    cadre: str
    place: DutyPlace
    since: datetime
    until: datetime | None


SEATS = (
    "SELECT area, first, first_since, first_until, second, second_since, second_until FROM duty_desk"
    " WHERE area = ANY($1::text[]) ORDER BY length(area) DESC"
)


async def seats_at(connection: AsyncConnection, desks: Collection[str], at: datetime) -> list[Seat]:
    """Who is on duty at these desks at that moment: the lowest desk first, and there who is told first."""
    rows = await connection.exec_driver_sql(
        SEATS,
        (list(desks),),
    )
    seats: list[Seat] = []
    for row in rows:
        if row.first and (row.first_until is None or row.first_until > at):
            seats.append(Seat(row.area, row.first, DutyPlace.FIRST, row.first_since, row.first_until))
        if row.second and (row.second_until is None or row.second_until > at):
            seats.append(Seat(row.area, row.second, DutyPlace.SECOND, row.second_since, row.second_until))
    return seats
