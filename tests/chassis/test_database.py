"""Connections that the server has lost without a word: they are noticed, given up, and made anew."""

import asyncio
from collections.abc import Generator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis import database
from services.chassis.database import Direct, engine
from services.chassis.passing import passes
from tests.chaos.proxy import Link
from tests.conftest import Databases, free_port

_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0"
LAST_WORDS = b"E" + (4 + len(_FIELDS)).to_bytes(4) + _FIELDS
"""What a backend says whose server was killed, before its connection ends."""


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


async def test_whoever_comes_is_given_the_connection_that_was_used_last(postgres: Databases) -> None:
    """By turns, all of them would come to keep every statement that was ever prepared."""
    pool = engine(postgres.admin_dsn, "test", connections=3)
    try:
        async with pool.connect() as one, pool.connect() as other, pool.connect() as third:
            for connection in (one, other, third):
                await connection.execute(text("SELECT 1"))
        seen: set[int] = set()
        for _ in range(6):
            async with pool.connect() as connection:
                seen.add((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        assert len(seen) == 1
    finally:
        await pool.dispose()


async def test_a_connection_that_is_old_is_made_anew(postgres: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OLD_SECONDS", 0)
    pool = engine(postgres.admin_dsn, "test", connections=1)
    try:
        seen: set[int] = set()
        for _ in range(3):
            async with pool.connect() as connection:
                seen.add((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        assert len(seen) == 3
    finally:
        await pool.dispose()


async def test_who_asks_between_a_servers_last_word_and_its_end_is_told_that_it_is_away(
    postgres: Databases, link: Link
) -> None:
    """asyncpg has heard that the connection ends, and not yet that it has ended: it then takes itself to be broken."""
    led = postgres.admin_dsn.replace(f":{link.target}/", f":{link.port}/")
    pool = engine(led, "test", connections=2)
    direct = Direct(pool)
    try:
        for ask in (lambda: direct.fetch("SELECT 1", ()), lambda: _one_of(pool)):
            assert await ask() is not None
        link.say(LAST_WORDS)
        for _ in range(3):  # it lies in the socket: the loop's next turns read it
            await asyncio.sleep(0)
        with pytest.raises(DBAPIError) as away:
            await _one_of(pool)
        assert passes(away.value)
        assert await direct.fetch("SELECT 1", ()) is None
        assert await _one_of(pool) == 1
        assert await direct.fetch("SELECT 1", ()) == [(1,)]
    finally:
        await direct.close()
        await pool.dispose()


async def _one_of(pool: AsyncEngine) -> int:
    async with pool.connect() as connection:
        return (await connection.execute(text("SELECT 1"))).scalar_one()
