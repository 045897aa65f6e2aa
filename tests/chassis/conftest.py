"""A fresh database with the chassis tables, for each test that asks."""

from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.postgres import Dsns
from tests.conftest import Databases

SQL = Path(__file__).parents[2] / "services" / "chassis" / "sql"


@pytest.fixture
async def chassis_database(postgres: Databases) -> AsyncGenerator[Dsns]:
    """The tables of every file in `services/chassis/sql`, owned and granted as in a service called `chassis`."""
    dsns = await postgres.create_database("chassis")
    owner = await asyncpg.connect(dsns.owner)
    try:
        for name in ("store.sql", "consumer.sql", "projections.sql", "timers.sql", "restored.sql"):
            await owner.execute((SQL / name).read_text().replace("{service}", "chassis"))
    finally:
        await owner.close()
    yield dsns
    await postgres.drop_database(dsns)
