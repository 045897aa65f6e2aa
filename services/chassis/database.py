"""Connections to a service's own database, and scopes of areas."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine


def asyncpg_dsn(dsn: str) -> str:
    """`postgresql://…`, as SQLAlchemy wants to be told which driver to use."""
    return dsn.replace("postgresql://", "postgresql+asyncpg://", 1)


def engine(dsn: str, application_name: str, connections: int = 10) -> AsyncEngine:
    """A pool on `postgresql://…`; statements' parameters never reach an error message or a log."""
    return create_async_engine(
        asyncpg_dsn(dsn),
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
        connect_args={"server_settings": {"application_name": application_name}, "timeout": 5},
    )


@asynccontextmanager
async def scoped(application: AsyncEngine, areas: Sequence[str]) -> AsyncGenerator[AsyncConnection]:
    """A transaction that sees the rows of these areas and no others; the setting ends with it."""
    async with application.begin() as connection:
        await connection.exec_driver_sql(
            "SELECT set_config('doorstep.scope', array_to_string($1::text[], ','), true)", (list(areas),)
        )
        yield connection
