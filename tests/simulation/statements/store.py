"""Twins of the event store's statements, and of the sealed rows beside it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.chassis import database, eventstore, particulars
from tests.simulation.connection import twin
from tests.simulation.tables import Transaction


class Event(NamedTuple):
    """In the order of `EVENT_COLUMNS`."""

    position: int
    stream_id: UUID
    version: int
    type: str
    schema_version: int
    area: str
    data: str
    occurred_at: datetime
    recorded_at: datetime
    command_key: str
    fingerprint: bytes
    actor: str
    traceparent: str | None


class Stream(NamedTuple):
    stream_id: UUID
    kind: str
    area: str
    version: int


class Command(NamedTuple):
    key: str
    fingerprint: bytes
    stream_id: UUID
    version: int
    refusal: str | None


class Particulars(NamedTuple):
    ref: UUID
    stream_id: UUID
    key_id: int
    area: str
    sealed: bytes


class Opened(NamedTuple):
    ref: UUID
    key_id: int
    sealed: bytes


LOG = "log"
"""One row, whose key is 0: the last position."""


def log_position(transaction: Transaction) -> int:
    return transaction.get(LOG, 0) or 0


def last_position(transaction: Transaction) -> int:
    """Behind which an append begins, which holds the row of the log until it is committed."""
    return log_position(transaction)


@twin(eventstore.APPEND)
def append(
    transaction: Transaction,
    keys: Sequence[str],
    fingerprints: Sequence[bytes],
    streams: Sequence[UUID],
    kinds: Sequence[str],
    areas: Sequence[str],
    expected: Sequence[int | None],
    counts: Sequence[int],
    refusals: Sequence[str | None],
    actors: Sequence[str],
    traceparents: Sequence[str | None],
    event_of: Sequence[int],
    ordinals: Sequence[int],
    types: Sequence[str],
    schema_versions: Sequence[int],
    occurred: Sequence[datetime],
    bodies: Sequence[str],
    sealed_of: Sequence[int],
    sealed_refs: Sequence[UUID],
    sealed_key_ids: Sequence[int],
    sealed_bodies: Sequence[bytes],
) -> list[tuple[str, UUID, int, str | None]]:
    """The function `append` of store.sql."""
    del counts, ordinals
    transaction.lock(LOG, 0)
    base = position = last_position(transaction)
    at = transaction.database.clock()
    probes = transaction.connection.engine.probes
    events: dict[int, list[int]] = {}
    for nth, command in enumerate(event_of):
        events.setdefault(command, []).append(nth)
    verdicts: list[tuple[str, UUID, int, str | None]] = []
    for nth, (key, fingerprint, stream_id, kind, area, expects, refusal, actor, traceparent) in enumerate(
        zip(keys, fingerprints, streams, kinds, areas, expected, refusals, actors, traceparents, strict=True), 1
    ):
        known: Command | None = transaction.get("command", key)
        if known is not None:
            same = known.fingerprint == fingerprint
            probes.met("command repeated" if same else "command key reused")
            verdict = "repeated" if same else "key_reused"
            verdicts.append((verdict, known.stream_id, known.version, known.refusal if same else refusal))
            continue
        stream: Stream | None = transaction.get("stream", stream_id)
        current = stream.version if stream else 0
        home = stream.area if stream else area
        if expects is not None and expects != current:
            probes.met("version conflict")
            verdicts.append(("stale", stream_id, current, refusal))
            continue
        for at_event in events.get(nth, ()):
            position += 1
            current += 1
            row = Event(
                position,
                stream_id,
                current,
                types[at_event],
                schema_versions[at_event],
                home,
                bodies[at_event],
                occurred[at_event],
                at,
                key,
                fingerprint,
                actor,
                traceparent,
            )
            transaction.insert("event", position, row)
            transaction.insert("event by stream", (stream_id, current), row)
            transaction.notes.append(("event", row.type, str(stream_id), current, position, row.data))
        if nth in events:
            transaction.put("stream", stream_id, Stream(stream_id, kind, home, current))
        if refusal is not None:
            probes.met("command refused")
            transaction.notes.append(("refused", refusal, str(stream_id), current))
        transaction.insert("command", key, Command(key, fingerprint, stream_id, current, refusal))
        verdicts.append(("taken", stream_id, current, refusal))
    for command, ref, key_id, body in zip(sealed_of, sealed_refs, sealed_key_ids, sealed_bodies, strict=True):
        if verdicts[command - 1][0] == "taken":
            stream_id = streams[command - 1]
            home = stream.area if (stream := transaction.get("stream", stream_id)) else areas[command - 1]
            transaction.insert("particulars", ref, Particulars(ref, stream_id, key_id, home, body))
    if position != base:
        transaction.put(LOG, 0, max(position, log_position(transaction)))
    return verdicts


Loaded = tuple[UUID, int, str | None, bytes | None, str | None, str | None, str | None, int | None, str | None]


@twin(eventstore.LOAD)
def load(
    transaction: Transaction, area_scope: Sequence[str], keys: Sequence[str], streams: Sequence[UUID]
) -> Iterator[Loaded]:
    """The function `load` of store.sql; an application sees the areas of its scope alone."""
    scoped = transaction.connection.engine.role == "application"
    scope = tuple(area_scope)
    for key in keys:
        command: Command | None = transaction.get("command", key)
        if command is not None:
            yield (
                command.stream_id,
                command.version,
                key,
                command.fingerprint,
                command.refusal,
                None,
                None,
                None,
                None,
            )
    for stream_id in streams:
        for row in of_stream(transaction, stream_id):
            if not scoped or row.area.startswith(scope):
                yield (stream_id, row.version, None, None, None, row.area, row.type, row.schema_version, row.data)


def of_stream(transaction: Transaction, stream_id: UUID) -> Iterator[Event]:
    version = 1
    while (row := transaction.get("event by stream", (stream_id, version))) is not None:
        yield row
        version += 1


@twin(eventstore.AFTER)
def events_after(transaction: Transaction, after: int, limit: int) -> list[Event]:
    found: list[Event] = []
    for position in range(after + 1, transaction.database.table("event").highest + 1):
        row = transaction.get("event", position)
        if row is not None:
            found.append(row)
            if len(found) == limit:
                break
    return found


@twin(eventstore.POSITION)
def position(transaction: Transaction) -> list[tuple[int]]:
    return [(log_position(transaction),)]


@twin(database.SCOPE)
def set_scope(transaction: Transaction, areas: Sequence[str]) -> None:
    transaction.scope = tuple(areas)


@twin(particulars.OPEN)
def open_particulars(
    transaction: Transaction, refs: Sequence[UUID], actor: str, role: str, purpose: str
) -> Iterable[Opened]:
    found: list[Particulars] = [row for ref in refs if (row := transaction.get("particulars", ref)) is not None]
    for row in found:
        accesses = transaction.database.table("particulars_access")
        transaction.put("particulars_access", accesses.highest + 1, (row.stream_id, row.ref, actor, role, purpose))
    return [Opened(row.ref, row.key_id, row.sealed) for row in found]


@twin(particulars.ERASE)
def erase_particulars(transaction: Transaction, stream_id: UUID) -> int:
    gone = [row.ref for row in transaction.scan("particulars") if row.stream_id == stream_id]
    for ref in gone:
        transaction.remove("particulars", ref)
    return len(gone)
