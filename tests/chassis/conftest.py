"""Databases with the chassis tables, and a town to sign in to."""

from collections.abc import AsyncGenerator

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Dsns
from services.chassis.database import engine
from services.chassis.generations import ensure
from tests.chassis.town import SQL, Town, built
from tests.chassis.visits import VISITS
from tests.conftest import Databases


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


@pytest.fixture
async def owner(chassis_database: Dsns) -> AsyncGenerator[AsyncEngine]:
    """Of a database with the table of VISITS."""
    pool = engine(chassis_database.owner, "test")
    async with pool.begin() as connection:
        assert await ensure(connection, "chassis", [VISITS]) == []
    yield pool
    await pool.dispose()


@pytest.fixture
async def worker(chassis_database: Dsns) -> AsyncGenerator[AsyncEngine]:
    pool = engine(chassis_database.worker, "test")
    yield pool
    await pool.dispose()


@pytest.fixture
async def application(chassis_database: Dsns) -> AsyncGenerator[AsyncEngine]:
    pool = engine(chassis_database.application, "test")
    yield pool
    await pool.dispose()


@pytest.fixture(scope="module")
async def town(postgres: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Town]:
    async with built(postgres, tmp_path_factory.mktemp("issuer") / "key.pem") as town:
        yield town


@pytest.fixture
async def browser(town: Town) -> AsyncGenerator[httpx.AsyncClient]:
    async with town.browser() as opened:
        yield opened
