"""What the places are called at which a duty desk may stand, and by whose clock their days are counted."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Place:
    area: str
    name: str
    time_zone: str | None


async def name_of(connection: AsyncConnection, area: str) -> str | None:
    """What the place at `area` is called, if there is one in the connection's scope."""
    rows = await connection.exec_driver_sql("SELECT name FROM place WHERE area = $1 LIMIT 1", (area,))
    return rows.scalar_one_or_none()


async def names_of(connection: AsyncConnection, areas: Collection[str]) -> dict[str, str]:
    """What those of these places are called that lie in the connection's scope."""
    rows = await connection.exec_driver_sql("SELECT area, name FROM place WHERE area = ANY($1::text[])", (list(areas),))
    return {row.area: row.name for row in rows}


async def places_within(connection: AsyncConnection, areas: Collection[str], limit: int) -> list[Place]:
    """The places in these areas, each once, those above before those below."""
    rows = await connection.exec_driver_sql(
        "SELECT area, max(name) AS name, max(time_zone) AS time_zone FROM place"
        " WHERE area ^@ ANY ($1::text[]) GROUP BY area ORDER BY area LIMIT $2",
        (list(areas), limit),
    )
    return [Place(*row) for row in rows]
