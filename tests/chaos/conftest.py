"""A stack of its own for what destroys data, and what its logs hold."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.home import Home
from deploy.local.stack import postgres_of
from deploy.local.state import SERVICES
from tests.chaos.load import Load
from tests.chaos.siege import Siege, besieged
from tests.chaos.stack import mortal_stack, until
from tests.conftest import free_port
from tests.e2e.conftest import Stack

Row = tuple[Any, ...]


@pytest.fixture(scope="module")
def stack() -> Generator[Stack]:
    """The whole of Doorstep, ready, in a folder and on ports of its own; ended afterwards, whatever happens."""
    with tempfile.TemporaryDirectory(prefix="doorstep-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Stack(Home(Path(folder) / "home"), free_port())
        try:
            made.doorstep("up")
            yield made
        finally:
            made.doorstep("down")


@pytest.fixture(scope="module")
async def siege() -> AsyncGenerator[Siege]:
    """One stack for a module's faults, and the clients that stay through all of them."""
    with mortal_stack() as stack:
        async with besieged(stack) as siege:
            yield siege


@asynccontextmanager
async def under_load(stack: Stack, seed: int) -> AsyncGenerator[Load]:
    """Clients at work for the length of a block; behind it all of them have their answers."""
    with (stack.home.folder / f"history-{seed}.ndjson").open("ab", buffering=0) as history:
        async with Load(stack, history) as load:
            await load.settle_in()
            async with load.at_work(seed):
                yield load


async def reported(load: Load, more: int) -> list[str]:
    """The cases that were reported once there are so many more of them."""
    wanted = load.reported + more
    await until(lambda: load.reported >= wanted, f"{more} more reports")
    return [told.case for told in load.told if told.what == "report" and told.outcome == "ok"]


async def rows(stack: Stack, service: str, statement: str, *values: object) -> Sequence[Row]:
    """What a service's database holds, as its superuser sees it."""
    admin = postgres_of(stack.home, stack.state).admin_dsn.rsplit("/", 1)[0]
    database: Any = await asyncpg.connect(f"{admin}/doorstep_{service}")
    try:
        return [tuple(row) for row in await database.fetch(statement, *values)]
    finally:
        await database.close()


async def logs_of(stack: Stack) -> dict[str, Sequence[Row]]:
    """Every event of every service, with all that it has."""
    whole = (
        "SELECT position, stream_id, version, type, schema_version, area, actor, command_key, fingerprint, traceparent,"
        " occurred_at, recorded_at, data::text FROM event ORDER BY position"
    )
    return {service: await rows(stack, service, whole) for service in SERVICES}


async def alerts_of(stack: Stack) -> dict[tuple[str, str], int]:
    """What was raised, and how often. Time may raise further ones; that each cause has one is for `reconcile`."""
    found = await rows(
        stack,
        "notifications",
        "SELECT stream_id::text, data ->> 'alert', count(*) FROM event WHERE type = 'alert.raised' GROUP BY 1, 2",
    )
    return {(stream, alert): count for stream, alert, count in found}


async def at_rest(stack: Stack) -> None:
    """Until every log is on Kafka and taken from it."""
    await asyncio.to_thread(stack.doorstep, "reconcile")
