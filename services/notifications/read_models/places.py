"""What the places are called at which a duty desk may stand."""

from sqlalchemy.ext.asyncio import AsyncConnection


async def name_of(connection: AsyncConnection, area: str) -> str | None:
    """What the place at `area` is called, if there is one in the connection's scope."""
    rows = await connection.exec_driver_sql("SELECT name FROM place WHERE area = $1 LIMIT 1", (area,))
    return rows.scalar_one_or_none()
