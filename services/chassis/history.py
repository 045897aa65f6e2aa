"""What a consumer took, told anew from Kafka: whole and in order, or not at all."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import held
from services.chassis.held import Record, Stream
from services.chassis.taken import Taken
from services.contracts.envelope import Unreadable

PAGE = 5000
"""Records read at a time."""


READ_SECONDS = 30.0
"""With nothing read for so long, Kafka is away."""

Aside = dict[Stream, dict[int, Taken | None]]
"""By version, what the consumer may not have taken: early and parked events; none for one that can't be read."""

_MAKE_REACHED = """
CREATE TEMPORARY TABLE reached (
    source text COLLATE "C" NOT NULL, stream_id uuid NOT NULL, version integer NOT NULL
)"""
_OFFSETS = "SELECT topic, partition, next_offset FROM consumer_offset WHERE consumer = $1 ORDER BY topic, partition"
# Of the streams that wait for something; the others were taken as far as the offsets reach.
_HELD_LIMITS = """
SELECT DISTINCT h.source, h.stream_id, coalesce(p.version, 0) AS taken
FROM held h LEFT JOIN progress p USING (consumer, source, stream_id)
WHERE h.consumer = $1 AND h.stream_id IS NOT NULL
"""
_LOOK_UP = """
SELECT s.source, s.stream_id, coalesce(r.version, 0) AS reached, coalesce(p.version, 0) AS taken
FROM unnest($2::text[], $3::uuid[]) AS s (source, stream_id)
LEFT JOIN reached r USING (source, stream_id)
LEFT JOIN progress p ON p.consumer = $1 AND p.source = s.source AND p.stream_id = s.stream_id
"""
_REMEMBER = """
INSERT INTO reached (source, stream_id, version) SELECT * FROM unnest($1::text[], $2::uuid[], $3::integer[])
ON CONFLICT (source, stream_id) DO UPDATE SET version = excluded.version
"""
_DIFFERING = """
SELECT source, stream_id, count(*) OVER () AS number
FROM (SELECT source, stream_id, version FROM progress WHERE consumer = $1) p
FULL JOIN reached r USING (source, stream_id)
WHERE p.version IS DISTINCT FROM r.version LIMIT 10
"""


class HistoryIncomplete(Exception):
    """The log no longer holds all that the live model was made from; `doorstep republish` brings it back."""


@dataclass(frozen=True, slots=True)
class Page:
    """Events in a valid order; `closed` when no stream of this page or those before comes again."""

    taken: Sequence[Taken]
    closed: bool


class History(Protocol):
    """All that the live projector of a model took: first the bulk of it, then what it took meanwhile.

    Of one session: all its methods are given the same connection, by turns.
    """

    def pages(self, connection: AsyncConnection, types: Collection[str]) -> AsyncGenerator[Page]:
        """From the beginning to where the live projector is now. Only events of `types` need to be in it."""
        ...

    def since(self, connection: AsyncConnection, types: Collection[str]) -> AsyncGenerator[Sequence[Taken]]:
        """What the live projector took since, up to now, inside a transaction that sees one instant."""
        ...

    async def require_whole(self, connection: AsyncConnection) -> None:
        """With the live projector locked out, after `since`: nothing that it took may be missing.

        Raises:
            HistoryIncomplete: something is.
        """
        ...


class KafkaHistory:
    """The history of one consumer, told by its offsets and judged by its progress."""

    def __init__(self, bootstrap: str, consumer: str) -> None:
        self._bootstrap = bootstrap
        self._consumer = consumer
        self._read_to: dict[TopicPartition, int] = {}
        self._aside: Aside = {}

    async def pages(self, connection: AsyncConnection, types: Collection[str]) -> AsyncGenerator[Page]:
        async with connection.begin():
            await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            ends = await self._unread(connection)
            limits = await self._held_limits(connection)
            await connection.exec_driver_sql(_MAKE_REACHED)
        ordered = Ordered(types, {}, limits, {})
        async for records in self._records(ends):
            if records:
                yield Page(list(ordered.admit(records)), closed=False)
                continue
            self._aside.update(ordered.aside)
            reached = [(*stream, version) for stream, version in ordered.versions.items()]
            await copy(connection, "reached", ("source", "stream_id", "version"), reached)
            yield Page((), closed=True)
            ordered = Ordered(types, {}, limits, {})
        self._read_to |= ends
        async with connection.begin():
            await connection.exec_driver_sql("CREATE UNIQUE INDEX ON reached (source, stream_id)")
            await connection.exec_driver_sql("ANALYZE reached")

    async def since(self, connection: AsyncConnection, types: Collection[str]) -> AsyncGenerator[Sequence[Taken]]:
        ordered = Ordered(types, {}, {}, self._aside, otherwise=0)
        before = await self._look_up(connection, ordered, self._aside)
        ends = await self._unread(connection)
        async for records in self._records(ends):
            streams = {known[:2] for record in records if (known := held.identity(record))}
            before |= await self._look_up(connection, ordered, streams - before.keys())
            yield list(ordered.admit(records))
        yield list(ordered.resume(past_unreadable=True))
        moved = [(*stream, version) for stream, version in ordered.versions.items() if version != before[stream]]
        if moved:
            await connection.exec_driver_sql(_REMEMBER, tuple(map(list, zip(*moved, strict=True))))
        self._read_to |= ends

    async def require_whole(self, connection: AsyncConnection) -> None:
        differing = (await connection.exec_driver_sql(_DIFFERING, (self._consumer,))).all()
        if differing:
            streams = ", ".join(f"{row.source}:{row.stream_id}" for row in differing)
            raise HistoryIncomplete(f"{differing[0].number} streams are not as {self._consumer} took them: {streams}")

    async def _records(self, ends: Mapping[TopicPartition, int]) -> AsyncGenerator[Sequence[Record]]:
        """What was not read yet, one partition after the other, an empty page behind each."""
        if not ends:
            return
        async with reader(self._bootstrap) as kafka:
            for partition, end in ends.items():
                async for records in records_of(kafka, partition, self._read_to.get(partition), end):
                    yield records
                yield ()

    async def _unread(self, connection: AsyncConnection) -> dict[TopicPartition, int]:
        """The offsets up to which there is more to read."""
        rows = await connection.exec_driver_sql(_OFFSETS, (self._consumer,))
        ends = {TopicPartition(row.topic, row.partition): row.next_offset for row in rows}
        return {partition: end for partition, end in ends.items() if end != self._read_to.get(partition, 0)}

    async def _held_limits(self, connection: AsyncConnection) -> dict[Stream, int]:
        rows = await connection.exec_driver_sql(_HELD_LIMITS, (self._consumer,))
        return {(row.source, row.stream_id): row.taken for row in rows}

    async def _look_up(
        self, connection: AsyncConnection, ordered: "Ordered", streams: Collection[Stream]
    ) -> dict[Stream, int]:
        """How far these streams were told, and, into `ordered`, how far the consumer took them."""
        sources, ids = [source for source, _ in streams], [stream_id for _, stream_id in streams]
        rows = (await connection.exec_driver_sql(_LOOK_UP, (self._consumer, sources, ids))).all()
        reached: dict[Stream, int] = {(row.source, row.stream_id): row.reached for row in rows}
        ordered.versions |= reached
        ordered.limits |= {(row.source, row.stream_id): row.taken for row in rows}
        return reached


class Ordered:
    """Puts records into each stream's order, each event once, none beyond what the consumer took."""

    def __init__(
        self,
        types: Collection[str],
        versions: dict[Stream, int],
        limits: dict[Stream, int],
        aside: Aside,
        otherwise: int = 2**31,
    ) -> None:
        self.versions = versions
        self.limits = limits
        self.aside = aside
        self._types = types
        self._otherwise = otherwise

    def admit(self, records: Iterable[Record]) -> Iterator[Taken]:
        for record in records:
            try:
                recorded = held.read(record)
                stream = (recorded.source, recorded.stream_id)
                if recorded.version <= self.versions.get(stream, 0):
                    continue
                taken = Taken(recorded)
                if recorded.type in self._types:
                    _ = taken.event
            except Unreadable:
                # A sound copy may follow; without one the consumer parked it, and may have been told to discard it.
                if known := held.identity(record):
                    self.aside.setdefault(known[:2], {}).setdefault(known[2], None)
                continue
            if recorded.version == self.versions.get(stream, 0) + 1 <= self.limits.get(stream, self._otherwise):
                self.versions[stream] = recorded.version
                yield taken
                if self.aside:
                    yield from self._resume(stream)
            else:
                self.aside.setdefault(stream, {})[recorded.version] = taken

    def resume(self, *, past_unreadable: bool = False) -> Iterator[Taken]:
        """Go on with what was set aside; also past what can't be read, where the consumer went past it."""
        for stream in list(self.aside):
            yield from self._resume(stream, past_unreadable=past_unreadable)

    def _resume(self, stream: Stream, *, past_unreadable: bool = False) -> Iterator[Taken]:
        waiting = self.aside.get(stream, {})
        limit = self.limits.get(stream, self._otherwise)
        while (version := self.versions.get(stream, 0) + 1) <= limit and version in waiting:
            taken = waiting[version]
            if taken is None and not past_unreadable:
                break
            self.versions[stream] = version
            del waiting[version]
            if taken is not None:
                yield taken
        for version in [version for version in waiting if version <= self.versions.get(stream, 0)]:
            del waiting[version]
        if not waiting:
            self.aside.pop(stream, None)


class Reader(Protocol):
    """What is used of aiokafka's consumer, which has no types of its own."""

    def assign(self, partitions: Sequence[TopicPartition]) -> None: ...

    def seek(self, partition: TopicPartition, offset: int) -> None: ...

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]: ...

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]: ...

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, Sequence[Record]]: ...


@asynccontextmanager
async def reader(bootstrap: str) -> AsyncGenerator[Reader]:
    """A consumer without a group: it reads, and nobody knows."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=8 * 1024 * 1024,
        fetch_max_wait_ms=10,  # a fetch that waits at the end of one partition keeps the next one waiting
    )
    try:
        await consumer.start()
        yield cast("Reader", consumer)
    finally:
        await consumer.stop()


async def records_of(
    kafka: Reader, partition: TopicPartition, begin: int | None, end: int
) -> AsyncGenerator[Sequence[Record]]:
    """A partition's records from `begin`, or its beginning, to before `end`, or to where it ends."""
    first = (await kafka.beginning_offsets([partition]))[partition]
    end = min(end, (await kafka.end_offsets([partition]))[partition])
    offset = first if begin is None else max(begin, first)
    if offset >= end:
        return
    kafka.assign([partition])
    kafka.seek(partition, offset)
    while offset < end:
        records: Sequence[Record] = ()
        async with asyncio.timeout(READ_SECONDS):
            while not records:
                found = await kafka.getmany(partition, timeout_ms=1000, max_records=PAGE)
                records = found.get(partition, ())
        offset = records[-1].offset + 1
        yield records if offset <= end else [record for record in records if record.offset < end]


async def copy(connection: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """`COPY` rows into a table, by the driver; outside of a transaction it is one of its own."""
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    await driver.copy_records_to_table(table, columns=columns, records=rows)
