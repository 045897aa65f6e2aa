"""Connections to a service's own database, and scopes of areas."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

from asyncpg import InterfaceError, InternalClientError, PostgresError
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

OLD_SECONDS = 600
"""For how long a connection is given out."""

SCOPE = "SELECT set_config('doorstep.scope', array_to_string($1::text[], ','), true)"


def asyncpg_dsn(dsn: str) -> str:
    """`postgresql://…`, as SQLAlchemy wants to be told which driver to use."""
    return dsn.replace("postgresql://", "postgresql+asyncpg://", 1)


def engine(
    dsn: str, application_name: str, connections: int = 10, statement_seconds: float | None = None
) -> AsyncEngine:
    """A pool on `postgresql://…`; statements' parameters never reach an error message or a log.

    A statement that takes longer than `statement_seconds` raises TimeoutError, and all connections are made anew: the
    server may have lost them without a word, and TCP notices that only after a quarter of an hour.

    Whoever comes is given the connection that was used last, made anew when it is old. By turns, and for ever, each
    would come to keep every statement that a service has prepared, here and in the server.
    """
    made = create_async_engine(
        asyncpg_dsn(dsn),
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        pool_recycle=OLD_SECONDS,
        connect_args={
            "server_settings": {"application_name": application_name},
            "timeout": 5,
            "command_timeout": statement_seconds,
        },
    )
    event.listen(made.sync_engine, "handle_error", _distrust)
    return made


def _distrust(failed: ExceptionContext) -> None:
    if isinstance(failed.original_exception, TimeoutError):
        failed.invalidate_pool_on_disconnect = True


@asynccontextmanager
async def scoped(application: AsyncEngine, areas: Sequence[str]) -> AsyncGenerator[AsyncConnection]:
    """A transaction that sees the rows of these areas and no others; the setting ends with it."""
    async with application.begin() as connection:
        await connection.exec_driver_sql(SCOPE, (list(areas),))
        yield connection


class Driver(Protocol):
    """What is used of asyncpg's connection, which carries no types."""

    async def fetch(self, statement: str, *arguments: object) -> Sequence[Sequence[Any]]: ...


async def driver_of(connection: AsyncConnection) -> Driver:
    """The driver's own connection under SQLAlchemy's, which knows nothing of the statements that it is given.

    For a connection in autocommit, and for statements so frequent that SQLAlchemy's part of them is too dear.
    """
    return cast("Driver", (await connection.get_raw_connection()).driver_connection)


class Direct:
    """A connection of a pool, taken once and kept, for one caller who sends one statement after the other."""

    def __init__(self, pool: AsyncEngine) -> None:
        self._pool = pool.execution_options(isolation_level="AUTOCOMMIT")
        self._kept: tuple[AsyncConnection, Driver] | None = None

    async def fetch(self, statement: str, arguments: Sequence[object]) -> Sequence[Sequence[Any]] | None:
        """The rows, each statement its own transaction; none when it failed, in whatever way.

        The connection is then given up. Whoever sends the statement again through SQLAlchemy learns the reason.
        Asked between a server's last word and the end of its connection, asyncpg takes itself to be broken: that is
        the `InternalClientError`.
        """
        try:
            if self._kept is None:
                connection = await self._pool.connect()
                self._kept = (connection, await driver_of(connection))
            return await self._kept[1].fetch(statement, *arguments)
        except (PostgresError, InterfaceError, InternalClientError, DBAPIError, PoolTimeout, OSError):
            await self.close()
            return None

    async def close(self) -> None:
        """Give the connection up; the next statement takes another."""
        if self._kept is not None:
            connection, self._kept = self._kept[0], None
            await connection.invalidate()
            await connection.close()
