"""A stack for chaos: its parts die where a test says, and its services reach PostgreSQL and Kafka through proxies."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import asyncpg
import psutil

from deploy.facts import Places
from deploy.local import processes
from deploy.local.control import running_status
from deploy.local.environment import service_environment
from deploy.local.gateway import asks
from deploy.local.home import PROJECT, Home
from deploy.local.logs import open_log, tail
from deploy.local.state import SERVICES, State, free_ports, load
from deploy.local.status import PartStatus
from tests.chaos.layout import ANSWER_WITHIN, Layout, folder_of
from tests.chaos.proxy import Link
from tests.conftest import free_port
from tests.e2e.conftest import Stack

PATIENCE_SECONDS = 180.0
"""For whatever is waited for; nothing here takes a tenth of it on an idle machine."""

_POLL_SECONDS = 0.05


class NotSeen(Exception):
    """What was waited for did not come; the message names it."""


async def until(true: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Look again and again until it is so.

    Raises:
        NotSeen: it is not, after all that time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not await asyncio.to_thread(true):
        if loop.time() > deadline:
            raise NotSeen(f"{what}: not within {seconds:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class MortalStack(Stack):
    """`to_postgres` and `to_kafka` are the services' ways; the checker and the commands have their own."""

    layout: Layout
    to_postgres: Link
    to_kafka: Link

    @property
    def places(self) -> Places:
        return Places({service: self.dsns(service).worker for service in SERVICES}, self.kafka)

    @property
    def kafka(self) -> str:
        ports = [port for port, _ in self.layout.brokers] or [self.state.kafka_port]
        return ",".join(f"127.0.0.1:{port}" for port in ports)

    @property
    def asked(self) -> Path:
        """The folder where a service finds what is asked of it."""
        return folder_of(self.home)

    async def rows(self, service: str, statement: str) -> Sequence[tuple[Any, ...]]:
        """What a service's database answers, by a way of its own."""
        database: Any = await asyncpg.connect(self.dsns(service).worker)
        try:
            return [tuple(row) for row in await database.fetch(statement)]
        finally:
            await database.close()

    def start(self) -> "subprocess.Popen[bytes]":
        """All of it, ready; its supervisor is returned, which ends with the stack."""
        with open_log(self.home.logs / "supervisor.log") as log:
            here = {"DOORSTEP_HOME": str(self.home.folder), "DOORSTEP_GATEWAY_PORT": str(self.gateway_port)}
            supervisor = _spawn("tests.chaos.supervising", [], os.environ | ANSWER_WITHIN | here, log)
        while not (self.home.run / "status.json").exists():
            if supervisor.poll() is not None:
                raise NotSeen("\n".join(["the supervisor ended:", *tail(self.home.logs / "supervisor.log")]))
            time.sleep(_POLL_SECONDS)
        self.doorstep("up")
        return supervisor

    def part(self, name: str) -> PartStatus:
        """How a part is; `failed` without more when nobody keeps the stack."""
        known = running_status(self.home)
        found = next((part for part in known.parts if part.name == name), None) if known else None
        return found or PartStatus(name, "failed", 0.0)

    def is_ready(self) -> bool:
        """Whether every part is, and every service says so itself."""
        known = running_status(self.home)
        return (
            known is not None
            and known.is_ready()
            and all(asks(self.gateway_port, f"/api/{service}/readyz") == 200 for service in SERVICES)
        )

    async def process(self, name: str) -> psutil.Process:
        """A part's process, once it runs."""

        def running() -> psutil.Process | None:
            recorded = processes.read(self.home.run / "processes.json")
            return next((found for one in recorded if one.name == name and (found := one.process())), None)

        while True:
            await until(running, f"a process of {name}")
            if (found := running()) is not None:
                return found

    async def kill(self, name: str) -> None:
        """End a part by SIGKILL, and wait until another process of it is ready."""
        process = await self.process(name)
        process.kill()
        await self.until_back(name, process.pid)

    async def until_back(self, name: str, pid: int) -> None:
        """Until another process of that part is ready in place of `pid`."""

        def back() -> bool:
            part = self.part(name)
            return part.phase == "ready" and part.pid not in (None, pid)

        await until(back, f"{name} back")

    async def die_at(self, service: str, point: str, nth: int = 1) -> None:
        """Let a service end at the n-th time that it reaches a point, as `append.after`; returns when it is back."""
        pid = (await self.process(service)).pid
        armed = self.asked / f"{service}.{point}"
        told = armed.with_name(f"{armed.name}.reached")
        told.unlink(missing_ok=True)
        armed.write_text(str(nth))
        await until(told.exists, f"{service} at {point}")
        await self.until_back(service, pid)

    @asynccontextmanager
    async def started_with(self, service: str, variables: dict[str, str]) -> AsyncGenerator[None]:
        """A service that runs with further variables for the length of a block."""
        told = self.asked / f"{service}.json"
        told.write_text(json.dumps(variables))
        await self.kill(service)
        try:
            yield
        finally:
            told.unlink()
            await self.kill(service)

    @asynccontextmanager
    async def another(self, service: str, variables: dict[str, str] | None = None) -> AsyncGenerator[psutil.Process]:
        """One more instance of a service for the length of a block, in the same groups, unknown to the gateway."""
        port = free_port()
        environment = self.layout.environment(
            self.home, service_environment(self.home, self.state, service, self.gateway_port) | ANSWER_WITHIN
        )
        # A folder of its own, in which nobody asks it to die.
        mine = {"DOORSTEP_PORT": str(port), "DOORSTEP_CHAOS": str(self.asked / "another")}
        with open_log(self.home.logs / f"another-{service}.log") as log:
            popen = _spawn("tests.chaos.crashing", [service], environment | mine | (variables or {}), log)
        process = psutil.Process(popen.pid)
        try:
            await until(lambda: asks(port, f"/api/{service}/readyz") == 200, f"another {service}")
            yield process
        finally:
            popen.send_signal(signal.SIGCONT)
            popen.terminate()
            try:
                await asyncio.to_thread(popen.wait, 30)
            except subprocess.TimeoutExpired:
                popen.kill()
                await asyncio.to_thread(popen.wait)


@contextmanager
def mortal_stack(folder: Path | None = None, *, brokers: int = 0) -> Generator[MortalStack]:
    """A stack in a folder and on ports of its own, ready; ended afterwards, whatever happens."""
    with tempfile.TemporaryDirectory(prefix="doorstep-chaos-", ignore_cleanup_errors=True) as made:
        folder = folder or Path(made)
        folder.chmod(0o755)
        home = Home(folder / "home")
        state = load(home)
        postgres_proxy, kafka_proxy, kafka_inside, *ports = _ports_besides(state, 3 + 2 * max(brokers - 1, 0))
        pairs = ((state.kafka_port, state.kafka_controller_port), *zip(ports[::2], ports[1::2], strict=True))
        layout = Layout(postgres_proxy, kafka_proxy, kafka_inside, pairs if brokers else ())
        layout.write(home)
        to_postgres = Link(postgres_proxy, state.postgres_port)
        to_kafka = Link(kafka_proxy, kafka_inside)
        stack = MortalStack(home, free_port(), layout, to_postgres, to_kafka)
        to_postgres.start()
        to_kafka.start()
        try:
            supervisor = stack.start()
            yield stack
        finally:
            stack.doorstep("down")
            to_postgres.stop()
            to_kafka.stop()
        supervisor.wait(PATIENCE_SECONDS)


def _ports_besides(state: State, count: int) -> list[int]:
    """Free ports that are not among those which the stack will use itself."""
    its_own = {value for value in asdict(state).values() if isinstance(value, int)}
    its_own |= {service.port for service in state.services.values()}
    while its_own & set(ports := free_ports(count)):
        pass
    return ports


def _spawn(
    module: str, arguments: list[str], environment: Mapping[str, str], log: IO[bytes]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
