"""Where each consumer stands in each partition, and whether the log there is still the one it read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.held import Partition, Record, digest


@dataclass(frozen=True, slots=True)
class Mark:
    """A record by which a log is known again."""

    offset: int
    timestamp: int
    hash: bytes

    def is_in(self, sight: "Sight") -> bool:
        """False too when the log ends before it; what a log has dropped at its beginning speaks for nothing."""
        if self.offset < sight.begin:
            return True
        there = sight.records.get(self.offset)
        return there is not None and there.timestamp == self.timestamp and digest(there) == self.hash


@dataclass(frozen=True, slots=True)
class Standing:
    """The next offset to take, the record taken last, and one taken early; none when not known."""

    next_offset: int
    last: Mark | None
    anchor: Mark | None

    @property
    def marks(self) -> list[Mark]:
        return [mark for mark in (self.last, self.anchor) if mark is not None]


@dataclass(frozen=True, slots=True)
class Sight:
    """A partition's log as Kafka has it: its first offset, the one after its last, and the records looked for."""

    begin: int
    end: int
    records: Mapping[int, Record]


class Verdict(Enum):
    SAME = "the log we know"
    ANOTHER = "another log under the same name, as after a topic was recreated"
    LOST = "the log begins behind what was taken last: records are lost"


def judge(standing: Standing, sight: Sight) -> Verdict:
    """Whether the log is the one that `standing` speaks of."""
    if sight.begin > standing.next_offset:
        return Verdict.LOST
    known = sight.end >= standing.next_offset and all(mark.is_in(sight) for mark in standing.marks)
    return Verdict.SAME if known else Verdict.ANOTHER


ENTER = (
    "INSERT INTO consumer_offset (consumer, topic, partition, next_offset)"
    " SELECT $1, topic, partition, 0 FROM unnest($2::text[], $3::integer[]) AS p (topic, partition)"
    " ORDER BY topic, partition ON CONFLICT DO NOTHING"
)
STANDINGS = (
    "SELECT topic, partition, next_offset, last_timestamp, last_hash, anchor_offset, anchor_timestamp, anchor_hash"
    " FROM consumer_offset WHERE consumer = $1"
)
RESTART = (
    "UPDATE consumer_offset SET next_offset = $5, last_timestamp = NULL, last_hash = NULL,"
    " anchor_offset = NULL, anchor_timestamp = NULL, anchor_hash = NULL"
    " WHERE consumer = $1 AND topic = $2 AND partition = $3 AND next_offset = $4"
)


async def enter(connection: AsyncConnection, consumer: str, partitions: Collection[Partition]) -> None:
    """A partition that the consumer meets for the first time is begun at 0."""
    topics, numbers = [topic for topic, _ in partitions], [number for _, number in partitions]
    await connection.exec_driver_sql(ENTER, (consumer, topics, numbers))


async def standings(connection: AsyncConnection, consumer: str) -> dict[Partition, Standing]:
    """Where the consumer stands in every partition that it has met."""
    rows = await connection.exec_driver_sql(STANDINGS, (consumer,))
    return {
        (row.topic, row.partition): Standing(
            row.next_offset,
            _mark(row.next_offset - 1, row.last_timestamp, row.last_hash),
            _mark(row.anchor_offset, row.anchor_timestamp, row.anchor_hash),
        )
        for row in rows
    }


async def restart(connection: AsyncConnection, consumer: str, partition: Partition, seen: int, begin: int) -> None:
    """Start another log at its beginning, unless somebody moved on since `seen` was read."""
    await connection.exec_driver_sql(RESTART, (consumer, *partition, seen, begin))


def _mark(offset: int | None, timestamp: int | None, hash_: bytes | None) -> Mark | None:
    return None if offset is None or timestamp is None or hash_ is None else Mark(offset, timestamp, hash_)
