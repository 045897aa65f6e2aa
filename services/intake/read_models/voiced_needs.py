"""What was voiced at a meeting: the reports that came of it, so that their way back to it is kept."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, Uuid, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.cases import CaseReported
from services.contracts.envelope import Recorded
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class VoicedNeed:
    case_id: UUID
    area: str
    gathering: UUID
    kind: str
    category: str
    reported_at: datetime


TABLE = Table(
    "voiced_need",
    MetaData(),
    Column("case_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("gathering", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("reported_at", DateTime(timezone=True), nullable=False),
)
Index("voiced_need_by_gathering", TABLE.c.gathering, TABLE.c.reported_at)


def evolve(row: VoicedNeed | None, recorded: Recorded, event: Event) -> VoicedNeed | None:
    if not isinstance(event, CaseReported) or event.gathering is None:
        return row
    return VoicedNeed(
        recorded.stream_id, recorded.area, event.gathering, event.kind, event.category, recorded.occurred_at
    )


def voiced(recorded: Recorded, event: Event) -> UUID | None:
    """Most reports come of no meeting: they are not looked up."""
    return recorded.stream_id if isinstance(event, CaseReported) and event.gathering else None


VOICED_NEEDS: ReadModel[VoicedNeed] = ReadModel(
    name="voiced_need",
    version=1,
    table=TABLE,
    row=VoicedNeed,
    evolve=evolve,
    types=types_of(CaseReported),
    key_of=voiced,
)


async def voiced_at(connection: AsyncConnection, gathering: UUID) -> list[VoicedNeed]:
    """In the connection's scope, the first one first."""
    query = select(TABLE).where(TABLE.c.gathering == gathering).order_by(TABLE.c.reported_at, TABLE.c.case_id)
    return [VoicedNeed(*row) for row in await connection.execute(query)]
