"""The clients that speak to Kafka, set up the one way that loses nothing."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from itertools import zip_longest
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from faststream.kafka import KafkaBroker
from faststream.middlewares import AckPolicy

from services.chassis import garbage
from services.chassis.held import Partition, Record
from services.chassis.offsets import Sight

LARGEST_BATCH = 256 * 1024
"""Bytes of records that are stored together."""


def broker(bootstrap: str, client_id: str) -> KafkaBroker:
    """For consuming only. It logs nothing of its own: a log line of FastStream may quote a record."""
    return KafkaBroker(
        bootstrap.split(","),
        client_id=client_id,
        consumer_only=True,
        allow_auto_create_topics=False,
        ack_policy=AckPolicy.MANUAL,
        apply_types=False,
        graceful_timeout=10.0,
        metadata_max_age_ms=5_000,  # how soon a topic that was away, as while it is recreated, is found again
        logger=None,
    )


def producer(bootstrap: str, client_id: str) -> AIOKafkaProducer:
    """Keeps order and writes once within a session; an acknowledgement means every replica in sync has it."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        linger_ms=2,
        max_batch_size=LARGEST_BATCH,
    )


LOOK_BACK_SECONDS = 15.0
LOOK_BACK_BYTES = 2 * LARGEST_BATCH
"""Of each partition at once, for the sake of one record: a batch, or partitions would come one after the other."""
CLOSING_SECONDS = 3.0

IDLE_MS = 1_000
"""How often a consumer without work looks whether it was closed or the group has moved."""


class Reader(Protocol):
    """What we use of an `AIOKafkaConsumer`, whose own methods carry no types."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def assign(self, partitions: Collection[TopicPartition]) -> None: ...
    def assignment(self) -> set[TopicPartition]: ...
    def highwater(self, partition: TopicPartition) -> int | None: ...
    async def position(self, partition: TopicPartition) -> int: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def pause(self, *partitions: TopicPartition) -> None: ...
    def resume(self, *partitions: TopicPartition) -> None: ...
    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None: ...
    async def getone(self, *partitions: TopicPartition) -> Record: ...
    async def beginning_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]: ...
    async def end_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]: ...


def wait_for_records(consumer: Any) -> None:
    """Let `getmany` of this consumer return only with records.

    FastStream sleeps after a fetch that brought none, as long as it had waited for it: short waits keep the processor
    busy while nothing happens, and long ones keep records waiting.
    """
    getmany = consumer.getmany

    async def waiting(*partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        del timeout_ms
        while not (records := await getmany(*partitions, timeout_ms=IDLE_MS, max_records=max_records)):
            pass
        return records

    consumer.getmany = waiting


async def look_back(builder: Callable[..., Any], wanted: Mapping[Partition, Collection[int]]) -> dict[Partition, Sight]:
    """The bounds of these logs, and the records at these offsets as far as they are there.

    Raises:
        KafkaError: the logs can't be read, or change while they are.
        TimeoutError: they can't be read in time. Whoever asks takes no records meanwhile, and must not wait for ever.
    """
    try:
        return await _look_back(builder, wanted)
    finally:
        garbage.collect_after_a_look()


async def _look_back(
    builder: Callable[..., Any], wanted: Mapping[Partition, Collection[int]]
) -> dict[Partition, Sight]:
    partitions = {TopicPartition(*partition): sorted(set(offsets)) for partition, offsets in wanted.items()}
    # No group and no reset: a position that is not there is an error, never another position.
    reader: Reader = builder(
        group_id=None,
        client_id="look-back",
        auto_offset_reset="none",
        enable_auto_commit=False,
        max_partition_fetch_bytes=LOOK_BACK_BYTES,
    )
    try:
        async with asyncio.timeout(LOOK_BACK_SECONDS):
            await reader.start()
            reader.assign(list(partitions))
            begins = await reader.beginning_offsets(list(partitions))
            ends = await reader.end_offsets(list(partitions))
            there = {
                tp: [offset for offset in offsets if begins[tp] <= offset < ends[tp]]
                for tp, offsets in partitions.items()
            }
            reader.pause(*(tp for tp, offsets in there.items() if not offsets))
            records: dict[TopicPartition, dict[int, Record]] = {tp: {} for tp in there}
            # All partitions together: aiokafka takes a tenth of a second to notice that it was sent elsewhere.
            for sought in zip_longest(*there.values()):
                at = {tp: offset for tp, offset in zip(there, sought, strict=True) if offset is not None}
                for tp, offset in at.items():
                    reader.seek(tp, offset)
                for tp, offset in at.items():
                    records[tp][offset] = await reader.getone(tp)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await reader.stop()
    return {(tp.topic, tp.partition): Sight(begins[tp], ends[tp], records[tp]) for tp in partitions}
