"""Gatherings as anybody may know of them: what, where, when, how many seats, how many came."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, Integer, MetaData, Table, Text, Uuid, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.clock import within_reach
from services.chassis.projections import ReadModel, types_of
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.gatherings import (
    GatheringAnnounced,
    GatheringCancelled,
    GatheringChanged,
    GatheringHeld,
    GatheringSignedOff,
    GatheringSignedUp,
)
from services.intake.domain.gathering import LONGEST


class State(StrEnum):
    ANNOUNCED = "announced"
    CANCELLED = "cancelled"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class GatheringRow:
    """`path` is its community's area; not called `area`, since anybody may see it."""

    gathering_id: UUID
    path: str
    community: UUID
    kind: str
    title: str
    place: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    seats: int | None
    taken: int
    state: str
    attendance: int | None
    sequence: int
    """How often what a calendar shows has changed."""
    changed_at: datetime

    @property
    def seats_left(self) -> int | None:
        return None if self.seats is None else max(self.seats - self.taken, 0)

    def open_at(self, at: datetime) -> bool:
        """Whether somebody can sign up."""
        return self.state == State.ANNOUNCED and at < self.starts_at and self.seats_left != 0


_INSTANT = DateTime(timezone=True)

TABLE = Table(
    "gathering",
    MetaData(),
    Column("gathering_id", Uuid, primary_key=True),
    Column("path", Text, nullable=False),
    Column("community", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("starts_at", _INSTANT, nullable=False),
    Column("ends_at", _INSTANT, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("seats", Integer),
    Column("taken", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attendance", Integer),
    Column("sequence", Integer, nullable=False),
    Column("changed_at", _INSTANT, nullable=False),
)
Index("gathering_by_community", TABLE.c.community, TABLE.c.ends_at)
Index("gathering_by_end", TABLE.c.ends_at)


def evolve(row: GatheringRow | None, recorded: Recorded, event: Event) -> GatheringRow | None:
    at = recorded.occurred_at
    if isinstance(event, GatheringAnnounced):
        return GatheringRow(
            gathering_id=recorded.stream_id,
            path=recorded.area,
            community=event.community,
            kind=event.kind,
            title=event.title,
            place=event.place,
            starts_at=_begins(event),
            ends_at=_ends(event),
            time_zone=event.time_zone,
            seats=event.seats,
            taken=0,
            state=State.ANNOUNCED,
            attendance=None,
            sequence=0,
            changed_at=at,
        )
    if row is None:
        return None
    match event:
        case GatheringChanged():
            return replace(
                row,
                title=event.title,
                place=event.place,
                starts_at=_begins(event),
                ends_at=_ends(event),
                seats=event.seats,
                sequence=row.sequence + 1,
                changed_at=at,
            )
        case GatheringCancelled():
            return replace(row, state=State.CANCELLED, sequence=row.sequence + 1, changed_at=at)
        case GatheringSignedUp():
            return replace(row, taken=row.taken + event.people)
        case GatheringSignedOff():
            return replace(row, taken=row.taken - event.people)
        case GatheringHeld():
            return replace(row, state=State.HELD, attendance=event.attendance)
        case _:
            return row


def _begins(event: GatheringAnnounced | GatheringChanged) -> datetime:
    return within_reach(event.starts_at)


def _ends(event: GatheringAnnounced | GatheringChanged) -> datetime:
    """Before there were bounds one could be announced for ever: it would never leave the list, nor would what people
    left to be reached by go."""
    return min(event.ends_at, _begins(event) + LONGEST)


GATHERINGS: ReadModel[GatheringRow] = ReadModel(
    name="gathering",
    version=2,
    table=TABLE,
    row=GatheringRow,
    evolve=evolve,
    types=types_of(
        GatheringAnnounced,
        GatheringChanged,
        GatheringCancelled,
        GatheringSignedUp,
        GatheringSignedOff,
        GatheringHeld,
    ),
)

MOST = 500


async def gathering_of(connection: AsyncConnection, gathering_id: UUID) -> GatheringRow | None:
    found = await connection.execute(select(TABLE).where(TABLE.c.gathering_id == gathering_id))
    row = found.one_or_none()
    return GatheringRow(*row) if row else None


async def gatherings_of(
    connection: AsyncConnection, communities: Sequence[UUID], since: datetime, *, past: bool = False
) -> list[GatheringRow]:
    """Those that end after `since`, the next one first; or those that ended by then, the last one first."""
    query = select(TABLE).where(TABLE.c.community.in_(communities)).limit(MOST)
    if past:
        query = query.where(TABLE.c.ends_at <= since).order_by(TABLE.c.starts_at.desc(), TABLE.c.gathering_id)
    else:
        query = query.where(TABLE.c.ends_at > since).order_by(TABLE.c.starts_at, TABLE.c.gathering_id)
    return [GatheringRow(*row) for row in await connection.execute(query)]
