"""The relay on real PostgreSQL and Kafka: nothing missing, first occurrences in order, whatever fails."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast
from uuid import UUID, uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from deploy.local.postgres import Dsns
from services.chassis import kafka as kafka_clients
from services.chassis import relay as relaying
from services.chassis import sole
from services.chassis.database import asyncpg_dsn, engine
from services.chassis.eventstore import Append, EventStore, NewEvent
from services.chassis.history import reader, records_of
from services.chassis.publisher import Batch, Producer, Publisher, SendFailed
from services.chassis.relay import Relay, cursor, republish
from services.contracts.cases import CaseWithdrawn
from services.contracts.envelope import Headers, from_record
from services.contracts.event import StreamKind
from services.contracts.topics import CASES, PARTITIONS
from tests.chassis.events import AT, withdrawn

NOWHERE = "127.0.0.1:1"
DEADLINE = 20.0


@dataclass(frozen=True, slots=True)
class Log:
    """A service's log, and what Kafka has got of it since the test began."""

    store: EventStore
    bootstrap: str
    starts: dict[TopicPartition, int]

    async def append(self, streams: Sequence[UUID], events: int = 1) -> None:
        await self.store.append(
            Append(
                stream_id=stream,
                kind=StreamKind.CASE,
                area="/lakeside/",
                expected=None,
                key=uuid4().hex,
                fingerprint=b"a fingerprint",
                actor="resident",
                events=[NewEvent.of(CaseWithdrawn(), AT) for _ in range(events)],
            )
            for stream in streams
        )

    async def published(self) -> dict[UUID, list[int]]:
        """The versions of each stream, as they lie on Kafka."""
        found: dict[UUID, list[int]] = {}
        async with reader(self.bootstrap) as kafka:
            ends = await kafka.end_offsets(list(self.starts))
            for partition, start in self.starts.items():
                async for records in records_of(kafka, partition, start, ends[partition]):
                    for record in records:
                        recorded = from_record(record.headers, record.value)
                        if recorded.source == self.store.source:
                            found.setdefault(recorded.stream_id, []).append(recorded.version)
        return found

    async def cursor(self) -> int:
        async with self.store.worker.connect() as connection:
            return await cursor(connection)

    async def stored(self) -> dict[UUID, list[int]]:
        async with self.store.worker.connect() as connection:
            events = await self.store.read(connection, 0, 100_000)
        versions: dict[UUID, list[int]] = {}
        for event in events:
            versions.setdefault(event.stream_id, []).append(event.version)
        return versions

    async def all_published(self) -> bool:
        return await self.cursor() == sum(map(len, (await self.stored()).values()))


@pytest.fixture
async def log(chassis_database: Dsns, kafka: str) -> AsyncGenerator[Log]:
    partitions = [TopicPartition(CASES, number) for number in range(PARTITIONS)]
    async with reader(kafka) as client:
        starts = await client.end_offsets(partitions)
    application, worker = engine(chassis_database.application, "test"), engine(chassis_database.worker, "test")
    async with EventStore(f"relayed-{uuid4().hex[:8]}", application, worker).open() as store:
        yield Log(store, kafka, starts)
    await application.dispose()
    await worker.dispose()


@asynccontextmanager
async def running(*relays: Relay) -> AsyncGenerator[list["asyncio.Task[None]"]]:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():  # noqa: ASYNC110 - a database and a broker set no event
            await asyncio.sleep(0.01)


def first_occurrences(published: dict[UUID, list[int]]) -> dict[UUID, list[int]]:
    return {stream: list(dict.fromkeys(versions)) for stream, versions in published.items()}


def metric(log: Log, name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"service": log.store.source})


def relay_of(log: Log) -> Relay:
    return Relay(log.store, log.store.worker, log.bootstrap)


async def test_everything_arrives_in_order_once(log: Log) -> None:
    streams = [uuid4() for _ in range(50)]
    await log.append(streams, events=3)
    async with running(relay_of(log)):
        await until(log.all_published)
        await log.append(streams, events=2)
        await log.append([uuid4() for _ in range(50)])
        await until(log.all_published)
    assert await log.published() == await log.stored()


async def test_two_relays_take_turns_by_the_lock(log: Log) -> None:
    first, second = relay_of(log), relay_of(log)
    async with running(first, second) as tasks:
        await log.append([uuid4() for _ in range(20)])
        await until(log.all_published)
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        await log.append([uuid4() for _ in range(20)])
        await until(log.all_published)
    assert await log.published() == await log.stored()


@asynccontextmanager
async def unlocked(worker: AsyncEngine, *_told: object) -> AsyncGenerator[AsyncConnection]:
    """Whoever asks believes that it holds the lock: the other one's holder is thought dead, and is not."""
    async with worker.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


async def test_two_relays_at_once_only_publish_twice(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "BLOCK", 7)
    monkeypatch.setattr(relaying, "holding", unlocked)
    streams = [uuid4() for _ in range(10)]
    await log.append(streams, events=20)
    relays = [relay_of(log) for _ in range(2)]
    async with running(*relays):
        for _ in range(10):
            await log.append(streams, events=3)
        await until(log.all_published)
    published, stored = await log.published(), await log.stored()
    assert first_occurrences(published) == stored
    assert sum(map(len, published.values())) > sum(map(len, stored.values())), "they never were at it at once"


class KilledBeforeItsCursorMoved(Relay):
    killed = False

    async def _advance(self, connection: AsyncConnection, position: int) -> None:
        self.killed = True
        raise asyncio.CancelledError


async def test_a_kill_between_acknowledgement_and_cursor_only_publishes_twice(log: Log) -> None:
    await log.append([uuid4() for _ in range(30)], events=2)
    relay = KilledBeforeItsCursorMoved(log.store, log.store.worker, log.bootstrap)
    with suppress(asyncio.CancelledError):
        await relay.run()
    assert relay.killed
    assert await log.cursor() == 0
    assert await log.published() == await log.stored()
    async with running(relay_of(log)):
        await until(log.all_published)
    published, stored = await log.published(), await log.stored()
    assert first_occurrences(published) == stored
    assert all(len(versions) == 4 for versions in published.values())


class RealProducer(Producer, Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class FailingProducer:
    """Sends as the real one does, but for the batches whose turn it is to fail, before or after they were sent."""

    failures: ClassVar[set[int]]
    """Numbers of the batches that fail, counted over all producers."""
    sent: ClassVar[int]

    def __init__(self, real: RealProducer) -> None:
        self.start = real.start
        self.stop = real.stop
        self.create_batch = real.create_batch
        self.partitions_for = real.partitions_for
        self._real = real

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Awaitable[object]:
        FailingProducer.sent += 1
        number = FailingProducer.sent
        if number not in self.failures:
            return await self._real.send_batch(batch, topic, partition=partition)
        if number % 2:
            # The broker has it, and we never hear so.
            await (await self._real.send_batch(batch, topic, partition=partition))
        raise OutOfOrderSequenceNumber


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[FailingProducer]:
    real = kafka_clients.producer

    def faulty(bootstrap: str, client_id: str) -> FailingProducer:
        return FailingProducer(cast("RealProducer", real(bootstrap, client_id)))

    monkeypatch.setattr(kafka_clients, "producer", faulty)
    monkeypatch.setattr(relaying, "BLOCK", 10)
    monkeypatch.setattr(FailingProducer, "sent", 0, raising=False)
    monkeypatch.setattr(FailingProducer, "failures", set[int](), raising=False)
    return FailingProducer


async def test_failed_sends_leave_no_gap_and_no_disorder(
    log: Log, failing: type[FailingProducer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sole, "LONGEST_WAIT", 0.01)
    failing.failures = {3, 4, 11, 18, 20, 33, 50, 51}
    streams = [uuid4() for _ in range(15)]
    for _ in range(8):
        await log.append(streams)
    async with running(relay_of(log)):
        await until(log.all_published)
    published, stored = await log.published(), await log.stored()
    assert failing.sent > max(failing.failures)
    assert first_occurrences(published) == stored


async def test_the_cursor_never_passes_a_failed_send(
    log: Log, failing: type[FailingProducer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sole, "SHORTEST_WAIT", DEADLINE)  # so it stays where it failed
    failing.failures = set(range(25, 10_000))
    streams = [uuid4() for _ in range(15)]
    for _ in range(8):
        await log.append(streams)

    async def failed() -> bool:
        return (metric(log, "doorstep_relay_failures_total") or 0) > 0

    async with running(relay_of(log)):
        await until(failed)
    reached = await log.cursor()
    assert 0 < reached < 120
    published = await log.published()
    async with log.store.worker.connect() as connection:
        for event in await log.store.read(connection, 0, reached):
            assert event.version in published[event.stream_id]


class ListedBatch:
    """A batch that is full with two records."""

    def __init__(self) -> None:
        self.positions: list[int] = []

    def append(self, *, timestamp: int, key: bytes, value: bytes, headers: Headers) -> object | None:
        if len(self.positions) == 2:
            return None
        self.positions.append(int(dict(headers)["ce_position"]))
        return self

    def close(self) -> None:
        pass


class PartitionDown:
    """A producer one of whose partitions refuses everything."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.refused: list[list[int]] = []

    def create_batch(self) -> Batch:
        return ListedBatch()

    async def partitions_for(self, topic: str) -> set[int]:
        return {0, 1}

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Awaitable[object]:
        assert isinstance(batch, ListedBatch)
        if partition == 1:
            self.refused.append(batch.positions)
            raise KafkaError
        self.acknowledged += batch.positions
        return asyncio.sleep(0)


async def test_nothing_is_sent_behind_what_failed_and_the_last_contiguous_position_is_told() -> None:
    producer = PartitionDown()
    publisher = Publisher(producer)
    block = await publisher.encode([withdrawn(uuid4(), nth) for nth in range(1, 41)])
    assert len(block.queues[TopicPartition(CASES, 1)]) > 1, "a second batch must have been there to send"
    with pytest.raises(SendFailed) as failed:
        await publisher.send(block)
    [first_refused] = producer.refused
    assert failed.value.position == first_refused[0] - 1
    assert set(range(1, failed.value.position + 1)) <= set(producer.acknowledged)


async def test_republish_sends_any_range_again_but_never_overtakes_the_relay(log: Log) -> None:
    streams = [uuid4() for _ in range(10)]
    await log.append(streams)
    async with running(relay_of(log)):
        await until(log.all_published)
    await log.append(streams)
    told: list[int] = []
    async with log.store.worker.connect() as connection:
        assert await republish(log.store, connection, log.bootstrap, after=4, told=told.append) == 6
        assert await republish(log.store, connection, log.bootstrap, stream=streams[0]) == 1
    assert told == [10]
    published = await log.published()
    assert sum(map(len, published.values())) == 10 + 6 + 1
    assert {version for versions in published.values() for version in versions} == {1}, "the relay has not sent these"


async def test_the_age_grows_while_kafka_is_away_and_is_0_when_all_is_published(log: Log) -> None:
    async def old() -> bool:
        return (metric(log, "doorstep_relay_age_seconds") or 0) > 0

    await log.append([uuid4()])
    async with running(Relay(log.store, log.store.worker, NOWHERE)):
        await until(old)
    async with running(relay_of(log)):
        await until(log.all_published)
        assert metric(log, "doorstep_relay_age_seconds") == 0


@pytest.fixture
async def narrow(chassis_database: Dsns) -> AsyncGenerator[AsyncEngine]:
    """A pool of one connection, which whoever comes second waits for a moment."""
    pool = create_async_engine(asyncpg_dsn(chassis_database.worker), pool_size=1, max_overflow=0, pool_timeout=0.05)
    yield pool
    await pool.dispose()


async def test_a_relay_that_is_given_no_connection_begins_anew_until_it_has_one(log: Log, narrow: AsyncEngine) -> None:
    async def begun_anew() -> bool:
        return (metric(log, "doorstep_relay_failures_total") or 0) > 1

    await log.append([uuid4() for _ in range(5)])
    async with running(Relay(log.store, narrow, log.bootstrap)):
        async with narrow.connect():
            await until(begun_anew)
        await until(log.all_published)
    assert await log.published() == await log.stored()


async def test_the_age_grows_while_a_relay_that_had_nothing_to_do_can_t_look(log: Log, narrow: AsyncEngine) -> None:
    async def unknown() -> bool:
        return (metric(log, "doorstep_relay_age_seconds") or 0) > 0

    async def known() -> bool:
        return metric(log, "doorstep_relay_age_seconds") == 0

    async with running(Relay(log.store, narrow, log.bootstrap)):
        async with narrow.connect():
            await until(unknown)
        await until(known)
        await log.append([uuid4()])
        await until(log.all_published)  # a producer that is stopped as it starts leaves a connection open


async def test_the_age_is_0_for_a_relay_that_failed_and_then_found_another_at_work(log: Log) -> None:
    """It waits for its turn, and what it last knew is long on Kafka."""

    await log.append([uuid4()])
    async with log.store.worker.connect() as other:

        async def taken() -> bool:
            return (await other.exec_driver_sql(relaying.LOCK)).scalar_one()

        async def failed() -> bool:
            return (metric(log, "doorstep_relay_failures_total") or 0) > 0

        async def known() -> bool:
            return metric(log, "doorstep_relay_age_seconds") == 0

        async with running(Relay(log.store, log.store.worker, NOWHERE)):
            await until(failed)
            await until(taken)
            await until(known)
