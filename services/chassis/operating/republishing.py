"""`republish`: a service's events onto Kafka once more; who has them does nothing."""

import asyncio
from contextlib import nullcontext

from rich.console import Console
from rich.progress import Progress

from services.chassis import relay
from services.chassis.database import engine
from services.chassis.eventstore import EventStore
from services.chassis.operating.telling import complain
from services.chassis.publisher import SendFailed


def republish(service: str, worker: str, kafka: str, from_: int, to: int | None, again: str) -> None:
    """Exit code 1 when Kafka did not take all of it; `again` is the command that was asked, to go on with."""
    console = Console()
    try:
        sent = asyncio.run(_republish(console, service, worker, kafka, from_, to))
    except SendFailed as failed:
        complain(
            f"Kafka took all up to position {failed.position:,}. Go on from there: {again} --from {failed.position + 1}"
        )
    console.print(f"{sent:,} events of {service} sent again; who has them does nothing.", highlight=False)


async def _republish(console: Console, service: str, dsn: str, kafka: str, from_: int, to: int | None) -> int:
    worker = engine(dsn, "doorstep-republish", connections=1)
    try:
        async with worker.connect() as connection:
            store = EventStore(service, worker, worker)
            head = await relay.cursor(connection)
            bar = Progress(console=console, transient=True)
            with bar if console.is_terminal else nullcontext():
                task = bar.add_task(service, total=min(to or head, head) - from_ + 1)
                return await relay.republish(
                    store,
                    connection,
                    kafka,
                    after=from_ - 1,
                    upto=to,
                    told=lambda position: bar.update(task, completed=position - from_ + 1),
                )
    finally:
        await worker.dispose()
