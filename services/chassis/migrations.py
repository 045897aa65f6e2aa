"""A service's migrations: how Alembic runs them, and the SQL files that they run."""

import asyncio
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.chassis.database import asyncpg_dsn

SERVICES = Path(__file__).parent.parent


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
