"""Where cases come from, and the clock that their community's days are counted by."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Home:
    """Where a case comes from, and its clock, if that is known yet."""

    area: str
    clock: ZoneInfo | None


def day_of(instant: datetime, clock: ZoneInfo) -> date:
    return instant.astimezone(clock).date()


HOMES = (
    "SELECT s.stream_id, s.area, p.time_zone FROM unnest($1::uuid[]) AS wanted (id)"
    " CROSS JOIN LATERAL (SELECT * FROM stream WHERE stream_id = wanted.id LIMIT 1) s"
    " LEFT JOIN LATERAL (SELECT time_zone FROM place WHERE place.area ^@ s.area AND time_zone IS NOT NULL"
    " ORDER BY place.area LIMIT 1) p ON true"
)
CLOCKS = "SELECT area, time_zone FROM place WHERE time_zone IS NOT NULL"
CLOCKS_AT = (
    "SELECT wanted.area, there.time_zone FROM unnest($1::text[]) AS wanted (area) CROSS JOIN LATERAL"
    " (SELECT time_zone FROM place WHERE place.area ^@ wanted.area AND time_zone IS NOT NULL"
    " ORDER BY place.area LIMIT 1) there"
)
NAMES_AT = "SELECT area, name FROM place WHERE area = ANY ($1)"
PLACES_WITHIN = "SELECT area, name FROM place WHERE area ^@ ANY ($1::text[]) ORDER BY area LIMIT $2"


async def homes_of(connection: AsyncConnection, case_ids: Sequence[UUID]) -> dict[UUID, Home]:
    """The homes of those cases that mediation has and the connection's scope may see.

    A case about staff lies in an area above communities, and goes by the clock of one of these.
    """
    rows = await connection.exec_driver_sql(
        HOMES,
        (list(case_ids),),
    )
    return {row.stream_id: Home(row.area, _clock(row.time_zone)) for row in rows}


async def clocks(connection: AsyncConnection) -> dict[str, ZoneInfo]:
    """The clock of each community in the connection's scope, by area."""
    rows = await connection.exec_driver_sql(CLOCKS)
    return {row.area: ZoneInfo(row.time_zone) for row in rows}


def _clock(time_zone: str | None) -> ZoneInfo | None:
    return ZoneInfo(time_zone) if time_zone else None


async def clocks_at(connection: AsyncConnection, areas: Collection[str]) -> dict[str, ZoneInfo]:
    """The clock of each of these areas: its community's own, or for an area above, that of a community in it."""
    rows = await connection.exec_driver_sql(
        CLOCKS_AT,
        (list(areas),),
    )
    return {row.area: ZoneInfo(row.time_zone) for row in rows}


async def names_at(connection: AsyncConnection, areas: Collection[str]) -> dict[str, str]:
    """The names of these areas, as far as they were registered. The connection must be allowed to see them."""
    rows = await connection.exec_driver_sql(NAMES_AT, (list(areas),))
    return {row.area: row.name for row in rows}


async def places_within(connection: AsyncConnection, areas: Sequence[str], limit: int) -> dict[str, str]:
    """The areas and communities in these areas, by name, at most `limit`: what a list can be narrowed to."""
    rows = await connection.exec_driver_sql(PLACES_WITHIN, (list(areas), limit))
    return {row.area: row.name for row in rows}
