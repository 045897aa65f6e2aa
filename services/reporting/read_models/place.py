"""What the areas and communities are called."""

from sqlalchemy.ext.asyncio import AsyncConnection


async def names_within(connection: AsyncConnection, area: str) -> dict[str, str]:
    """The names of `area` and of the places in it, by path; a community's own name goes before its area's."""
    rows = await connection.exec_driver_sql(
        "SELECT area, name FROM place WHERE area ^@ $1 ORDER BY time_zone NULLS FIRST", (area,)
    )
    return {row.area: row.name for row in rows}


async def names_of(connection: AsyncConnection, areas: list[str]) -> dict[str, str]:
    """The names of these areas, as far as they lie in scope."""
    rows = await connection.exec_driver_sql(
        "SELECT area, name FROM place WHERE area = ANY($1::text[]) ORDER BY time_zone NULLS FIRST", (areas,)
    )
    return {row.area: row.name for row in rows}
