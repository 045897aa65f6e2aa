"""What a real PostgreSQL archives from the first backup on, and what it keeps when the archive is gone."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import asyncpg
import pytest

from deploy.doctor import unarchived
from deploy.installation import Installation
from deploy.local.home import Home
from deploy.local.postgres import Postgres
from deploy.local.stack import postgres_of
from deploy.local.state import SERVICES, load
from deploy.restoring import base, scratch
from services.intake.attachments.blobs import path_of
from tests.conftest import running

WAIT_SECONDS = 90.0
"""Longer than the minute after which PostgreSQL tries again."""


@asynccontextmanager
async def started(here: Installation) -> AsyncGenerator[Any]:
    server = postgres_of(here.home, here.state)
    here.home.logs.mkdir(exist_ok=True)
    with running(server.command(), server.answers, here.home.logs / "postgres.log", Postgres.STOP_SIGNAL):
        admin: Any = await asyncpg.connect(server.admin_dsn)
        try:
            yield admin
        finally:
            await admin.close()


@pytest.fixture
async def here(scratch: Path) -> Installation:
    """A home whose PostgreSQL has as much of each service's database as a backup tells of."""
    home = Home(scratch / f"archiving-{token_hex(4)}")
    made = Installation(home, load(home), "http://127.0.0.1:0")
    server = postgres_of(home, made.state)
    server.create()
    async with started(made) as admin:
        for service in SERVICES:
            await admin.execute(f"CREATE DATABASE doorstep_{service}")
            database: Any = await asyncpg.connect(server.admin_dsn.rsplit("/", 1)[0] + f"/doorstep_{service}")
            await database.execute(
                "CREATE TABLE log AS SELECT 7::bigint AS position;"
                "CREATE TABLE cursor (consumer text, position bigint);"
                "CREATE TABLE alembic_version AS SELECT '0001'::text AS version_num"
            )
            await database.close()
    return made


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not await holds():  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.05)


async def until_archived(admin: Any) -> None:
    """Until nothing that was closed waits any more."""
    await until(lambda: admin.fetchval("SELECT count(*) = 0 FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"))


def archive_of(home: Home) -> Path:
    return home.wal / str(scratch.system_of(home.postgres))


async def take(here: Installation, name: str) -> None:
    await base.take(here, here.home.folder / name, lambda _what, _done, _whole: None)


async def closed_segment(admin: Any) -> str:
    """The name of a segment that has something in it and waits to be archived."""
    await admin.execute("CREATE TABLE IF NOT EXISTS written (at timestamptz); INSERT INTO written VALUES (now())")
    name: str = await admin.fetchval("SELECT pg_walfile_name(pg_current_wal_lsn())")
    await admin.execute("SELECT pg_switch_wal()")
    return name


async def test_a_backup_that_failed_is_none_of_those_that_the_archive_is_kept_for(here: Installation) -> None:
    async with started(here):
        await take(here, "first")
        begun = set(archive_of(here.home).glob("*.backup"))
        assert len(begun) == 1
        in_the_way = here.home.attachments / path_of("a" * 64)
        in_the_way.mkdir(parents=True)
        with pytest.raises(IsADirectoryError):
            await take(here, "second")
        assert set(archive_of(here.home).glob("*.backup")) == begun
        in_the_way.rmdir()
        await take(here, "third")
        assert len(set(archive_of(here.home).glob("*.backup"))) == 2


async def test_a_first_backup_that_failed_begins_no_archive(here: Installation) -> None:
    (here.home.attachments / path_of("a" * 64)).mkdir(parents=True)
    async with started(here) as admin:
        with pytest.raises(IsADirectoryError):
            await take(here, "first")
        assert not archive_of(here.home).exists()
        await closed_segment(admin)
        await until_archived(admin)
        assert await unarchived(here.home, here.state) == []


async def test_while_the_archive_is_away_postgresql_keeps_its_log_and_doctor_says_so(here: Installation) -> None:
    async with started(here) as admin:
        assert await unarchived(here.home, here.state) == []
        await take(here, "first")
        kept, away = archive_of(here.home), here.home.folder / "away"
        here.home.wal.rename(away)
        here.home.wal.symlink_to(away / "not-mounted")
        written = await closed_segment(admin)
        await until(lambda: unarchived(here.home, here.state))
        found = await unarchived(here.home, here.state)
        assert str(kept) in found[0].remedy
        assert any("is gone" in line for line in found[0].log)
        with pytest.raises(base.NoBackup, match="is gone"):
            await take(here, "second")

        here.home.wal.unlink()
        away.rename(here.home.wal)
        await closed_segment(admin)  # wakes the archiver, which would look after a minute
        await until_archived(admin)
        assert (kept / written).exists()
        assert await unarchived(here.home, here.state) == []
