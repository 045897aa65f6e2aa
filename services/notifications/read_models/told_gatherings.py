"""What a message about a gathering tells of: when and where it is, as far as a change of it is news."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.clock import within_reach
from services.chassis.projections import ReadModel, types_of
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.gatherings import GatheringAnnounced, GatheringChanged


@dataclass(frozen=True, slots=True)
class ToldGathering:
    gathering_id: UUID
    area: str
    place: str
    starts_at: datetime
    ends_at: datetime


TABLE = Table(
    "told_gathering",
    MetaData(),
    Column("gathering_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
)


def evolve(row: ToldGathering | None, recorded: Recorded, event: Event) -> ToldGathering | None:
    match event:
        case GatheringAnnounced():
            return ToldGathering(recorded.stream_id, recorded.area, event.place, *_times(event))
        case GatheringChanged() if row is not None:
            starts_at, ends_at = _times(event)
            return replace(row, place=event.place, starts_at=starts_at, ends_at=ends_at)
        case _:
            return row


def _times(event: GatheringAnnounced | GatheringChanged) -> tuple[datetime, datetime]:
    """Before there were bounds they could lie where no clock reaches."""
    return within_reach(event.starts_at), within_reach(event.ends_at)


TOLD_GATHERINGS: ReadModel[ToldGathering] = ReadModel(
    name="told_gathering",
    version=2,
    table=TABLE,
    row=ToldGathering,
    evolve=evolve,
    types=types_of(GatheringAnnounced, GatheringChanged),
)

_COLUMNS = ", ".join(column.name for column in TABLE.columns)
TOLD = f"SELECT {_COLUMNS} FROM told_gathering WHERE gathering_id = ANY($1::uuid[])"


async def told_gatherings(connection: AsyncConnection, gatherings: Collection[UUID]) -> dict[UUID, ToldGathering]:
    """Those of `gatherings` that were heard of."""
    rows = await connection.exec_driver_sql(TOLD, (list(gatherings),))
    return {row[0]: ToldGathering(*row) for row in rows}
