"""B11: a hundred thousand timers that fall due within a minute; how late each of them takes effect."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import clock
from services.chassis.database import engine
from services.chassis.decider import Decider
from services.chassis.eventstore import Append, EventStore, NewEvent
from services.chassis.ids import new_id
from services.chassis.timers import Change, Timer, Timers
from services.contracts.cases import CaseReminded, CaseWithdrawn
from services.contracts.envelope import Recorded
from services.contracts.event import Event, StreamKind
from tests.bench.measure import Limits, measured
from tests.bench.servers import Servers

NUMBER = 100_000
SECONDS = 60.0
FILLED_AT_ONCE = 4096
FIRST_IN = timedelta(seconds=20)
"""From before the log is followed to the first timer; following takes less."""

ALL_BY = 4 * SECONDS


def remind(name: str, _state: int) -> Sequence[Event]:
    return [CaseReminded(rule=name)]


REMINDING: Decider[str, int] = Decider(StreamKind.CASE, 0, remind, lambda state, _event: state + 1)


async def names(_connection: AsyncConnection, due: Sequence[Timer], _at: datetime) -> Sequence[str]:
    return [timer.name for timer in due]


async def run(servers: Servers) -> Limits:
    dsns = await servers.chassis_database()
    application, worker = engine(dsns.application, "bench"), engine(dsns.worker, "bench")
    async with EventStore("chassis", application, worker).open() as store:
        streams = [new_id() for _ in range(NUMBER)]
        for nth in range(0, NUMBER, FILLED_AT_ONCE):
            await store.append(map(_begun, streams[nth : nth + FILLED_AT_ONCE]))

        first = clock.now() + FIRST_IN
        due = {stream: first + timedelta(seconds=SECONDS * nth / NUMBER) for nth, stream in enumerate(streams)}

        def set_by(recorded: Recorded) -> Change:
            return Change((), [("done", due[recorded.stream_id])])

        timers = Timers("bench", store, worker, REMINDING, set_by, names, types=[CaseWithdrawn.type])
        await timers.follow()
        assert clock.now() < first, "the machine is too slow for FIRST_IN"
        with measured(NUMBER, servers.pids) as fired:
            running = asyncio.create_task(timers.run())
            async with asyncio.timeout(ALL_BY):
                await _all_gone(worker.connect())
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        late, twice = await _lateness(worker.connect(), due)
    await application.dispose()
    await worker.dispose()
    return Limits(
        "B11",
        f"{NUMBER:,} timers due over {SECONDS:.0f} s, how late",
        (
            ("median", late[len(late) // 2], 2.0, "s"),
            ("p99", late[len(late) * 99 // 100], 2.0, "s"),
            ("latest", late[-1], 2.0, "s"),
            ("early, twice or never", twice + NUMBER - len(late) + sum(seconds < 0 for seconds in late), 0, "timers"),
        ),
        fired,
    )


def _begun(stream: UUID) -> Append:
    event = NewEvent.of(CaseWithdrawn(), clock.now())
    return Append(stream, StreamKind.CASE, "/bench/", 0, uuid4().hex, b"f" * 16, "resident", [event])


async def _all_gone(connecting: AsyncConnection) -> None:
    async with connecting as connection:
        while (await connection.exec_driver_sql("SELECT EXISTS (SELECT FROM timer)")).scalar_one():
            await connection.rollback()
            await asyncio.sleep(0.25)


async def _lateness(connecting: AsyncConnection, due: dict[UUID, datetime]) -> tuple[list[float], int]:
    """Seconds from due to recorded of the first of each, in order; and how many took effect more than once."""
    first: dict[UUID, float] = {}
    twice = 0
    async with connecting as connection:
        rows = await connection.exec_driver_sql(
            "SELECT stream_id, recorded_at FROM event WHERE version > 1 ORDER BY position"
        )
        for row in rows:
            stream: UUID = row.stream_id
            recorded_at: datetime = row.recorded_at
            if stream in first:
                twice += 1
            else:
                first[stream] = (recorded_at - due[stream]).total_seconds()
    return sorted(first.values()), twice
