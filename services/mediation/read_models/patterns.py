"""Faults that came from many at once in one place, as reporting found them; shown beside the caseload."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, Uuid, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.patterns import PatternFound


@dataclass(frozen=True, slots=True)
class PatternRow:
    pattern_id: UUID
    area: str
    category: str
    cases: int
    since: datetime
    until: datetime


TABLE = Table(
    "pattern",
    MetaData(),
    Column("pattern_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)


def evolve(row: PatternRow | None, recorded: Recorded, event: Event) -> PatternRow | None:
    match event:
        case PatternFound():
            return PatternRow(recorded.stream_id, event.area, event.category, event.cases, event.since, event.until)
        case _:
            return row


PATTERNS: ReadModel[PatternRow] = ReadModel(
    name="pattern", version=1, table=TABLE, row=PatternRow, evolve=evolve, types=types_of(PatternFound)
)


async def latest_patterns(connection: AsyncConnection, limit: int = 10) -> list[PatternRow]:
    """The latest patterns in the connection's scope."""
    query = select(TABLE).order_by(TABLE.c.until.desc(), TABLE.c.pattern_id).limit(limit)
    return [PatternRow(*row) for row in await connection.execute(query)]
