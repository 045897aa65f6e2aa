"""Where each consumer stands in each partition, and whether the log there is still the one it read."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.held import Partition, Record, digest


@dataclass(frozen=True, slots=True)
class Standing:
    """The next offset to take, and what the record before it was; none when that is not known."""

    next_offset: int
    last_timestamp: int | None
    last_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Sight:
    """A partition's log as Kafka has it: its first offset, the one after its last, and the record looked back at."""

    begin: int
    end: int
    before: Record | None


class Verdict(Enum):
    SAME = "the log we know"
    ANOTHER = "another log under the same name, as after a topic was recreated"
    LOST = "the log begins behind what was taken last: records are lost"


def judge(standing: Standing, sight: Sight) -> Verdict:
    """Whether the log is the one that `standing` speaks of."""
    if sight.begin > standing.next_offset:
        return Verdict.LOST
    if sight.end < standing.next_offset:
        return Verdict.ANOTHER
    if standing.last_hash is None or sight.begin == standing.next_offset:
        return Verdict.SAME
    same = (
        sight.before is not None
        and sight.before.timestamp == standing.last_timestamp
        and digest(sight.before) == standing.last_hash
    )
    return Verdict.SAME if same else Verdict.ANOTHER


async def enter(connection: AsyncConnection, consumer: str, partitions: Collection[Partition]) -> None:
    """A partition that the consumer meets for the first time is begun at 0."""
    await connection.exec_driver_sql(
        "INSERT INTO consumer_offset (consumer, topic, partition, next_offset)"
        " SELECT $1, topic, partition, 0 FROM unnest($2::text[], $3::integer[]) AS p (topic, partition)"
        " ORDER BY topic, partition ON CONFLICT DO NOTHING",
        (consumer, *_columns(partitions)),
    )


async def standings(connection: AsyncConnection, consumer: str) -> dict[Partition, Standing]:
    """Where the consumer stands in every partition that it has met."""
    rows = await connection.exec_driver_sql(
        "SELECT topic, partition, next_offset, last_timestamp, last_hash FROM consumer_offset WHERE consumer = $1",
        (consumer,),
    )
    return {(row.topic, row.partition): Standing(row.next_offset, row.last_timestamp, row.last_hash) for row in rows}


async def lock(connection: AsyncConnection, consumer: str, partitions: Collection[Partition]) -> dict[Partition, int]:
    """The next offset of each, from now to the end of the transaction nobody else's to move."""
    rows = await connection.exec_driver_sql(
        "SELECT topic, partition, next_offset FROM consumer_offset o"
        " JOIN unnest($2::text[], $3::integer[]) AS p (topic, partition) USING (topic, partition)"
        " WHERE consumer = $1 ORDER BY topic, partition FOR UPDATE OF o",
        (consumer, *_columns(partitions)),
    )
    return {(row.topic, row.partition): row.next_offset for row in rows}


async def advance(connection: AsyncConnection, consumer: str, last: Iterable[Record]) -> None:
    """Move behind the last record taken of each partition."""
    rows = [(r.topic, r.partition, r.offset + 1, r.timestamp, digest(r)) for r in last]
    await connection.exec_driver_sql(
        "UPDATE consumer_offset o SET next_offset = p.next_offset, last_timestamp = p.at, last_hash = p.hash"
        " FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[], $6::bytea[])"
        " AS p (topic, partition, next_offset, at, hash)"
        " WHERE o.consumer = $1 AND o.topic = p.topic AND o.partition = p.partition",
        (consumer, *(list(column) for column in zip(*rows, strict=True))),
    )


async def restart(connection: AsyncConnection, consumer: str, partition: Partition, seen: int, begin: int) -> None:
    """Start another log at its beginning, unless somebody moved on since `seen` was read."""
    await connection.exec_driver_sql(
        "UPDATE consumer_offset SET next_offset = $5, last_timestamp = NULL, last_hash = NULL"
        " WHERE consumer = $1 AND topic = $2 AND partition = $3 AND next_offset = $4",
        (consumer, *partition, seen, begin),
    )


def _columns(partitions: Collection[Partition]) -> tuple[list[str], list[int]]:
    return [topic for topic, _ in partitions], [number for _, number in partitions]
