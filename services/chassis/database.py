"""Connections to a service's own database, scopes of areas, and its migrations."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

SERVICES = Path(__file__).parent.parent


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


def upgrade(service: str, owner_dsn: str) -> None:
    """Bring the database of `service` to the newest migration. Takes its own event loop: call it from outside one."""
    config = Config()
    config.set_main_option("script_location", str(SERVICES / service / "migrations"))
    config.attributes["owner_dsn"] = owner_dsn
    command.upgrade(config, "head")


def run_environment() -> None:
    """The body of every service's `migrations/env.py`."""

    def migrate(connection: Connection) -> None:
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()

    async def connect() -> None:
        dsn: str = context.config.attributes["owner_dsn"]
        owner = create_async_engine(asyncpg_dsn(dsn), hide_parameters=True, poolclass=NullPool)
        async with owner.connect() as connection:
            await connection.run_sync(migrate)
        await owner.dispose()

    asyncio.run(connect())


def execute_file(service: str, path: Path) -> None:
    """In a migration: run a SQL file, `{service}` replaced by the service's name."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    statements = path.read_text().replace("{service}", service)
    op.get_bind().connection.run_async(lambda raw: raw.execute(statements))  # pyright: ignore
