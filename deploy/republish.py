"""`doorstep republish`: a service's events onto Kafka once more; who has them does nothing."""

import asyncio
from contextlib import nullcontext

from rich.console import Console
from rich.progress import Progress

from deploy.installation import Installation, NotRunning, this_machines
from deploy.local.production import NotForProduction
from deploy.local.state import SERVICES
from deploy.telling import complain
from services.chassis import relay
from services.chassis.database import engine
from services.chassis.eventstore import EventStore
from services.chassis.publisher import SendFailed


def republish(service: str | None, from_: int, to: int | None) -> None:
    """Exit code 1 when Kafka did not take all of it. Without a service: all of them, whole."""
    if service is not None and service not in SERVICES:
        complain(f"There is no service {service}. There are: {', '.join(SERVICES)}", 2)
    if service is None and (from_, to) != (1, None):
        complain("Positions are of one service's log: name the service as well.", 2)
    for one in [service] if service else SERVICES:
        _one(Console(), one, from_, to)


def _one(console: Console, service: str, from_: int, to: int | None) -> None:
    try:
        sent = asyncio.run(_republish(console, this_machines(), service, from_, to))
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    except SendFailed as failed:
        complain(
            f"Kafka took all up to position {failed.position:,}. Go on from there:"
            f" doorstep republish {service} --from {failed.position + 1}"
        )
    console.print(f"{sent:,} events of {service} sent again; who has them does nothing.", highlight=False)


async def _republish(console: Console, here: Installation, service: str, from_: int, to: int | None) -> int:
    worker = engine(here.dsns(service).worker, "doorstep-republish", connections=1)
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
                    here.kafka,
                    after=from_ - 1,
                    upto=to,
                    told=lambda position: bar.update(task, completed=position - from_ + 1),
                )
    finally:
        await worker.dispose()
