"""Recorded events onto Kafka, in the order of their log, acknowledged before anything that follows them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2  # pyright: ignore[reportUnknownVariableType]

from services.chassis import kafka
from services.chassis.clock import now
from services.contracts.catalogue import TOPIC_OF_TYPE
from services.contracts.envelope import Headers, Recorded, to_headers

CLOSING_SECONDS = 3.0


class SendFailed(Exception):
    """Some events were not acknowledged; `position` is the last before which all were.

    The producer that raised it is spent: every later send of its would fail as well.
    """

    def __init__(self, position: int) -> None:
        super().__init__(f"not acknowledged behind position {position}")
        self.position = position


class Unpublishable(Exception):
    """The log holds an event of a type that this version knows no topic for."""


class Batch(Protocol):
    """Records for one partition, as aiokafka builds them; `append` answers none when it is full."""

    def append(self, *, timestamp: int, key: bytes, value: bytes, headers: Headers) -> object | None: ...

    def close(self) -> None: ...


class Producer(Protocol):
    """What is used of aiokafka's producer, which has no types of its own."""

    def create_batch(self) -> Batch: ...

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Awaitable[object]: ...

    async def partitions_for(self, topic: str) -> set[int]: ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch for one partition, and the position of its first event."""

    first: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Block:
    """Encoded events: for each partition the parcels that must follow each other."""

    oldest: datetime
    last: int
    count: int
    queues: dict[TopicPartition, list[Parcel]]
    causes: Sequence[str] = ()
    """Traceparents of its events, where traces are kept."""


class Publisher:
    """One idempotent producer. Encoding a block and sending the one before it can overlap; two sends may not."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._partitions: dict[str, list[TopicPartition]] = {}

    async def encode(self, events: Sequence[Recorded]) -> Block:
        """Events in the order of their positions, as records in their partitions' batches.

        Raises:
            Unpublishable: an event has no topic.
        """
        queues: dict[TopicPartition, list[Parcel]] = {}
        addresses: dict[UUID, tuple[bytes, list[Parcel]]] = {}
        # When it is sent, not when it was recorded: so a log that was published again is told from the one before it.
        timestamp = int(now().timestamp() * 1000)
        for nth, recorded in enumerate(events, 1):
            if nth % 100 == 0:
                await asyncio.sleep(0)  # a request that waits is served in between
            address = addresses.get(recorded.stream_id)
            if address is None:
                key = str(recorded.stream_id).encode()
                partition = partition_of(
                    key, self._partitions.get(recorded.type) or await self._partitions_of(recorded.type)
                )
                addresses[recorded.stream_id] = address = (key, queues.setdefault(partition, []))
            key, queue = address
            headers = to_headers(recorded)
            if not queue or not queue[-1].batch.append(
                timestamp=timestamp, key=key, value=recorded.data, headers=headers
            ):
                queue.append(Parcel(recorded.position, self._producer.create_batch()))
                queue[-1].batch.append(timestamp=timestamp, key=key, value=recorded.data, headers=headers)
        return Block(events[0].recorded_at, events[-1].position, len(events), queues)

    async def send(self, block: Block) -> int:
        """Send a block and wait for all of it: the position of its last event.

        Raises:
            SendFailed: make a new publisher, and go on from the position that it names.
        """
        unsent = await asyncio.gather(*(self._send_queue(*queue) for queue in block.queues.items()))
        failed = [position for position in unsent if position is not None]
        if failed:
            raise SendFailed(min(failed) - 1)
        return block.last

    async def _send_queue(self, partition: TopicPartition, parcels: Iterable[Parcel]) -> int | None:
        """Send one after the other: none goes out behind one that failed, whose first position is returned."""
        for parcel in parcels:
            parcel.batch.close()
            try:
                sent = await self._producer.send_batch(parcel.batch, partition.topic, partition=partition.partition)
                await sent
            except KafkaError:
                return parcel.first
        return None

    async def _partitions_of(self, type_: str) -> list[TopicPartition]:
        topic = TOPIC_OF_TYPE.get(type_)
        if topic is None:
            raise Unpublishable(f"no topic is known for {type_}")
        numbers = sorted(await self._producer.partitions_for(topic))
        return self._partitions.setdefault(type_, [TopicPartition(topic, number) for number in numbers])


def partition_of(key: bytes, partitions: Sequence[TopicPartition]) -> TopicPartition:
    """Where every Kafka client puts this key, all partitions of the topic given in their order."""
    return partitions[(murmur2(key) & 0x7FFFFFFF) % len(partitions)]


@asynccontextmanager
async def publisher(bootstrap: str, client_id: str) -> AsyncGenerator[Publisher]:
    """A publisher with a producer of its own, closed with the block."""
    producer = kafka.producer(bootstrap, client_id)
    try:
        await producer.start()
        yield Publisher(cast("Producer", producer))
    finally:
        # With Kafka away it would wait for ever to send what the next producer sends anyway.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await producer.stop()
