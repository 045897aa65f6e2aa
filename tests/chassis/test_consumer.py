"""Consumers on real Kafka and PostgreSQL: whatever happens to records, each event takes effect once, in order."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol, cast
from uuid import UUID

import psutil
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.postgres import Dsns, Postgres
from services.chassis import parked
from services.chassis.consumer import Consumer, Handle
from services.chassis.consuming import Consumers, Subscription
from services.chassis.database import engine
from services.chassis.ids import new_id
from services.chassis.kafka import broker, producer
from services.chassis.positions import Positions
from services.chassis.taken import Taken
from services.contracts.cases import CaseWithdrawn
from services.contracts.catalogue import EVENTS
from services.contracts.envelope import Recorded, to_headers
from tests.chassis.conftest import chassis_tables
from tests.chassis.events import effects, effects_table, remembering, withdrawn
from tests.conftest import Databases, free_port, running

PARTITIONS = 3
ROUNDS = 5
DEADLINE = 30.0


@pytest.fixture
async def worker(chassis_database: Dsns) -> AsyncGenerator[AsyncEngine]:
    await effects_table(chassis_database)
    pool = engine(chassis_database.worker, "test")
    yield pool
    await pool.dispose()


RawHeaders = Sequence[tuple[str, bytes | None]]
Condition = Callable[[], Awaitable[bool]]


class Sender(Protocol):
    """What is used of aiokafka's producer, whose own methods carry no types."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def send_and_wait(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: RawHeaders, partition: int | None
    ) -> object: ...


class Admin(Protocol):
    """What is used of aiokafka's admin client, whose own methods carry no types."""

    async def create_topics(self, new_topics: list[NewTopic]) -> object: ...
    async def delete_topics(self, topics: list[str]) -> object: ...
    async def list_topics(self) -> list[str]: ...
    async def delete_records(self, records_to_delete: dict[TopicPartition, RecordsToDelete]) -> object: ...


class Topic:
    """A topic of a test's own."""

    def __init__(self, admin: Admin, sender: Sender) -> None:
        self.name = f"test.{token_hex(4)}"
        self.admin = admin
        self._sender = sender

    async def create(self) -> None:
        await self.admin.create_topics([NewTopic(self.name, PARTITIONS, 1)])
        await until(self._is_listed(True))

    async def recreate(self) -> None:
        await self.admin.delete_topics([self.name])
        await until(self._is_listed(False))
        await self.create()

    async def publish(self, *events: Recorded) -> None:
        for one in events:
            await self.send(str(one.stream_id).encode(), one.data, to_headers(one))

    async def send(
        self, key: bytes | None, value: bytes | None, headers: RawHeaders, partition: int | None = None
    ) -> None:
        await self._sender.send_and_wait(self.name, key=key, value=value, headers=list(headers), partition=partition)

    def _is_listed(self, listed: bool) -> "Condition":
        async def look() -> bool:
            return (self.name in await self.admin.list_topics()) is listed

        return look


@pytest.fixture
async def topic(kafka: str) -> AsyncGenerator[Topic]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    sender = cast("Sender", producer(kafka, "test"))
    await sender.start()
    topic = Topic(cast("Admin", admin), sender)
    await topic.create()
    yield topic
    await sender.stop()
    await topic.admin.delete_topics([topic.name])
    await admin.close()


class Consuming(Protocol):
    def __call__(self, handle: Handle = ...) -> AbstractAsyncContextManager[Subscription]: ...


@pytest.fixture
def consuming(kafka: str, worker: AsyncEngine, topic: Topic) -> Consuming:
    """One more instance of the test's one consumer."""
    name = f"test-{token_hex(4)}"

    @asynccontextmanager
    async def one_more(handle: Handle = remembering) -> AsyncGenerator[Subscription]:
        consumers = Consumers(broker(kafka, "test"), [Consumer(name, (topic.name,), handle)], worker)
        async with consumers.open():
            yield consumers.subscriptions[0]

    return one_more


async def until(condition: Condition) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():  # noqa: ASYNC110 - what is waited for lies in other processes
            await asyncio.sleep(0.02)


async def total(worker: AsyncEngine) -> int:
    async with worker.connect() as connection:
        return (await connection.exec_driver_sql("SELECT count(*) FROM effect")).scalar_one()


async def parked_in(worker: AsyncEngine) -> Sequence[parked.Parked]:
    async with worker.connect() as connection:
        return await parked.parked(connection)


async def all_took_effect_once(worker: AsyncEngine, streams: Sequence[UUID], versions: int) -> None:
    """No event lost, none taken twice, each stream in order."""
    try:
        await until(lambda: _is_at_least(total(worker), len(streams) * versions))
    finally:
        for stream in streams:
            assert await effects(worker, stream) == list(range(1, versions + 1))


async def _is_at_least(found: Awaitable[int], least: int) -> bool:
    return await found >= least


async def test_a_fault_in_the_middle_of_a_batch_stops_one_stream(
    topic: Topic, consuming: Consuming, worker: AsyncEngine
) -> None:
    streams = [new_id() for _ in range(40)]
    poisoned = streams[17]

    async def faulty(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        for one in taken:
            await remembering(connection, [one])
            if one.recorded.stream_id == poisoned and one.recorded.version == 2:
                raise ZeroDivisionError

    for version in (1, 2, 3):
        await topic.publish(*(withdrawn(stream, version) for stream in streams))
    async with consuming(faulty):
        await until(lambda: _is_at_least(total(worker), 39 * 3 + 1))
        [one] = await parked_in(worker)
        assert (one.stream_id, one.version, one.waiting) == (poisoned, 2, 1)
    async with consuming():
        await all_took_effect_once(worker, streams, 3)
    assert await parked_in(worker) == []


async def test_what_a_killed_database_takes_back_is_taken_again(kafka: str, topic: Topic, scratch: Path) -> None:
    """Commits of batches wait for no disk: a crash takes the last ones back, and nobody but the consumer can know."""
    server = Postgres(scratch / token_hex(4), free_port(), token_hex(8), more={"wal_writer_delay": "10s"})
    server.create()
    log = scratch / "killed.log"
    with running(server.command(), server.answers, log, Postgres.STOP_SIGNAL):
        dsns = await chassis_tables(Databases(server))
        await effects_table(dsns)
    given = versions = 0
    streams = [new_id() for _ in range(20)]

    async def counting(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        nonlocal given
        given += len(taken)
        await remembering(connection, taken)

    worker, looking = engine(dsns.worker, "test"), engine(dsns.worker, "test")
    consumer = Consumer(f"test-{token_hex(4)}", (topic.name,), counting)
    async with Consumers(broker(kafka, "test"), [consumer], worker).open():
        # The disk may have had the commits by chance: then the next round.
        while given == versions * len(streams) and versions < ROUNDS:
            with running(server.command(), server.answers, log, Postgres.STOP_SIGNAL) as process:
                versions += 1
                await topic.publish(*(withdrawn(stream, versions) for stream in streams))
                await until(partial(_has_at_least, looking, versions * len(streams)))
                await looking.dispose()
                kill_all(process.pid)
        with running(server.command(), server.answers, log, Postgres.STOP_SIGNAL):
            await all_took_effect_once(looking, streams, versions)
            await looking.dispose()
    await worker.dispose()
    assert given > versions * len(streams)


async def _has_at_least(worker: AsyncEngine, least: int) -> bool:
    return await total(worker) >= least


def kill_all(pid: int) -> None:
    """Kill -9 a process and all that it started, itself first."""
    process = psutil.Process(pid)
    for member in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            member.kill()


async def test_an_error_that_passes_is_waited_out(topic: Topic, consuming: Consuming, worker: AsyncEngine) -> None:
    attempts = 0

    async def away_at_first(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        nonlocal attempts
        attempts += 1
        await remembering(connection, taken)
        if attempts < 3:
            raise ConnectionResetError

    stream = new_id()
    async with consuming(away_at_first):
        await topic.publish(withdrawn(stream, 1))
        await all_took_effect_once(worker, [stream], 1)
    assert attempts == 3
    assert await parked_in(worker) == []


async def test_broken_records_stop_no_other(topic: Topic, consuming: Consuming, worker: AsyncEngine) -> None:
    streams = [new_id() for _ in range(30)]
    sound = to_headers(withdrawn(new_id(), 1))
    async with consuming():
        await topic.publish(*(withdrawn(stream, 1) for stream in streams))
        for partition in range(PARTITIONS):
            await topic.send(None, b"\xff\x00\xfe", [], partition)
            await topic.send(b"\xff", None, [("ce_type", b"\xff\xfe")], partition)
            await topic.send(b"k", b"{}", [*sound, ("ce_subject", None)], partition)
            await topic.send(b"k", b"{}", [*sound, ("content-type", b"\xff")], partition)
            await topic.send(b"k", None, to_headers(withdrawn(new_id(), 1)), partition)
        await topic.publish(*(withdrawn(stream, 2) for stream in streams))
        # `content-type` is nobody's business: that event is sound, and three times the same.
        await until(lambda: _is_at_least(total(worker), 2 * 30 + 1))
    for stream in streams:
        assert await effects(worker, stream) == [1, 2]
    assert len(await parked_in(worker)) == 4 * PARTITIONS


async def test_instances_that_come_and_go_lose_nothing_and_repeat_nothing(
    topic: Topic, consuming: Consuming, worker: AsyncEngine
) -> None:
    streams = [new_id() for _ in range(60)]
    at_work: set[str] = set()

    def named(name: str) -> Handle:
        async def handle(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
            await remembering(connection, taken)
            at_work.add(name)

        return handle

    all_have_worked = asyncio.Event()

    async def traffic() -> int:
        """Goes on until each instance has had its share: how long joining takes is nobody's to say."""
        version = 0
        while not all_have_worked.is_set():
            version += 1
            await asyncio.gather(*(topic.publish(withdrawn(stream, version)) for stream in streams))
        return version

    sending = asyncio.create_task(traffic())
    async with consuming(named("there from the start")):
        async with consuming(named("leaves again")):
            await until(lambda: _is(lambda: len(at_work) == 2))
        async with consuming(named("comes late")):
            await until(lambda: _is(lambda: len(at_work) == 3))
            all_have_worked.set()
            await all_took_effect_once(worker, streams, await sending)


async def test_records_sent_twice_take_effect_once(topic: Topic, consuming: Consuming, worker: AsyncEngine) -> None:
    streams = [new_id() for _ in range(10)]
    async with consuming():
        for version in (1, 2, 3):
            events = [withdrawn(stream, version) for stream in streams]
            await topic.publish(*events)
            await topic.publish(*events)
        marker = new_id()
        await topic.publish(*(withdrawn(marker, version) for version in (1, 2, 3)))
        await all_took_effect_once(worker, [*streams, marker], 3)


async def test_ending_between_commit_and_acknowledgement_repeats_nothing(
    topic: Topic, consuming: Consuming, worker: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_positions: Positions) -> None: ...

    streams = [new_id() for _ in range(10)]
    await topic.publish(*(withdrawn(stream, 1) for stream in streams))
    with monkeypatch.context() as patched:
        patched.setattr(Positions, "show", never)
        async with consuming():
            await until(lambda: _is_at_least(total(worker), 10))
    await topic.publish(*(withdrawn(stream, 2) for stream in streams))
    async with consuming():
        await all_took_effect_once(worker, streams, 2)


async def test_a_batch_tried_twice_seeks_once(topic: Topic, consuming: Consuming, worker: AsyncEngine) -> None:
    """A partition that is behind the database's offset is sent there; trying the others again must not matter."""

    async def never(_positions: Positions) -> None: ...

    attempts = 0

    async def away_at_first(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        nonlocal attempts
        attempts += 1
        await remembering(connection, taken)
        if attempts == 1:
            raise ConnectionResetError

    def event(stream: UUID, version: int, partition: int) -> Awaitable[None]:
        one = withdrawn(stream, version)
        return topic.send(None, one.data, to_headers(one), partition)

    behind, fresh = new_id(), new_id()
    await event(behind, 1, 0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Positions, "show", never)
        async with consuming():
            await all_took_effect_once(worker, [behind], 1)
    await event(fresh, 1, 1)
    async with consuming(away_at_first) as subscription:
        await until(lambda: _is(lambda: attempts == 2))
        await event(behind, 2, 0)
        await event(fresh, 2, 1)
        await all_took_effect_once(worker, [behind, fresh], 2)
        assert not subscription.positions.stopped
        await until(lambda: _is(lambda: subscription.lag() == 0))


@pytest.mark.parametrize("new_events", [0, 40])
async def test_a_recreated_topic_is_healed_by_publishing_again(
    topic: Topic, consuming: Consuming, worker: AsyncEngine, new_events: int
) -> None:
    """Shorter or longer than the log that the consumer knew."""
    streams = [new_id() for _ in range(20)]
    old = [withdrawn(stream, version) for version in (1, 2) for stream in streams]
    await topic.publish(*old)
    async with consuming():
        await all_took_effect_once(worker, streams, 2)
    await topic.recreate()
    fresh = [new_id() for _ in range(new_events)]
    await topic.publish(*(withdrawn(stream, version) for version in (1, 2) for stream in fresh))
    await topic.publish(*old)
    async with consuming():
        marker = new_id()
        await topic.publish(withdrawn(marker, 1), withdrawn(marker, 2))
        await all_took_effect_once(worker, [*streams, *fresh, marker], 2)


async def test_a_topic_recreated_under_a_running_consumer_is_healed_too(
    topic: Topic, consuming: Consuming, worker: AsyncEngine
) -> None:
    streams = [new_id() for _ in range(20)]
    old = [withdrawn(stream, version) for version in (1, 2) for stream in streams]
    await topic.publish(*old)
    async with consuming():
        await all_took_effect_once(worker, streams, 2)
        await topic.recreate()
        fresh = [new_id() for _ in range(20)]
        await topic.publish(*(withdrawn(stream, version) for version in (1, 2) for stream in fresh), *old)
        await all_took_effect_once(worker, [*streams, *fresh], 2)


async def test_a_database_that_was_restored_reads_on_from_where_it_stands(
    topic: Topic, consuming: Consuming, worker: AsyncEngine, chassis_database: Dsns
) -> None:
    """Kafka's own offsets stand at the end, and no record comes to say otherwise."""
    streams = [new_id() for _ in range(20)]
    await topic.publish(*(withdrawn(stream, version) for version in (1, 2) for stream in streams))
    async with consuming() as subscription:
        await all_took_effect_once(worker, streams, 2)
        await until(lambda: _is(lambda: subscription.lag() == 0))
    owner = engine(chassis_database.owner, "test")
    async with owner.begin() as connection:
        for table in ("consumer_offset", "progress", "effect"):
            await connection.exec_driver_sql(f"DELETE FROM {table}")
    await owner.dispose()
    async with consuming():
        await all_took_effect_once(worker, streams, 2)


async def test_an_unknown_type_goes_on_by_itself_once_the_code_knows_it(
    topic: Topic, consuming: Consuming, worker: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, other = new_id(), new_id()
    async with consuming():
        await topic.publish(withdrawn(stream, 1)._replace(type="case.sung"), withdrawn(stream, 2), withdrawn(other, 1))
        await until(lambda: _is_at_least(total(worker), 1))
        await until(lambda: _parked(worker, 1))
        assert await effects(worker, stream) == []
    monkeypatch.setitem(EVENTS, "case.sung", CaseWithdrawn)
    async with consuming():
        await until(lambda: _is_at_least(total(worker), 3))
        assert await effects(worker, stream) == [1, 2]


async def test_what_an_older_instance_did_not_know_is_taken_by_a_newer_one_that_runs_already(
    topic: Topic, consuming: Consuming, worker: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = new_id()
    async with consuming():
        await topic.publish(withdrawn(stream, 1)._replace(type="case.sung"), withdrawn(stream, 2))
        await until(lambda: _parked(worker, 1))
        monkeypatch.setitem(EVENTS, "case.sung", CaseWithdrawn)
        await all_took_effect_once(worker, [stream], 2)


async def test_an_operator_can_have_a_parked_event_tried_again_while_the_service_runs(
    topic: Topic, consuming: Consuming, worker: AsyncEngine
) -> None:
    stream, repaired = new_id(), False

    async def broken(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        if not repaired:
            raise ZeroDivisionError
        await remembering(connection, taken)

    async with consuming(broken):
        await topic.publish(withdrawn(stream, 1), withdrawn(stream, 2))
        await until(lambda: _parked(worker, 1))
        repaired = True
        async with worker.begin() as connection:
            await parked.replay(connection)
        await all_took_effect_once(worker, [stream], 2)


async def test_a_log_that_lost_records_stops_its_partition_and_says_so(
    topic: Topic, consuming: Consuming, worker: AsyncEngine
) -> None:
    def event(stream: UUID, version: int, partition: int) -> Awaitable[None]:
        one = withdrawn(stream, version)
        return topic.send(None, one.data, to_headers(one), partition)

    lost, sound = new_id(), new_id()
    await event(lost, 1, 0)
    await event(sound, 1, 1)
    async with consuming():
        await all_took_effect_once(worker, [lost, sound], 1)
    await event(lost, 2, 0)
    await event(lost, 3, 0)
    await topic.admin.delete_records({TopicPartition(topic.name, 0): RecordsToDelete(before_offset=2)})
    async with consuming() as subscription:
        await until(lambda: _is(lambda: (topic.name, 0) in subscription.positions.stopped))
        await event(sound, 2, 1)
        await until(lambda: _is_at_least(total(worker), 3))
        assert await effects(worker, sound) == [1, 2]
        assert await effects(worker, lost) == [1]

        async with worker.begin() as connection:
            assert await parked.accept_loss(connection, subscription.consumer.name, topic.name, 0, 2)
        await event(lost, 2, 0)
        await until(lambda: _is_at_least(total(worker), 5))
        assert await effects(worker, lost) == [1, 2, 3]
        assert not subscription.positions.stopped


async def _parked(worker: AsyncEngine, number: int) -> bool:
    return len(await parked_in(worker)) == number


async def _is(condition: Callable[[], Any]) -> bool:
    return bool(condition())
