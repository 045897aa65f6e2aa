"""`parked`: events that a consumer could not take, listed, tried again or given up."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import parked
from services.chassis.database import engine
from services.chassis.operating.telling import complain

Workers = Mapping[str, str]
"""By service, its database as the worker may use it."""


def list_(workers: Workers, program: str) -> None:
    """Print them, the longest parked first; exit code 1 when there are any."""
    found = asyncio.run(_listed(workers))
    console = Console()
    if not found:
        console.print("Nothing is parked.")
        return
    table = Table("id", "service", "consumer", "event", "reason", "since", "waiting behind it", box=None)
    for name, one in found:
        event = f"{one.source}:{one.stream_id}:{one.version}" if one.stream_id else "can't be read"
        table.add_row(
            str(one.id),
            name,
            one.consumer,
            f"{event}\n{one.topic} {one.partition} at {one.offset}",
            one.reason + (" (is being tried again)" if one.asked else ""),
            f"{one.held_at:%Y-%m-%d %H:%M}",
            str(one.waiting),
        )
    console.print(table)
    complain(f"Mend the cause, then: {program} parked replay")


def replay(workers: Workers, id_: int | None, program: str) -> None:
    """Ask the running services for another try; they look once a second."""
    asked = asyncio.run(_replayed(workers, id_))
    Console().print(f"{asked:,} will be tried again within a second or two: {program} parked list", highlight=False)


def discard(service: str, worker: str, id_: int, program: str) -> None:
    """Give one up for good."""
    try:
        asyncio.run(_discarded(worker, id_))
    except parked.NotParked:
        complain(f"{service} has no parked event {id_} that can be given up: {program} parked list")
    Console().print(f"Given up. {service} will never take it; what waited behind it goes on.", highlight=False)


def accept_loss(service: str, worker: str, consumer: str, topic: str, partition: int, begin: int) -> None:
    """Let a partition that lost records go on."""
    if not asyncio.run(_loss_accepted(worker, consumer, topic, partition, begin)):
        complain(
            f"{consumer} is not behind {begin} in {topic} {partition}: nothing was changed. The numbers stand in the"
            f" line 'partition stopped' of {service}'s log, as consumer, topic, partition and log_begins_at."
        )
    told = f"{consumer} goes on at {begin} in {topic} {partition}."
    Console().print(f"{told} Now let each service send its events again: republish", highlight=False, soft_wrap=True)


async def _listed(workers: Workers) -> list[tuple[str, parked.Parked]]:
    found: list[tuple[str, parked.Parked]] = []
    for service, worker in workers.items():
        async with _connection(worker) as connection:
            found += [(service, one) for one in await parked.parked(connection)]
    return found


async def _replayed(workers: Workers, id_: int | None) -> int:
    asked = 0
    for worker in workers.values():
        async with _connection(worker) as connection:
            asked += await parked.replay(connection, id_=id_)
    return asked


async def _discarded(worker: str, id_: int) -> None:
    async with _connection(worker) as connection:
        await parked.discard(connection, id_)


async def _loss_accepted(worker: str, consumer: str, topic: str, partition: int, begin: int) -> bool:
    async with _connection(worker) as connection:
        return await parked.accept_loss(connection, consumer, topic, partition, begin)


@asynccontextmanager
async def _connection(worker: str) -> AsyncGenerator[AsyncConnection]:
    """A transaction of the service's worker."""
    pool = engine(worker, "doorstep-parked", connections=1)
    try:
        async with pool.begin() as connection:
            yield connection
    finally:
        await pool.dispose()
