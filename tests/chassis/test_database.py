"""Connections that the server has lost without a word: they are noticed, given up, and made anew."""

from collections.abc import Generator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from services.chassis.database import engine
from services.chassis.passing import passes
from tests.chaos.proxy import Link
from tests.conftest import Databases, free_port


@pytest.fixture
def link(postgres: Databases) -> Generator[Link]:
    """A way to PostgreSQL that can be halved."""
    made = Link(free_port(), urlsplit(postgres.admin_dsn).port or 0)
    made.start()
    yield made
    made.stop()


async def test_a_statement_on_a_half_open_connection_ends_and_the_next_finds_another(
    postgres: Databases, link: Link
) -> None:
    led = postgres.admin_dsn.replace(f":{link.target}/", f":{link.port}/")
    pool = engine(led, "test", connections=2, statement_seconds=0.5)
    try:
        async with pool.connect() as one, pool.connect() as other:
            for connection in (one, other):
                await connection.execute(text("SELECT 1"))
        link.become("halved")
        with pytest.raises(TimeoutError) as silent:
            async with pool.connect() as connection:
                await connection.execute(text("SELECT 1"))
        assert passes(silent.value)

        link.become("open")
        async with pool.connect() as one, pool.connect() as other:
            for connection in (one, other):
                assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    finally:
        await pool.dispose()
