"""`doorstep parked`: events that a consumer could not take, listed, tried again or given up."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from deploy.local.state import SERVICES
from deploy.telling import complain
from services.chassis import parked
from services.chassis.database import engine


def list_(service: str | None) -> None:
    """Print them, the longest parked first; exit code 1 when there are any."""
    found = asyncio.run(_listed(_services(service)))
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
    complain("Mend the cause, then: doorstep parked replay")


def replay(service: str | None, id_: int | None) -> None:
    """Ask the running services for another try; they look once a second."""
    if id_ is not None and service is None:
        complain("An id is one service's own: say --service as well.", 2)
    asked = asyncio.run(_replayed(_services(service), id_))
    Console().print(f"{asked:,} will be tried again within a second or two: doorstep parked list", highlight=False)


def discard(service: str, id_: int) -> None:
    """Give one up for good."""
    try:
        asyncio.run(_discarded(_services(service)[0], id_))
    except parked.NotParked:
        complain(f"{service} has no parked event {id_} that can be given up: doorstep parked list --service {service}")
    Console().print(f"Given up. {service} will never take it; what waited behind it goes on.", highlight=False)


def accept_loss(service: str, consumer: str, topic: str, partition: int, begin: int) -> None:
    """Let a partition that lost records go on."""
    if not asyncio.run(_loss_accepted(_services(service)[0], consumer, topic, partition, begin)):
        complain(
            f"{consumer} is not behind {begin} in {topic} {partition}: nothing was changed. The numbers stand in the"
            f" line 'partition stopped' of {service}'s log, as consumer, topic, partition and log_begins_at."
        )
    told = f"{consumer} goes on at {begin} in {topic} {partition}. Send what was lost: doorstep republish"
    Console().print(f"{told} {' | '.join(SERVICES)}, one after the other", highlight=False, soft_wrap=True)


def _services(service: str | None) -> Sequence[str]:
    if service is not None and service not in SERVICES:
        complain(f"There is no service {service}. There are: {', '.join(SERVICES)}", 2)
    return [service] if service else SERVICES


async def _listed(services: Sequence[str]) -> list[tuple[str, parked.Parked]]:
    found: list[tuple[str, parked.Parked]] = []
    for service in services:
        async with _connection(service) as connection:
            found += [(service, one) for one in await parked.parked(connection)]
    return found


async def _replayed(services: Sequence[str], id_: int | None) -> int:
    asked = 0
    for service in services:
        async with _connection(service) as connection:
            asked += await parked.replay(connection, id_=id_)
    return asked


async def _discarded(service: str, id_: int) -> None:
    async with _connection(service) as connection:
        await parked.discard(connection, id_)


async def _loss_accepted(service: str, consumer: str, topic: str, partition: int, begin: int) -> bool:
    async with _connection(service) as connection:
        return await parked.accept_loss(connection, consumer, topic, partition, begin)


@asynccontextmanager
async def _connection(service: str) -> AsyncGenerator[AsyncConnection]:
    """A transaction of the service's worker."""
    try:
        here = this_machines()
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    worker = engine(here.dsns(service).worker, "doorstep-parked", connections=1)
    try:
        async with worker.begin() as connection:
            yield connection
    finally:
        await worker.dispose()
