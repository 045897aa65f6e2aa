"""A restored store takes its own events back, as others kept them: ids, positions, times, keys and versions unchanged.

Run as the owner, in one transaction, before anything is served: a position that was ever seen must never come to mean
another event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.history import copy
from services.contracts.catalogue import EVENTS
from services.contracts.envelope import Recorded, Unreadable, check_known

PARTICULARS = ("particulars", "note", "shared", "explanation", "message")
"""Fields of events that name a sealed row. A test keeps this list as long as the catalogue needs it."""

_MAKE = """
CREATE TEMPORARY TABLE known (position bigint NOT NULL, stream_id uuid NOT NULL, version integer NOT NULL)
    ON COMMIT DROP;
CREATE TEMPORARY TABLE offered (
    position bigint NOT NULL, stream_id uuid NOT NULL, version integer NOT NULL, kind text NOT NULL,
    type text NOT NULL, schema_version smallint NOT NULL, area text NOT NULL, data text NOT NULL,
    occurred_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL,
    command_key text NOT NULL, fingerprint bytea NOT NULL, actor text NOT NULL, traceparent text
) ON COMMIT DROP"""
_MAKE_HANDLED = """
CREATE TEMPORARY TABLE handled (
    consumer text NOT NULL, source text NOT NULL, stream_id uuid NOT NULL, version integer NOT NULL,
    fingerprint bytea NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE went (
    consumer text NOT NULL, source text NOT NULL, stream_id uuid NOT NULL, version integer NOT NULL
) ON COMMIT DROP"""
_WENT = ("consumer", "source", "stream_id", "version")
_HANDLED = (*_WENT, "fingerprint")
# Consumers that cause commands: theirs are the keys that begin with their names.
_CAUSING = """
SELECT consumer, array_agg(DISTINCT topic) AS topics FROM consumer_offset
WHERE EXISTS (SELECT FROM command WHERE starts_with(key, consumer || ':')) GROUP BY consumer
UNION
SELECT consumer, array_agg(DISTINCT topic) AS topics FROM consumer_offset
WHERE EXISTS (SELECT FROM offered WHERE starts_with(command_key, consumer || ':')) GROUP BY consumer
"""
_KNOWN = ("position", "stream_id", "version")
_OFFERED = (
    "position", "stream_id", "version", "kind", "type", "schema_version", "area", "data", "occurred_at", "recorded_at",
    "command_key", "fingerprint", "actor", "traceparent",
)  # fmt: skip
_INDEX = "CREATE INDEX ON known (position); CREATE INDEX ON offered (position); ANALYZE known; ANALYZE offered"

# One position, two events: among those offered, or between them and the store.
_CONTRADICTING = """
SELECT k.position FROM known k JOIN event e USING (position)
WHERE (k.stream_id, k.version) <> (e.stream_id, e.version)
UNION SELECT o.position FROM offered o JOIN event e USING (stream_id, version)
UNION SELECT position FROM offered GROUP BY position HAVING count(DISTINCT (stream_id, version)) > 1
UNION SELECT min(position) FROM offered GROUP BY stream_id, version HAVING count(DISTINCT position) > 1
ORDER BY position LIMIT 5
"""
_RELAYED = "SELECT coalesce((SELECT position FROM cursor WHERE consumer = 'relay'), 0)"
_ABSENT = """
SELECT count(*) FROM event e
WHERE e.position <= $1 AND NOT EXISTS (SELECT FROM known k WHERE k.position = e.position)
"""
_EVENTS = """
INSERT INTO event (position, stream_id, version, type, schema_version, area, data, occurred_at, recorded_at,
    command_key, fingerprint, actor, traceparent)
SELECT DISTINCT ON (position) position, stream_id, version, type, schema_version, area, data::json, occurred_at,
    recorded_at, command_key, fingerprint, actor, traceparent
FROM offered ORDER BY position
"""
_STREAMS = """
INSERT INTO stream AS s (stream_id, kind, area, version)
SELECT DISTINCT ON (stream_id) stream_id, kind, area, version FROM offered ORDER BY stream_id, version DESC
ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version WHERE s.version < excluded.version
"""
_COMMANDS = """
INSERT INTO command (key, fingerprint, stream_id, version)
SELECT DISTINCT ON (command_key) command_key, fingerprint, stream_id, version
FROM offered ORDER BY command_key, version DESC
"""
# An event that caused nothing left no trace but in the store that is gone. Decided anew, on all that came after it, it
# might cause something now: an old word that a case is looked after would end an alert raised since. It was decided
# when a later event of its stream was, or when its consumer is known to have taken it and nothing is missing.
_CAUSED_NOTHING = """
WITH keyed AS (
    SELECT DISTINCT ON (consumer, source, stream_id, version) *,
        consumer || ':' || source || ':' || stream_id || ':' || version AS key
    FROM handled ORDER BY consumer, source, stream_id, version
), decided AS (
    SELECT k.consumer, k.source, k.stream_id, max(k.version) AS version
    FROM keyed k JOIN command c USING (key) GROUP BY k.consumer, k.source, k.stream_id
)
INSERT INTO command (key, fingerprint, stream_id, version)
SELECT k.key, k.fingerprint, k.stream_id, coalesce(s.version, 0)
FROM keyed k
LEFT JOIN decided d USING (consumer, source, stream_id)
LEFT JOIN went w USING (consumer, source, stream_id)
LEFT JOIN progress p USING (consumer, source, stream_id)
LEFT JOIN stream s ON s.stream_id = k.stream_id
WHERE k.version > coalesce(p.version, 0) AND (k.version < d.version OR (k.version <= w.version AND $1))
ON CONFLICT (key) DO NOTHING
"""
_GAPS = """
SELECT before + 1 AS first, position - 1 AS last
FROM (
    SELECT position, lag(position, 1, $1::bigint) OVER (ORDER BY position) AS before
    FROM (SELECT position FROM event WHERE position > $1 UNION SELECT $2 + 1) p
) g
WHERE position > before + 1 ORDER BY position
"""
_BROKEN = """
SELECT e.stream_id FROM event e
WHERE e.stream_id IN (SELECT stream_id FROM offered) GROUP BY e.stream_id HAVING count(*) <> max(e.version)
ORDER BY e.stream_id
"""
_MOVE = "UPDATE log SET position = $1"
# The relay goes on before the first event that is not on Kafka; what follows it is sent twice, and does nothing.
_CURSOR = """
INSERT INTO cursor AS c (consumer, position)
SELECT 'relay', coalesce(
    (SELECT min(e.position) - 1 FROM event e
     WHERE e.position > $1 AND NOT EXISTS (SELECT FROM known k WHERE k.position = e.position)),
    $2
)
ON CONFLICT (consumer) DO UPDATE SET position = excluded.position
"""
_LOST_PARTICULARS = """
SELECT DISTINCT o.stream_id
FROM offered o CROSS JOIN LATERAL json_each_text(o.data::json) f
WHERE f.key = ANY($1::text[]) AND f.value IS NOT NULL AND NOT (o.stream_id = ANY($2::uuid[]))
    AND NOT EXISTS (SELECT FROM particulars p WHERE p.ref::text = f.value)
ORDER BY o.stream_id
"""
_RESTORED = "INSERT INTO restored (to_time) VALUES ($1) RETURNING restored_at"
_LOST = (
    "INSERT INTO lost_position (first_position, last_position, restored_at)"
    " SELECT first, last, $3 FROM unnest($1::bigint[], $2::bigint[]) AS l (first, last)"
)


Progress = tuple[str, str, UUID, int]
"""A consumer, a source, one of its streams, and the last version taken."""


class AnotherLog(Exception):
    """What is offered contradicts the store: it is not the log of this store, or not of this life of it."""


class NotWhole(Exception):
    """Events that had been published are not offered, so later ones may be missing too; `events` counts them."""

    def __init__(self, events: int) -> None:
        super().__init__(f"{events} events that were published are gone")
        self.events = events


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What came of it. `lost` are runs of positions, first and last, of which nobody has anything."""

    restored: int
    """The last position of the restored store."""
    position: int
    """The last position now."""
    events: int
    lost: Sequence[tuple[int, int]]
    broken: Sequence[UUID]
    """Streams that miss a version in between, and can't go on."""
    particulars: Sequence[UUID]
    """Streams of which a sealed row is gone that was not erased."""


class TakeBack:
    """One restored store; offer it all there is, then `finish` within the same transaction."""

    def __init__(self, connection: AsyncConnection, source: str, restored: int) -> None:
        self._connection = connection
        self._source = source
        self.restored = restored

    @staticmethod
    async def begin(connection: AsyncConnection, source: str) -> "TakeBack":
        # First by way of SQLAlchemy: until then it has not begun the transaction that the driver is to work in.
        restored: int = (await connection.exec_driver_sql("SELECT position FROM log FOR UPDATE")).scalar_one()
        await _run(connection, _MAKE)
        await _run(connection, _MAKE_HANDLED)
        return TakeBack(connection, source, restored)

    async def offer(self, events: Iterable[Recorded], *, on_kafka: bool = True) -> None:
        """Own events, in any order, any number of times.

        Raises:
            Unreadable: an event of a type or version that this code does not know yet.
        """
        mine = [event for event in events if event.source == self._source]
        if on_kafka:
            known = [(event.position, event.stream_id, event.version) for event in mine]
            await copy(self._connection, "known", _KNOWN, known)
        offered = [_row(event) for event in mine if event.position > self.restored]
        await copy(self._connection, "offered", _OFFERED, offered)

    async def causing(self) -> dict[str, list[str]]:
        """The consumers whose events cause commands here, with their topics; to be asked once all is offered."""
        rows = await self._connection.exec_driver_sql(_CAUSING)
        return {row.consumer: row.topics for row in rows}

    async def handled(self, consumer: str, events: Iterable[Recorded]) -> None:
        """Events that this consumer is given, now or before."""
        rows = [(consumer, e.source, e.stream_id, e.version, e.fingerprint) for e in events]
        await copy(self._connection, "handled", _HANDLED, rows)

    async def went(self, progress: Iterable[Progress]) -> None:
        """How far consumers are known to have come before the restore."""
        await copy(self._connection, "went", _WENT, progress)

    async def finish(
        self, to_time: datetime, *, reached: int = 0, erased: Iterable[UUID] = (), kafka_is_lost: bool = False
    ) -> TakenBack:
        """Take back what was offered. `reached` is a position that the store is known to have come to.

        Raises:
            AnotherLog, NotWhole: see there.
        """
        connection = self._connection
        await _run(connection, _INDEX)
        contradicting = (await connection.exec_driver_sql(_CONTRADICTING)).scalars().all()
        if contradicting:
            raise AnotherLog(f"{self._source}: another event at position {', '.join(map(str, contradicting))}")
        relayed: int = (await connection.exec_driver_sql(_RELAYED)).scalar_one()
        absent: int = (await connection.exec_driver_sql(_ABSENT, (relayed,))).scalar_one()
        if absent and not kafka_is_lost:
            raise NotWhole(absent)
        events = (await connection.exec_driver_sql(_EVENTS)).rowcount
        await connection.exec_driver_sql(_STREAMS)
        await connection.exec_driver_sql(_COMMANDS)
        last: int = (await connection.exec_driver_sql("SELECT coalesce(max(position), 0) FROM event")).scalar_one()
        position = max(last, self.restored, reached)
        gaps = await connection.exec_driver_sql(_GAPS, (self.restored, position))
        lost = [(row.first, row.last) for row in gaps]
        if not lost:
            await connection.exec_driver_sql(_CAUSED_NOTHING, (last == reached,))
        await connection.exec_driver_sql(_MOVE, (position,))
        await connection.exec_driver_sql(_CURSOR, (0 if kafka_is_lost else relayed, position))
        restored_at = (await connection.exec_driver_sql(_RESTORED, (to_time,))).scalar_one()
        if lost:
            await connection.exec_driver_sql(_LOST, (*map(list, zip(*lost, strict=True)), restored_at))
        broken = (await connection.exec_driver_sql(_BROKEN)).scalars().all()
        gone = await connection.exec_driver_sql(_LOST_PARTICULARS, (list(PARTICULARS), list(erased)))
        return TakenBack(self.restored, position, events, lost, broken, gone.scalars().all())


def _row(event: Recorded) -> tuple[object, ...]:
    check_known(event.type, event.schema_version)
    try:
        data = event.data.decode()
    except UnicodeDecodeError:
        raise Unreadable("the body is not text") from None
    return (
        event.position, event.stream_id, event.version, EVENTS[event.type].stream_kind.value, event.type,
        event.schema_version, event.area, data, event.occurred_at, event.recorded_at,
        event.command_key, event.fingerprint, event.actor, event.traceparent,
    )  # fmt: skip


async def _run(connection: AsyncConnection, statements: str) -> None:
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    await driver.execute(statements)
