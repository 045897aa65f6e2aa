"""B7: rebuilding reporting's case facts from the public log, against only reading the same events."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis.database import engine
from services.chassis.rebuild import rebuild
from services.chassis.taken import Taken
from services.reporting.public_log import LogHistory, PublicLog
from services.reporting.read_models.case_fact import CASE_FACT
from services.reporting.read_models.following import READ_MODELS
from tests.bench.casework import works
from tests.bench.measure import Measured, Result, measured
from tests.bench.servers import Servers
from tests.reporting.constituents import events_of
from tests.services import migrated

NUMBER = 40_000
PAGE = 20_000

_FOLLOWED = """
INSERT INTO cursor (consumer, position) SELECT $1, position FROM public_log
ON CONFLICT (consumer) DO UPDATE SET position = excluded.position
"""


async def run(servers: Servers) -> Result:
    async with migrated(servers.databases, "reporting", READ_MODELS) as dsns:
        owner, worker = engine(dsns.owner, "bench"), engine(dsns.worker, "bench")
        told = [Taken(recorded) for work in works(NUMBER) for recorded in events_of(work)]
        await _fill(worker, told)
        read = await _read(servers, worker, len(told))
        with measured(len(told), servers.pids) as rebuilt:
            done = await rebuild(owner, "reporting", CASE_FACT, LogHistory(CASE_FACT))
        assert done.events == len(told)
        await owner.dispose()
        await worker.dispose()
    return Result("B7", "rebuild of the case facts", "reading the same events", rebuilt, read, target=0.15)


async def _fill(worker: AsyncEngine, told: Sequence[Taken]) -> None:
    """The log as its consumer fills it, and the live model as if it had followed."""
    log = PublicLog(worker)
    for start in range(0, len(told), 2_000):
        async with worker.begin() as connection:
            await log.take(connection, told[start : start + 2_000])
    async with worker.begin() as connection:
        await connection.exec_driver_sql(_FOLLOWED, (CASE_FACT.name,))


async def _read(servers: Servers, worker: AsyncEngine, events: int) -> Measured:
    with measured(events, servers.pids) as read:
        async with worker.connect() as connection:
            after = 0
            while after < events:
                rows = await connection.exec_driver_sql(
                    "SELECT position, stream_id, type, data::text FROM public_event"
                    " WHERE position > $1 ORDER BY position LIMIT $2",
                    (after, PAGE),
                )
                after = rows.all()[-1][0]
    return read
