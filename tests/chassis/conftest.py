"""Databases with the chassis tables."""

from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.postgres import Dsns
from tests.conftest import Databases

SQL = Path(__file__).parents[2] / "services" / "chassis" / "sql"


async def chassis_tables(databases: Databases) -> Dsns:
    """A database with the tables of every file in `services/chassis/sql`, as in a service called `chassis`."""
    dsns = await databases.create_database("chassis")
    owner = await asyncpg.connect(dsns.owner)
    try:
        for name in ("store.sql", "consumer.sql", "log_anchor.sql", "projections.sql", "timers.sql", "restored.sql"):
            await owner.execute((SQL / name).read_text().replace("{service}", "chassis"))
    finally:
        await owner.close()
    return dsns


@pytest.fixture
async def chassis_database(postgres: Databases) -> AsyncGenerator[Dsns]:
    """Fresh for each test that asks."""
    dsns = await chassis_tables(postgres)
    yield dsns
    await postgres.drop_database(dsns)
