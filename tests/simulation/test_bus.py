"""The stand-in for Kafka keeps records, shares partitions and forgets logs as Kafka does, for those who ask it here."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from secrets import token_hex
from typing import Any, Protocol, cast

import pytest
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaMessage
from faststream.kafka.message import KafkaAckableMessage

from services.chassis import kafka as clients
from services.chassis.held import Record
from services.chassis.kafka import Reader
from services.chassis.publisher import Publisher
from tests.simulation import bus as simulated
from tests.simulation.broker import Broker
from tests.simulation.connection import untraced
from tests.simulation.faults import Faults, Probes
from tests.simulation.producer import Producer
from tests.simulation.scheduler import Process

PARTITIONS = simulated.PARTITIONS
LIMIT_SECONDS = 30.0


class Bus(Protocol):
    """What a test does with either."""

    topic: str

    def broker(self) -> Any: ...
    async def publish(self, partition: int, *values: bytes) -> None: ...
    async def recreate(self) -> None: ...


class Simulated:
    def __init__(self) -> None:
        self.topic = "a-topic"
        faults = Faults(random.Random(1), {}, Probes())
        self._bus = simulated.Bus([self.topic], faults, Probes(), untraced)

    def broker(self) -> Broker:
        return Broker(self._bus, Process("one"))

    async def publish(self, partition: int, *values: bytes) -> None:
        self._bus.write((self.topic, partition), [(1, b"key", value, [("a", b"b")]) for value in values])

    async def recreate(self) -> None:
        self._bus.lose(self.topic)


class Real:
    def __init__(self, bootstrap: str, admin: Any, sender: Any) -> None:
        self.topic = f"test.{token_hex(4)}"
        self._bootstrap, self._admin, self._sender = bootstrap, admin, sender

    def broker(self) -> Any:
        return clients.broker(self._bootstrap, "test")

    async def create(self) -> None:
        await self._admin.create_topics([NewTopic(self.topic, PARTITIONS, 1)])
        await until(lambda: self._listed(True))

    async def publish(self, partition: int, *values: bytes) -> None:
        for value in values:
            await self._sender.send_and_wait(
                self.topic, partition=partition, key=b"key", value=value, headers=[("a", b"b")], timestamp_ms=1
            )

    async def recreate(self) -> None:
        await self._admin.delete_topics([self.topic])
        await until(lambda: self._listed(False))
        await self.create()

    async def _listed(self, listed: bool) -> bool:
        return (self.topic in await self._admin.list_topics()) is listed


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not await true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


@pytest.fixture(params=["kafka", "simulated"])
async def bus(request: pytest.FixtureRequest, kafka: str) -> AsyncGenerator[Bus]:
    if request.param == "simulated":
        yield Simulated()
        return
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    sender = clients.producer(kafka, "test")
    await admin.start()
    await sender.start()
    real = Real(kafka, admin, sender)
    await real.create()
    yield real
    await sender.stop()
    await cast("Any", admin).delete_topics([real.topic])
    await admin.close()


class Taking(ConsumerRebalanceListener):
    """One member of a group, which keeps what it is given, acknowledged or not."""

    def __init__(self, bus: Bus, group: str, *, acknowledges: bool = True) -> None:
        self.records: list[Record] = []
        self.assigned: set[int] = set()
        self._acknowledges = acknowledges
        self._broker = bus.broker()
        self._subscriber = self._broker.subscriber(
            bus.topic,
            group_id=group,
            batch=True,
            auto_offset_reset="earliest",
            batch_timeout_ms=10,
            listener=self,
            parser=self._unread,
            decoder=_undecoded,
        )
        self._subscriber(self._take)

    async def __aenter__(self) -> "Taking":
        await self._broker.connect()
        await self._subscriber.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._subscriber.stop()
        await self._broker.stop()

    @property
    def reader(self) -> Reader:
        return self._subscriber.consumer

    @property
    def builder(self) -> Callable[..., Any]:
        return self._subscriber.builder

    async def _unread(self, batch: Any) -> KafkaMessage:
        return KafkaAckableMessage(raw_message=batch, body=b"", consumer=self._subscriber.consumer)

    async def _take(self, message: KafkaMessage) -> None:
        self.records += cast("Any", message.raw_message)
        if self._acknowledges:
            await message.ack()

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.assigned -= {tp.partition for tp in revoked}

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.assigned = {tp.partition for tp in assigned}

    def values(self, partition: int) -> list[bytes | None]:
        return [record.value for record in self.records if record.partition == partition]

    async def has(self, number: int) -> None:
        async def enough() -> bool:
            return len(self.records) >= number

        await until(enough)


async def _undecoded(message: KafkaMessage) -> KafkaMessage:
    return message


async def test_each_partition_comes_whole_and_in_order(bus: Bus) -> None:
    for partition in range(PARTITIONS):
        await bus.publish(partition, b"1", b"2", b"3")
    async with Taking(bus, "group-a") as taking:
        await taking.has(3 * PARTITIONS)
        await bus.publish(1, b"4")
        await taking.has(3 * PARTITIONS + 1)
    assert taking.values(0) == [b"1", b"2", b"3"]
    assert taking.values(1) == [b"1", b"2", b"3", b"4"]
    assert [record.offset for record in taking.records if record.partition == 1] == [0, 1, 2, 3]
    assert {(record.key, record.timestamp, tuple(record.headers)) for record in taking.records} == {
        (b"key", 1, (("a", b"b"),))
    }


async def test_who_joins_a_group_goes_on_where_it_was_acknowledged(bus: Bus) -> None:
    await bus.publish(0, b"1", b"2")
    async with Taking(bus, "group-b") as taking:
        await taking.has(2)
    await bus.publish(0, b"3")
    async with Taking(bus, "group-b", acknowledges=False) as second:
        await second.has(1)
    async with Taking(bus, "group-b") as third:
        await third.has(1)
    assert second.values(0) == third.values(0) == [b"3"]


async def test_two_of_a_group_share_its_partitions(bus: Bus) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(Taking(bus, "group-c"))
        other = await stack.enter_async_context(Taking(bus, "group-c"))

        async def shared() -> bool:
            return bool(one.assigned and other.assigned and len(one.assigned | other.assigned) == PARTITIONS)

        await until(shared)
        assert not one.assigned & other.assigned
        for partition in range(PARTITIONS):
            await bus.publish(partition, b"1")

        async def all_taken() -> bool:
            return len(one.records) + len(other.records) >= PARTITIONS

        await until(all_taken)
    assert {record.partition for record in one.records} <= one.assigned | {record.partition for record in one.records}
    assert len(one.records) + len(other.records) == PARTITIONS


async def test_a_seek_brings_what_was_taken_before(bus: Bus) -> None:
    await bus.publish(0, b"1", b"2", b"3")
    async with Taking(bus, "group-d") as taking:
        await taking.has(3)
        taking.reader.seek(TopicPartition(bus.topic, 0), 1)
        await taking.has(5)
    assert taking.values(0) == [b"1", b"2", b"3", b"2", b"3"]


async def test_looking_back_tells_a_log_from_another_of_its_name(bus: Bus) -> None:
    await bus.publish(0, b"1", b"2")
    async with Taking(bus, "group-e") as taking:
        await taking.has(2)
        sight = (await clients.look_back(taking.builder, {(bus.topic, 0): [0, 1]}))[bus.topic, 0]
        assert (sight.begin, sight.end, [one.value for one in sight.records.values()]) == (0, 2, [b"1", b"2"])
        nothing_yet = (await clients.look_back(taking.builder, {(bus.topic, 1): []}))[bus.topic, 1]
        assert (nothing_yet.begin, nothing_yet.end, nothing_yet.records) == (0, 0, {})
    await bus.recreate()
    await bus.publish(0, b"9")
    async with Taking(bus, "group-f") as taking:
        await taking.has(1)
        sight = (await clients.look_back(taking.builder, {(bus.topic, 0): [0, 1]}))[bus.topic, 0]
        assert (sight.begin, sight.end, [one.value for one in sight.records.values()]) == (0, 1, [b"9"])


async def test_a_producer_is_spent_after_a_send_that_failed() -> None:
    """As house.md says of aiokafka; the stand-in alone can be told to fail."""
    faults = Faults(random.Random(1), {"send refused": 1.0}, Probes(), active=True)
    producer = Producer(simulated.Bus(["a-topic"], faults, Probes(), untraced), Process("one"))
    assert Publisher(cast("Any", producer))
    for _ in range(2):
        with pytest.raises(KafkaError):
            await (await producer.send_batch(producer.create_batch(), "a-topic", partition=0))
        faults.active = False
