"""B1: `POST reports`, the whole path to a durable row, against an endpoint that only gives the same model back; each
in a process of its own under the same server, asked by the same callers.

B2: the same, against the `eventsourcing` library's way of saving one aggregate to the same PostgreSQL.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from pydantic import SecretStr

from deploy.local.environment import inherited
from deploy.local.kafka import create_topics
from services.chassis.settings import ServiceSettings
from services.contracts.topics import PARTITIONS, TOPICS
from tests.bench.echo import PATH, STORES
from tests.bench.measure import Measured, Result, measured
from tests.bench.servers import Servers
from tests.bench.wire import Wire, wire
from tests.conftest import free_port
from tests.intake.door import opened_door

CALLERS = 32
WARM_UP, NUMBER = 1_000, 8_000
SAVES = 2_000

TEXT = "The pipe in the yard has burst, and water runs down the stairs into the cellar."


async def run(servers: Servers) -> list[Result]:
    await create_topics(servers.kafka, TOPICS, PARTITIONS)
    async with opened_door(servers.databases, servers.kafka) as door:
        settings = door.app.state.settings
        form = door.report_form(text=TEXT)
        async with _served("services.intake", settings) as (port, pid):
            reported = await _asked(port, form, (*servers.pids, pid))
        async with _served("tests.bench.echo", settings) as (port, pid):
            echoed = await _asked(port, form, (*servers.pids, pid))
        async with _served("tests.bench.echo", settings, **{STORES: "1"}) as (port, pid):
            stored = await _asked(port, form, (*servers.pids, pid))
        saved = await asyncio.to_thread(_saved, servers)
    floor = (
        f"the echo that also stores one event, always the same, and does nothing else: {stored.rate:,.0f}/s,"
        f" {stored.rate / echoed.rate:.2f} × the echo, {stored.rate / saved.rate:.2f} × `eventsourcing`"
    )
    work = "POST reports, durable"
    against_echo = Result("B1", work, "an echo of the same model", reported, echoed, target=0.7, notes=[floor])
    baseline = "eventsourcing saves, no HTTP"
    against_saves = replace(against_echo, row="B2", baseline=baseline, against=saved, target=3.0, notes=())
    return [against_echo, against_saves]


@asynccontextmanager
async def _served(module: str, settings: ServiceSettings, **more: str) -> AsyncGenerator[tuple[int, int]]:
    """The port and the pid of a server of its own."""
    port = free_port()
    told = {name: getattr(settings, name) for name in type(settings).model_fields} | {"port": port}
    variables = {f"DOORSTEP_{name.upper()}": _plain(value) for name, value in told.items()}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, env=inherited() | variables | more)
    try:
        while True:
            try:
                async with wire(port):
                    break
            except OSError:
                assert process.returncode is None, f"{module} ended"
                await asyncio.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        await process.wait()


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


async def _asked(port: int, form: dict[str, str], servers: tuple[int, ...]) -> Measured:
    async def report(wire: Wire) -> None:
        (await wire.ask("POST", PATH, {"Idempotency-Key": uuid4().hex}, form)).required()

    await _by_callers(port, WARM_UP, report)
    with measured(NUMBER, servers) as asked:
        await _by_callers(port, NUMBER, report)
    return asked


async def _by_callers(port: int, number: int, ask: Callable[[Wire], Awaitable[None]]) -> None:
    async def caller() -> None:
        async with wire(port) as own:
            for _ in range(number // CALLERS):
                await ask(own)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


class _Case(Aggregate):
    def __init__(self, community: str, kind: str, category: str, text: str) -> None:
        self.community, self.kind, self.category, self.text = community, kind, category, text


def _saved(servers: Servers) -> Measured:
    """One aggregate with one event after the other, as the library does it, into tables that it makes itself."""
    address = urlsplit(servers.databases.admin_dsn)
    application = Application[UUID](
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": address.path.lstrip("/"),
            "POSTGRES_HOST": str(address.hostname),
            "POSTGRES_PORT": str(address.port),
            "POSTGRES_USER": str(address.username),
            "POSTGRES_PASSWORD": str(address.password),
        }
    )
    try:
        with measured(SAVES, servers.pids) as saved:
            for _ in range(SAVES):
                application.save(_Case("willow-lane", "fault", "water-leak", TEXT))
    finally:
        application.close()
    return saved
