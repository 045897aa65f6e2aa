"""A whole stack with so many cases in it: seeded in bulk through the stores, then taken by every consumer."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import cast
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.home import Home
from services.chassis.database import asyncpg_dsn
from services.chassis.eventstore import Append, EventStore, NewEvent
from services.chassis.ids import new_id
from services.chassis.kafka import Reader
from services.contracts.event import StreamKind
from services.contracts.topics import CASES, PARTITIONS
from tests.bench.casework import works
from tests.conftest import free_port
from tests.e2e.conftest import Stack
from tests.reporting.constituents import Casework, events_of

BLOCK = 2_000
LOOK_SECONDS = 0.2
SERVICES = ("intake", "mediation", "notifications", "reporting")

_UNSENT = "SELECT (SELECT position FROM log) - coalesce((SELECT position FROM cursor WHERE consumer = 'relay'), 0)"
_TAKEN = "SELECT sum(next_offset) FROM consumer_offset WHERE topic = $1 GROUP BY consumer"
_UNFOLDED = (
    "SELECT coalesce(max(public_log.position - cursor.position), 0) FROM public_log, cursor"
    " WHERE cursor.consumer IN (SELECT name FROM read_model)"
)


@contextmanager
def town() -> Generator[Stack]:
    """On a home of its own, gone with the block; the servers of the other rows stay idle."""
    with tempfile.TemporaryDirectory(prefix="doorstep-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        stack = Stack(Home(Path(folder) / "home"), free_port())
        try:
            stack.doorstep("up")
            yield stack
        finally:
            stack.doorstep("down")


async def seed(stack: Stack, number: int, console: Console | None = None) -> None:
    """Add cases of the constituent file, over and over if there are not enough, and wait until all is taken."""
    real = works(number)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with _store(stack, "intake") as intake, _store(stack, "mediation") as mediation:
        with Progress(*columns, console=console, disable=console is None) as progress:
            stored = progress.add_task("cases stored", total=number)
            for start in range(0, number, BLOCK):
                some = [real[nth % len(real)] for nth in range(start, min(start + BLOCK, number))]
                ids = [new_id() for _ in some]
                await intake.append(_appends("intake", some, ids))
                await mediation.append(_appends("mediation", some, ids))
                progress.update(stored, advance=len(some))
            missing = progress.add_task("events that a consumer lacks", total=None)
            await caught_up(stack, lambda behind: progress.update(missing, completed=behind))
            progress.remove_task(missing)


async def caught_up(stack: Stack, tell: Callable[[int], None] = lambda _: None) -> None:
    """Wait until every event of the stores is on Kafka and in every read model; `tell` how many are not."""
    while behind := await _behind(stack):
        tell(behind)
        await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def _store(stack: Stack, service: str) -> AsyncGenerator[EventStore]:
    worker = create_async_engine(asyncpg_dsn(stack.dsns(service).worker))
    try:
        async with EventStore(service, worker, worker).open() as store:
            yield store
    finally:
        await worker.dispose()


def _appends(source: str, cases: Sequence[Casework], ids: Sequence[UUID]) -> list[Append]:
    """As the service itself would have stored them: under the keys by which it knows them again."""
    appends: list[Append] = []
    for work, case in zip(cases, ids, strict=True):
        told = [recorded for recorded in events_of(work) if recorded.source == source]
        new = [NewEvent(t.type, t.schema_version, t.occurred_at, t.data.decode()) for t in told]
        key = f"seed:{case}" if source == "intake" else f"mediation-cases:intake:{case}:1"
        appends.append(Append(case, StreamKind.CASE, work.area, 0, key, b"f" * 16, "doorstep", new))
    return appends


async def _behind(stack: Stack) -> int:
    """Events that are not yet on Kafka, or that a consumer or a read model lacks; each counts for each of them."""
    ends, behind = await _ends(stack), 0
    for service in SERVICES:
        connection = await asyncpg.connect(stack.dsns(service).worker)
        try:
            behind += await connection.fetchval(_UNSENT)
            behind += sum(max(ends - taken, 0) for (taken,) in await connection.fetch(_TAKEN, CASES))
            if service == "reporting":
                behind += await connection.fetchval(_UNFOLDED)
        finally:
            await connection.close()
    return behind + await _ends(stack) - ends


async def _ends(stack: Stack) -> int:
    """Records of the case topic."""
    reader = cast("Reader", AIOKafkaConsumer(bootstrap_servers=stack.kafka))
    await reader.start()
    try:
        ends = await reader.end_offsets([TopicPartition(CASES, number) for number in range(PARTITIONS)])
    finally:
        await reader.stop()
    return sum(ends.values())
