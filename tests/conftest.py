"""One real PostgreSQL and one real Kafka for each process of a run, started when the first test asks for them."""

import gc
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import hypothesis
import psutil
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from deploy.local.home import find_home
from deploy.local.jars import fetch_jars
from deploy.local.kafka import Kafka, create_topics
from deploy.local.postgres import Dsns, Postgres
from services.chassis.telemetry import configure_logging
from services.contracts.topics import PARTITIONS, TOPICS
from tests.sharing import ByWhatIsShared, together

# How long an example takes says more about what else the machine does than about the code.
hypothesis.settings.register_profile("doorstep", deadline=None)
hypothesis.settings.load_profile("doorstep")

JARS = find_home().jars
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Databases:
    """A server; `create_database` makes a service's database with its three roles, fresh each time."""

    server: Postgres
    migrated: dict[str, str] = field(default_factory=dict[str, str])
    """The database of each service that `create_migrated` copies."""

    @property
    def admin_dsn(self) -> str:
        return self.server.admin_dsn

    async def create_database(self, service: str, copied_from: str | None = None) -> Dsns:
        name = f"{service}_{secrets.token_hex(4)}"
        if copied_from is not None:
            admin = await asyncpg.connect(self.admin_dsn)
            try:
                await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{copied_from}" OWNER "{service}_owner"')
            finally:
                await admin.close()
        return await self.server.create_service(service, Dsns(*["test"] * 3), database=name)

    async def create_migrated(self, service: str, migrate: Callable[[Dsns], Awaitable[None]]) -> Dsns:
        """A database as `migrate` leaves it, which is called for the first one of a service."""
        if service not in self.migrated:
            first = await self.create_database(service)
            await migrate(first)
            self.migrated[service] = first.owner.rsplit("/", 1)[1]
        return await self.create_database(service, copied_from=self.migrated[service])

    async def drop_database(self, dsns: Dsns) -> None:
        admin = await asyncpg.connect(self.admin_dsn)
        try:
            await admin.execute(f'DROP DATABASE "{dsns.owner.rsplit("/", 1)[1]}" WITH (FORCE)')
        finally:
            await admin.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def scratch() -> Generator[Path]:
    """A folder for servers' data, gone afterwards; short, and open to the user that PostgreSQL runs as."""
    folder = Path(tempfile.mkdtemp(prefix="doorstep-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Generator[Databases]:
    """A real PostgreSQL with fsync on."""
    server = Postgres(scratch / "postgres", free_port(), secrets.token_urlsafe(12))
    server.create()
    with running(server.command(), server.answers, scratch / "postgres.log", Postgres.STOP_SIGNAL):
        yield Databases(server)


@pytest.fixture(scope="session")
def kafka_server(scratch: Path) -> Generator[Kafka]:
    """A real Kafka of one node."""
    with kafka_of_its_own(scratch) as server:
        yield server


@pytest.fixture(scope="session")
async def kafka(kafka_server: Kafka) -> str:
    """The bootstrap address of a real Kafka that has Doorstep's topics."""
    await create_topics(kafka_server.bootstrap, TOPICS, PARTITIONS)
    return kafka_server.bootstrap


@contextmanager
def kafka_of_its_own(folder: Path) -> Generator[Kafka]:
    """For whoever publishes so much that all others who read from the beginning would wait for it."""
    fetch_jars(JARS)
    server = Kafka(JARS, folder / "kafka", free_port(), free_port())
    server.create()
    with running(server.command(), server.answers, folder / "kafka.log", signal.SIGTERM):
        yield server


@contextmanager
def running(
    command: list[str], answers: Callable[[], bool], log: Path, stop: signal.Signals = signal.SIGTERM
) -> Generator["subprocess.Popen[bytes]"]:
    """A server process that answers, for the length of a block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return ByWhatIsShared(config, log)


def pytest_collection_finish() -> None:
    """What was collected stays until the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    items.sort(key=lambda item: together(item.nodeid) is None)


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM ends the run as Ctrl-C does, in all its processes, so that the servers are stopped."""
    shares = config.option.dist != "no"  # as xdist has it in whoever is given a share

    def interrupted(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would break off the clearing up
        if shares:
            _end(psutil.Process().children())
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    # Unconfigured, structlog draws every warning's traceback with all its values, which takes most of a test's time.
    configure_logging("test")


def _end(processes: list[psutil.Process]) -> None:
    """Each after it has cleared up: xdist would give them ten seconds."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(processes, timeout=START_SECONDS)
