"""Two at once: the stand-in for PostgreSQL makes them wait, see and fail as PostgreSQL does."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.postgres import Dsns
from services.chassis import batch, offsets, timers
from services.chassis.batch import TakenElsewhere
from services.chassis.database import engine
from services.chassis.eventstore import Append, EventStore, KeyReused, NewEvent, Outcome, StaleVersion
from services.chassis.held import KeptRecord
from services.chassis.ids import new_id
from services.chassis.passing import passes
from services.contracts.cases import CaseWithdrawn
from services.contracts.event import StreamKind
from tests.simulation.connection import TWINS, Engine, untraced
from tests.simulation.faults import Faults, Probes
from tests.simulation.scheduler import Process
from tests.simulation.statements.every import ALL
from tests.simulation.tables import Database

CONSUMER = "a-consumer"
PARTITION = ("a-topic", 0)


@pytest.fixture(params=["postgresql", "simulated"])
async def worker(request: pytest.FixtureRequest, chassis_database: Dsns) -> AsyncGenerator[AsyncEngine]:
    """The same tables, twice."""
    assert len(TWINS) > len(ALL)
    if request.param == "simulated":
        draw = random.Random(1)
        faults, probes = Faults(draw, {}, Probes()), Probes()
        simulated = Engine(Process("one"), Database("chassis"), "worker", faults, probes, untraced)
        yield cast("AsyncEngine", simulated)
        return
    pool = engine(chassis_database.worker, "contention", 20)
    yield pool
    await pool.dispose()


@asynccontextmanager
async def opened(worker: AsyncEngine) -> AsyncGenerator[EventStore]:
    async with EventStore("chassis", worker, worker).open() as store:
        yield store


def an_append(stream: UUID | None = None, key: str = "", expected: int | None = 0, print_: bytes = b"f" * 16) -> Append:
    event = NewEvent.of(CaseWithdrawn(), datetime.now(UTC))
    return Append(stream or new_id(), StreamKind.CASE, "/a/", expected, key or uuid4().hex, print_, "resident", [event])


async def test_sixteen_who_append_at_once_leave_no_gap(worker: AsyncEngine) -> None:
    async with opened(worker) as store:
        await asyncio.gather(*(store.append([an_append() for _ in range(5)]) for _ in range(16)))
        async with worker.connect() as connection:
            events = await store.read(connection, 0, 1000)
    assert [event.position for event in events] == list(range(1, 81))
    assert {event.version for event in events} == {1}


async def test_one_key_has_one_outcome_and_one_version_one_winner(worker: AsyncEngine) -> None:
    stream = new_id()
    async with opened(worker) as store, opened(worker) as other:
        [first] = await store.append([an_append(stream, "key")])
        [again] = await other.append([an_append(new_id(), "key")])
        [reused] = await store.append([an_append(stream, "key", print_=b"g" * 16)])
        tried = await asyncio.gather(*(each.append([an_append(stream, expected=1)]) for each in (store, other) * 4))
    assert first == Outcome(stream, 1)
    assert again == Outcome(stream, 1, repeated=True)
    assert isinstance(reused, KeyReused)
    outcomes = [outcome for [outcome] in tried]
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Outcome", *["StaleVersion"] * 7]
    assert any(isinstance(outcome, StaleVersion) for outcome in outcomes)


async def begun(worker: AsyncEngine) -> None:
    async with worker.begin() as connection:
        await offsets.enter(connection, CONSUMER, [PARTITION])


async def take(connection: AsyncConnection, stream: UUID, before: int, reached: int, offset: int) -> None:
    record = KeptRecord(*PARTITION, offset, 0, None, [], b"")
    await batch.end(connection, CONSUMER, [_Move(("intake", stream), before, reached)], [record])


class _Move:
    def __init__(self, stream: tuple[str, UUID], before: int, reached: int) -> None:
        self.stream, self.before, self.reached = stream, before, reached


async def test_who_comes_second_to_a_partition_waits_and_sees_what_the_first_did(worker: AsyncEngine) -> None:
    await begun(worker)
    stream = new_id()
    async with worker.connect() as first, worker.connect() as second:
        await batch.begin(first, CONSUMER, [PARTITION], [("intake", stream)])
        waiting = asyncio.create_task(batch.begin(second, CONSUMER, [PARTITION], [("intake", stream)]))
        await take(first, stream, 0, 3, offset=7)
        await asyncio.sleep(0)
        assert not waiting.done()
        await first.commit()
        seen = await waiting
    assert (seen.next_offsets, seen.versions) == ([8], [3])


async def test_what_is_rolled_back_never_was(worker: AsyncEngine) -> None:
    await begun(worker)
    stream = new_id()
    async with worker.connect() as connection:
        await batch.begin(connection, CONSUMER, [PARTITION], [])
        await take(connection, stream, 0, 1, offset=0)
        await connection.rollback()
        seen = await batch.begin(connection, CONSUMER, [PARTITION], [("intake", stream)])
    assert (seen.next_offsets, seen.versions) == ([0], [0])


@pytest.mark.parametrize("before", [0, 1])
async def test_a_stream_that_moved_by_another_way_takes_the_batch_back(worker: AsyncEngine, before: int) -> None:
    await begun(worker)
    stream = new_id()
    async with worker.begin() as connection:
        await batch.begin(connection, CONSUMER, [PARTITION], [])
        await take(connection, stream, 0, 2, offset=0)
    async with worker.connect() as connection:
        await batch.begin(connection, CONSUMER, [PARTITION], [])
        with pytest.raises(TakenElsewhere):
            await take(connection, stream, before, 3, offset=1)


async def test_a_part_is_taken_back_alone(worker: AsyncEngine) -> None:
    await begun(worker)
    kept, gone = new_id(), new_id()
    async with worker.begin() as connection:
        await batch.begin(connection, CONSUMER, [PARTITION], [])
        await take(connection, kept, 0, 1, offset=0)
        with pytest.raises(ZeroDivisionError):
            await _broken(connection, gone)
    async with worker.connect() as connection:
        seen = await batch.begin(connection, CONSUMER, [PARTITION], [("intake", kept), ("intake", gone)])
    assert (seen.next_offsets, seen.versions) == ([1], [1, 0])


async def _broken(connection: AsyncConnection, stream: UUID) -> None:
    async with connection.begin_nested():
        await take(connection, stream, 0, 1, offset=1)
        raise ZeroDivisionError


async def test_two_who_claim_timers_get_different_ones(worker: AsyncEngine) -> None:
    due = datetime(2026, 3, 1, tzinfo=UTC)
    streams = [new_id() for _ in range(4)]
    async with worker.begin() as connection:
        rows = (streams, ["done"] * 4, [due] * 4, ["/a/"] * 4, [None] * 4)
        await connection.exec_driver_sql(timers.SET, rows)
    aside: list[UUID] = []
    claim = (due + timedelta(seconds=1), aside, 2)
    async with worker.connect() as first, worker.connect() as second, worker.connect() as third:
        mine = (await first.exec_driver_sql(timers.CLAIM, claim)).all()
        theirs = (await second.exec_driver_sql(timers.CLAIM, claim)).all()
        nobodys = (await third.exec_driver_sql(timers.CLAIM, claim)).all()
    assert {row[0] for row in (*mine, *theirs)} == set(streams)
    assert nobodys == []


async def test_who_would_wait_for_each_other_do_not_for_ever(worker: AsyncEngine) -> None:
    async with worker.begin() as connection:
        await offsets.enter(connection, CONSUMER, [("a-topic", 0), ("b-topic", 0)])

    async with worker.connect() as first, worker.connect() as second:
        await batch.begin(first, CONSUMER, [("a-topic", 0)], [])
        await batch.begin(second, CONSUMER, [("b-topic", 0)], [])

        async def crosswise(connection: AsyncConnection, topic: str) -> bool:
            try:
                await batch.begin(connection, CONSUMER, [(topic, 0)], [])
            except DBAPIError as given_way:
                await connection.rollback()
                return not passes(given_way)
            await connection.commit()
            return True

        went_on = await _together(lambda: crosswise(first, "b-topic"), lambda: crosswise(second, "a-topic"))
    assert sorted(went_on) == [False, True]


async def _together(*works: Callable[[], Coroutine[Any, Any, bool]]) -> list[bool]:
    return await asyncio.gather(*(work() for work in works))
