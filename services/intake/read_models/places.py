"""The communities that a report can be made to."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Boolean, Column, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.registry import CommunityClosed, CommunityRegistered, CommunityReopened


@dataclass(frozen=True, slots=True)
class CommunityRow:
    community_id: UUID
    path: str
    """Not called `area`: whoever reports may see every community there is."""
    name: str
    closed: bool


TABLE = Table(
    "community",
    MetaData(),
    Column("community_id", Uuid, primary_key=True),
    Column("path", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("closed", Boolean, nullable=False),
)


def evolve(row: CommunityRow | None, recorded: Recorded, event: Event) -> CommunityRow | None:
    match event:
        case CommunityRegistered():
            return CommunityRow(event.community, event.area, event.name, closed=False)
        case CommunityClosed() | CommunityReopened() if row:
            return replace(row, closed=isinstance(event, CommunityClosed))
        case _:
            return row


COMMUNITIES: ReadModel[CommunityRow] = ReadModel(
    name="community",
    version=2,
    table=TABLE,
    row=CommunityRow,
    evolve=evolve,
    types=types_of(CommunityRegistered, CommunityClosed, CommunityReopened),
)


async def communities(connection: AsyncConnection) -> list[CommunityRow]:
    rows = await connection.exec_driver_sql(
        "SELECT community_id, path, name, closed FROM community WHERE NOT closed ORDER BY path"
    )
    return [CommunityRow(*row) for row in rows]
