"""The real servers that benchmarks run against, fresh for each run."""

import secrets
import signal
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local.home import find_home
from deploy.local.jars import fetch_jars
from deploy.local.kafka import Kafka
from deploy.local.postgres import Dsns, Postgres
from tests.conftest import Databases, free_port, running

SQL = Path(__file__).parents[2] / "services" / "chassis" / "sql"


@dataclass(frozen=True, slots=True)
class Servers:
    databases: Databases
    kafka: str
    pids: tuple[int, ...]
    """Of PostgreSQL and Kafka, whose processor time counts as the work's."""

    async def chassis_database(self) -> Dsns:
        """A database with the chassis tables."""
        dsns = await self.databases.create_database("chassis")
        owner = await asyncpg.connect(dsns.owner)
        for name in ("store.sql", "consumer.sql", "log_anchor.sql", "projections.sql", "timers.sql"):
            await owner.execute((SQL / name).read_text().replace("{service}", "chassis"))
        await owner.close()
        return dsns


@contextmanager
def servers() -> Generator[Servers]:
    """PostgreSQL and Kafka as the embedded stack runs them."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doorstep-bench-")))
        scratch.chmod(0o755)
        postgres = Postgres(scratch / "postgres", free_port(), secrets.token_urlsafe(12))
        postgres.create()
        database = stack.enter_context(
            running(postgres.command(), postgres.answers, scratch / "postgres.log", Postgres.STOP_SIGNAL)
        )
        jars = find_home().jars
        fetch_jars(jars)
        kafka = Kafka(jars, scratch / "kafka", free_port(), free_port())
        kafka.create()
        broker = stack.enter_context(running(kafka.command(), kafka.answers, scratch / "kafka.log", signal.SIGTERM))
        yield Servers(Databases(postgres), kafka.bootstrap, (database.pid, broker.pid))
