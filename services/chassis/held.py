"""Records kept as they came until their turn comes: early ones, and parked ones with the reason."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.envelope import Recorded, Unreadable, check_known, from_record

Stream = tuple[str, UUID]
"""A source and one of its streams."""

Partition = tuple[str, int]
"""A topic and one of its partitions."""


class Record(Protocol):
    """A record of Kafka, nothing in it decoded."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class KeptRecord:
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Held:
    """`identity` is none when not even that can be read; `reason` is none when it only came early."""

    record: Record
    identity: tuple[str, UUID, int] | None
    reason: str | None


def read(record: Record) -> Recorded:
    """The event that a record carries, its body unread.

    Raises:
        Unreadable: broken headers, no body, an unknown type, or a schema version from the future.
    """
    if not record.value:
        raise Unreadable("the record has no body")
    recorded = from_record(record.headers, record.value)
    check_known(recorded.type, recorded.schema_version)
    return recorded


def identity(record: Record) -> tuple[str, UUID, int] | None:
    """Which event it is, as far as an unreadable record still tells."""
    named = dict(record.headers)
    try:
        source = named["ce_source"].decode()
        stream_id = UUID(named["ce_subject"].decode())
        version = int(named["ce_streamversion"])
    except (KeyError, ValueError, AttributeError):
        return None
    return (source, stream_id, version) if 0 < version < 2**31 and "\0" not in source else None


def digest(record: Record) -> bytes:
    """Tells two records apart, wherever they lie."""
    return blake2b(repr((record.key, record.value, tuple(record.headers))).encode(), digest_size=16).digest()


_COLUMNS = (
    "topic, partition, record_offset, record_timestamp, record_hash, key, header_names, header_values, value, reason"
)
KEEP_UNREADABLE = (
    f"INSERT INTO held (consumer, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    " ON CONFLICT DO NOTHING"
)
# A sound copy takes the place of a broken one, never the other way round.
KEEP = f"""
INSERT INTO held AS old (consumer, {_COLUMNS}, source, stream_id, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (consumer, source, stream_id, version) WHERE stream_id IS NOT NULL DO UPDATE SET
    (topic, partition, record_offset, record_timestamp, record_hash, key, header_names, header_values, value)
    = (excluded.topic, excluded.partition, excluded.record_offset, excluded.record_timestamp, excluded.record_hash,
        excluded.key, excluded.header_names, excluded.header_values, excluded.value),
    reason = CASE
        WHEN old.record_hash = excluded.record_hash THEN coalesce(excluded.reason, old.reason)
        ELSE excluded.reason
    END
WHERE old.reason IS NOT NULL OR old.record_hash = excluded.record_hash
"""
_HELD = (
    "h.source, h.stream_id, h.version, h.topic, h.partition, h.record_offset, h.record_timestamp, h.key,"
    " h.header_names, h.header_values, h.value, h.reason"
)
OF_STREAMS = (
    f"SELECT {_HELD} FROM held h"
    " JOIN unnest($2::text[], $3::uuid[]) AS s (source, stream_id) USING (source, stream_id)"
    " WHERE h.consumer = $1 ORDER BY h.version"
)
DROP_TAKEN = (
    "DELETE FROM held h USING unnest($2::text[], $3::uuid[], $4::integer[]) AS s (source, stream_id, version)"
    " WHERE h.consumer = $1 AND h.source = s.source AND h.stream_id = s.stream_id AND h.version <= s.version"
)
CENSUS = (
    "SELECT count(*) FILTER (WHERE reason IS NOT NULL), count(*) FILTER (WHERE reason IS NULL),"
    " count(*) FILTER (WHERE retry) FROM held WHERE consumer = $1"
)
ASKED = "SELECT id, topic, partition FROM held WHERE consumer = $1 AND retry ORDER BY id LIMIT $2"
TAKE_ASKED = (
    f"UPDATE held h SET retry = false WHERE consumer = $1 AND id = ANY($2::bigint[]) AND retry RETURNING {_HELD}"
)
DROP_ASKED = "DELETE FROM held WHERE id = ANY($1::bigint[]) AND stream_id IS NULL"


async def keep(connection: AsyncConnection, consumer: str, held: Sequence[Held]) -> None:
    """Keep records, each event once."""
    unreadable: list[tuple[object, ...]] = []
    identified: list[tuple[object, ...]] = []
    for one in held:
        record = one.record
        row = (
            consumer, record.topic, record.partition, record.offset, record.timestamp, digest(record), record.key,
            [name.encode() for name, _ in record.headers], [value for _, value in record.headers], record.value,
            one.reason,
        )  # fmt: skip
        if one.identity is None:
            unreadable.append(row)
        else:
            identified.append((*row, *one.identity))
    if unreadable:
        await connection.exec_driver_sql(KEEP_UNREADABLE, unreadable)
    if identified:
        await connection.exec_driver_sql(KEEP, identified)


async def of_streams(connection: AsyncConnection, consumer: str, streams: Collection[Stream]) -> list[Held]:
    """What is held of these streams, by version."""
    rows = await connection.exec_driver_sql(
        OF_STREAMS, (consumer, [source for source, _ in streams], [stream for _, stream in streams])
    )
    return [_held(*row) for row in rows]


async def drop_taken(connection: AsyncConnection, consumer: str, reached: dict[Stream, int]) -> None:
    """Forget what a stream has passed."""
    await connection.exec_driver_sql(
        DROP_TAKEN,
        (consumer, [source for source, _ in reached], [stream for _, stream in reached], list(reached.values())),
    )


@dataclass(frozen=True, slots=True)
class Census:
    """How many records wait for somebody, how many only for the one before them, how many are to be tried again."""

    parked: int
    early: int
    asked: int


async def census(connection: AsyncConnection, consumer: str) -> Census:
    rows = await connection.exec_driver_sql(CENSUS, (consumer,))
    return Census(*rows.one())


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows that somebody wants tried again, and the partitions whose offsets guard them."""

    ids: list[int]
    partitions: set[Partition]


async def asked_again(connection: AsyncConnection, consumer: str, limit: int) -> Asked:
    rows = await connection.exec_driver_sql(ASKED, (consumer, limit))
    found = rows.all()
    return Asked([row.id for row in found], {(row.topic, row.partition) for row in found})


async def take_asked(connection: AsyncConnection, consumer: str, ids: Sequence[int]) -> list[Held]:
    """The rows that still wait to be tried again; they no longer ask for it, and those without a stream are removed."""
    rows = await connection.exec_driver_sql(TAKE_ASKED, (consumer, list(ids)))
    asked = [_held(*row) for row in rows]
    await connection.exec_driver_sql(DROP_ASKED, (list(ids),))
    return asked


def _held(
    source: str | None,
    stream_id: UUID | None,
    version: int | None,
    topic: str,
    partition: int,
    offset: int,
    timestamp: int,
    key: bytes | None,
    names: Sequence[bytes],
    values: Sequence[bytes],
    value: bytes | None,
    reason: str | None,
) -> Held:
    headers = [(name.decode(), content) for name, content in zip(names, values, strict=True)]
    record = KeptRecord(topic, partition, offset, timestamp, key, headers, value)
    known = None if source is None or stream_id is None or version is None else (source, stream_id, version)
    return Held(record, known, reason)
