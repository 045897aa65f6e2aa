"""Twins of what a consumer remembers: where it stands, how far each stream has come, and what it keeps aside."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from services.chassis import batch, held, inbox, offsets, parked
from tests.simulation.connection import twin
from tests.simulation.statements.projections import GENERATION, VERSIONS
from tests.simulation.tables import Transaction


class Offset(NamedTuple):
    topic: str
    partition: int
    next_offset: int
    last_timestamp: int | None = None
    last_hash: bytes | None = None
    anchor_offset: int | None = None
    anchor_timestamp: int | None = None
    anchor_hash: bytes | None = None


class Progress(NamedTuple):
    source: str
    stream_id: UUID
    version: int


@twin(offsets.ENTER)
def enter(transaction: Transaction, consumer: str, topics: Sequence[str], partitions: Sequence[int]) -> int:
    for key in sorted(zip(topics, partitions, strict=True)):
        known = (consumer, *key)
        if transaction.get("consumer_offset", known) is None:
            transaction.lock("consumer_offset", known)
            if transaction.get("consumer_offset", known) is None:
                transaction.put("consumer_offset", known, Offset(*key, 0))
    return 0


@twin(offsets.STANDINGS)
def standings(transaction: Transaction, consumer: str) -> list[Offset]:
    table = transaction.database.table("consumer_offset").rows
    keys = [key for key in (*table, *transaction.writes.get("consumer_offset", ())) if key[0] == consumer]
    return [row for key in dict.fromkeys(keys) if (row := transaction.get("consumer_offset", key)) is not None]


@twin(batch.BEGIN)
def begin_batch(
    transaction: Transaction,
    consumer: str,
    topics: Sequence[str],
    partitions: Sequence[int],
    sources: Sequence[str],
    streams: Sequence[UUID],
    models: Sequence[str],
    versions_of_models: Sequence[int],
) -> list[tuple[list[int | None], list[int], bool, list[int]]]:
    """As the function `begin_batch` of consumer.sql, whose commit waits for no disk; no model is rebuilt."""
    for key in sorted(zip(topics, partitions, strict=True)):
        if transaction.get("consumer_offset", (consumer, *key)) is not None:
            transaction.lock("consumer_offset", (consumer, *key))
    transaction.waits_for_disk = False
    standing = [
        transaction.get("consumer_offset", (consumer, topic, partition))
        for topic, partition in zip(topics, partitions, strict=True)
    ]
    versions = [
        transaction.get("progress", (consumer, source, stream_id)) or 0
        for source, stream_id in zip(sources, streams, strict=True)
    ]
    nexts = [row and row.next_offset for row in standing]
    wanted = zip(models, versions_of_models, strict=True)
    generations = [GENERATION for name, version in wanted if VERSIONS.get(name) == version]
    return [(nexts, versions, bool(_of(transaction, consumer)), generations)]


@twin(batch.END)
def end_batch(
    transaction: Transaction,
    consumer: str,
    sources: Sequence[str],
    streams: Sequence[UUID],
    before: Sequence[int],
    reached: Sequence[int],
    topics: Sequence[str],
    partitions: Sequence[int],
    nexts: Sequence[int],
    timestamps: Sequence[int],
    hashes: Sequence[bytes],
) -> list[tuple[bool]]:
    """The function `end_batch` of log_anchor.sql."""
    keys = [(consumer, source, stream_id) for source, stream_id in zip(sources, streams, strict=True)]
    for key in keys:
        transaction.lock("progress", key)
    for key, was, version in zip(keys, before, reached, strict=True):
        if was == 0:
            transaction.insert("progress", key, version)
        elif transaction.get("progress", key) != was:
            return [(False,)]
        else:
            transaction.put("progress", key, version)
    for row in zip(topics, partitions, nexts, timestamps, hashes, strict=True):
        known: Offset | None = transaction.get("consumer_offset", (consumer, *row[:2]))
        anchored = known is not None and known.anchor_offset is not None
        anchor = known[5:] if known is not None and anchored else (row[2] - 1, *row[3:])
        transaction.put("consumer_offset", (consumer, *row[:2]), Offset(*row, *anchor))
    return [(True,)]


@twin(offsets.RESTART)
def restart(transaction: Transaction, consumer: str, topic: str, partition: int, seen: int, begin: int) -> int:
    key = (consumer, topic, partition)
    transaction.lock("consumer_offset", key)
    row: Offset | None = transaction.get("consumer_offset", key)
    if row is None or row.next_offset != seen:
        return 0
    transaction.connection.engine.probes.met("another log started at its beginning")
    transaction.put("consumer_offset", key, Offset(topic, partition, begin))
    return 1


SOURCES = ("intake", "mediation", "notifications", "reporting")


@twin(inbox.PROGRESS)
def progress(transaction: Transaction, consumer: str, streams: Sequence[UUID]) -> Iterator[Progress]:
    for stream_id in dict.fromkeys(streams):
        for source in SOURCES:
            version = transaction.get("progress", (consumer, source, stream_id))
            if version is not None:
                yield Progress(source, stream_id, version)


# held records


class Held(NamedTuple):
    """In the order of `held.HELD`, with what no query asks for behind."""

    source: str | None
    stream_id: UUID | None
    version: int | None
    topic: str
    partition: int
    record_offset: int
    record_timestamp: int
    key: bytes | None
    header_names: Sequence[bytes]
    header_values: Sequence[bytes]
    value: bytes | None
    reason: str | None
    id: int
    consumer: str
    record_hash: bytes
    retry: bool = False


def _of(transaction: Transaction, consumer: str) -> list[Held]:
    return [row for row in transaction.scan("held") if row.consumer == consumer]


def _columns(row: Held) -> tuple[Any, ...]:
    return row[:12]


@twin(held.KEEP)
def keep(
    transaction: Transaction,
    consumer: str,
    topic: str,
    partition: int,
    record_offset: int,
    timestamp: int,
    record_hash: bytes,
    key: bytes | None,
    names: Sequence[bytes],
    values: Sequence[bytes],
    value: bytes | None,
    reason: str | None,
    source: str | None = None,
    stream_id: UUID | None = None,
    version: int | None = None,
) -> int:
    identity = (consumer, source, stream_id, version)
    transaction.lock("held by stream", identity)
    transaction.connection.engine.probes.met("record held until its turn")
    old = next(
        (row for row in _of(transaction, consumer) if (row.source, row.stream_id, row.version) == identity[1:]), None
    )
    if old is not None and old.reason is None and old.record_hash != record_hash:
        return 0
    if old is not None and old.record_hash == record_hash:
        reason = reason if reason is not None else old.reason
    id_ = old.id if old is not None else transaction.database.table("held").highest + 1
    row = Held(
        source, stream_id, version, topic, partition, record_offset, timestamp, key, names, values, value, reason,
        id_, consumer, record_hash, old.retry if old is not None else False,
    )  # fmt: skip
    transaction.put("held", id_, row)
    return 1


@twin(held.KEEP_UNREADABLE)
def keep_unreadable(transaction: Transaction, consumer: str, *record: Any) -> int:
    known = {(row.topic, row.partition, row.record_offset, row.record_hash) for row in _of(transaction, consumer)}
    topic, partition, record_offset, timestamp, record_hash, key, names, values, value, reason = record
    if (topic, partition, record_offset, record_hash) in known:
        return 0
    id_ = transaction.database.table("held").highest + 1
    row = Held(
        None, None, None, topic, partition, record_offset, timestamp, key, names, values, value, reason,
        id_, consumer, record_hash,
    )  # fmt: skip
    transaction.put("held", id_, row)
    return 1


@twin(held.OF_STREAMS)
def of_streams(
    transaction: Transaction, consumer: str, sources: Sequence[str], streams: Sequence[UUID]
) -> list[tuple[Any, ...]]:
    wanted = set(zip(sources, streams, strict=True))
    return [_columns(row) for row in _of(transaction, consumer) if (row.source, row.stream_id) in wanted]


@twin(held.DROP_TAKEN)
def drop_taken(
    transaction: Transaction,
    consumer: str,
    sources: Sequence[str],
    streams: Sequence[UUID],
    reached: Sequence[int],
) -> int:
    upto = {(source, stream): version for source, stream, version in zip(sources, streams, reached, strict=True)}
    gone = [
        row
        for row in _of(transaction, consumer)
        if row.source and row.stream_id and row.version and row.version <= upto.get((row.source, row.stream_id), 0)
    ]
    for row in gone:
        transaction.remove("held", row.id)
    return len(gone)


@twin(held.CENSUS)
def census(transaction: Transaction, consumer: str) -> list[tuple[int, int, int]]:
    rows = _of(transaction, consumer)
    parked_ = sum(row.reason is not None for row in rows)
    return [(parked_, len(rows) - parked_, sum(row.retry for row in rows))]


class Asked(NamedTuple):
    id: int
    topic: str
    partition: int


@twin(held.ASKED)
def asked_again(transaction: Transaction, consumer: str, limit: int) -> list[Asked]:
    found = sorted((row.id, row.topic, row.partition) for row in _of(transaction, consumer) if row.retry)
    return [Asked(*row) for row in found[:limit]]


@twin(held.TAKE_ASKED)
def take_asked(transaction: Transaction, consumer: str, ids: Sequence[int]) -> list[tuple[Any, ...]]:
    asked = [row for row in _of(transaction, consumer) if row.id in ids and row.retry]
    for row in asked:
        transaction.lock("held", row.id)
    for row in asked:
        transaction.put("held", row.id, row._replace(retry=False))
    return [_columns(row) for row in asked]


@twin(held.DROP_ASKED)
def drop_nameless(transaction: Transaction, ids: Sequence[int]) -> int:
    gone = [row for row in transaction.scan("held") if row.id in ids and row.stream_id is None]
    for row in gone:
        transaction.remove("held", row.id)
    return len(gone)


@twin(parked.REPLAY_READABLE)
def replay_readable(transaction: Transaction, consumer: str, reasons: Sequence[str]) -> int:
    asked = [
        row for row in transaction.scan("held") if row.consumer == consumer and row.reason in reasons and not row.retry
    ]
    for row in asked:
        transaction.put("held", row.id, row._replace(retry=True))
    return len(asked)


@twin(parked.REPLAY)
def replay(transaction: Transaction, consumer: str | None, id_: int | None) -> int:
    asked = [
        row
        for row in transaction.scan("held")
        if row.reason is not None and consumer in (None, row.consumer) and id_ in (None, row.id)
    ]
    for row in asked:
        transaction.put("held", row.id, row._replace(retry=True))
    return len(asked)
