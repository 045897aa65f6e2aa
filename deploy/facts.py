"""Collects what the checker judges: reads four databases and Kafka from its beginning, and writes nothing."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from deploy.evidence import Digest, Facts, Lag, Log, Messages, Model, Span, Text, Waiting, digest_of, name_hash
from deploy.in_areas import tables_of
from deploy.local.state import SERVICES
from deploy.on_kafka import contents_of
from deploy.on_time import SERVICES as TIMED
from deploy.on_time import timers_of
from deploy.owed import MESSAGE_TYPES, messages_owed
from deploy.reconcile import judge
from deploy.told import Told
from services.chassis.eventstore import EVENT_COLUMNS, recorded_of
from services.contracts.alerts import first_alert_of

Database = Any
"""A connection of asyncpg, which has no types."""

_HASH = "('x' || encode(substr(sha256(convert_to({}, 'UTF8')), 1, 7), 'hex'))::bit(56)::bigint"
_EVENT_HASH = _HASH.format("{source} || ' ' || stream_id || ' ' || version || ' ' || type || ' ' || data::text")
_NAME_HASH = _HASH.format("name")
_OWN, _COPIED = _EVENT_HASH.format(source="'{service}'"), _EVENT_HASH.format(source="source")

_EVENTS_OF_LOG = f"SELECT count(*), coalesce(sum({_OWN}), 0)::numeric AS total FROM event"
_EVENTS_OF_COPY = f"SELECT source, count(*), sum({_COPIED})::numeric AS total FROM public_event GROUP BY source"
_ITEMS_OF_LOG = f"SELECT stream_id || ':' || version AS name, {_OWN} AS hash FROM event"
_ITEMS_OF_COPY = f"SELECT stream_id || ':' || version AS name, {_COPIED} AS hash FROM public_event WHERE source = $1"

_POSITION_GAPS = """
SELECT position + 1 || ' to ' || next - 1
FROM (SELECT position, lead(position) OVER (ORDER BY position) AS next FROM {table}) p
WHERE next > position + 1 ORDER BY position LIMIT 5
"""
_LOST_POSITIONS = "SELECT coalesce(sum(last_position - first_position + 1), 0)::bigint FROM lost_position"
_KNOWN_GAPS = "SELECT first_position || ' to ' || last_position FROM lost_position"
_VERSION_GAPS = """
SELECT stream_id || ' (' || count(*) || ' events up to version ' || max(version) || ')'
FROM {table} GROUP BY {stream} HAVING count(*) <> max(version) LIMIT 5
"""
_STREAMS_ASIDE = """
SELECT stream_id || ' (its stream row says ' || s.version || ')'
FROM stream s LEFT JOIN (SELECT stream_id, max(version) AS version FROM event GROUP BY stream_id) e USING (stream_id)
WHERE s.version IS DISTINCT FROM e.version LIMIT 5
"""

# What happened once has its plain name; a second time is told apart by its number.
_NAMED = """
SELECT name || CASE nth WHEN 1 THEN '' ELSE ' (' || nth || ')' END AS name
FROM (SELECT name, row_number() OVER (PARTITION BY name ORDER BY position) AS nth FROM ({chosen}) c) n
"""
_CAUSES = """
SELECT stream_id, version, substr(type, 6) AS cause FROM event
WHERE type IN ('case.escalated', 'case.reopened')
    OR (type = 'case.assigned' AND data ->> 'level' IS NOT NULL)
    OR (type = 'case.opened' AND coalesce(data ->> 'imported', 'false') = 'false' AND data ->> 'answered_by' IS NULL)
"""
_FIRST_ALERTS = """
SELECT stream_id || ' ' || (data ->> 'cause') || ' ' || (data ->> 'alert') AS name, position FROM event
WHERE type = 'alert.raised' AND coalesce((data ->> 'step')::integer, 0) = 0
"""
_STORED = """
SELECT stream_id || ':' || version FROM event JOIN unnest($1::uuid[], $2::integer[]) AS a (stream_id, version)
USING (stream_id, version)
"""
_HAPPENED = {
    "reported": ("intake", "SELECT stream_id::text AS name, position FROM event WHERE type = 'case.reported'"),
    "opened": ("mediation", "SELECT stream_id::text AS name, position FROM event WHERE type = 'case.opened'"),
    "raised alerts": ("notifications", _FIRST_ALERTS),
}

# An imported case asks for no message, until somebody of today raises it.
_ASKING = f"""
SELECT source, {EVENT_COLUMNS} FROM public_event WHERE type = ANY($1) AND stream_id IN (
    SELECT stream_id FROM public_event
    WHERE type IN ('alert.raised', 'case.reminded', 'gathering.changed', 'gathering.cancelled')
        OR (type = 'case.reported' AND coalesce(data ->> 'imported', 'false') = 'false')
) ORDER BY position
"""
_MESSAGES = """
SELECT source || ':' || stream_id || ':' || version || CASE audience WHEN 'guest' THEN ':' || recipient ELSE '' END,
    delivery_id::text FROM delivery WHERE what <> 'test'
"""
_UNSENT = "SELECT count(*) FROM delivery WHERE state = 'waiting' AND next_at < now() - interval '30 seconds'"
_OVERDUE = "SELECT count(*) FROM timer WHERE due_at < now() - interval '30 seconds'"

_ERASED = "SELECT DISTINCT stream_id FROM event WHERE type = 'case.erased'"
_SEALED = """
SELECT c.relname AS name, k.attname AS key FROM pg_class c
JOIN pg_attribute s ON s.attrelid = c.oid AND s.attname = 'sealed' AND NOT s.attisdropped
JOIN pg_attribute k ON k.attrelid = c.oid AND k.attname IN ('stream_id', 'case_id') AND NOT k.attisdropped
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""
_LEFT = "SELECT count(*) AS rows, min({key}::text) AS example FROM {table} WHERE {key} = ANY($1::uuid[])"

_FOLLOWING = "SELECT consumer, position FROM cursor WHERE consumer IN ('relay', 'timers')"
_HELD = """
SELECT consumer, reason, count(*) AS records, min(
    coalesce(source || ':' || stream_id || ':' || version, topic || ' ' || partition || ' at ' || record_offset)
) AS example
FROM held GROUP BY consumer, reason ORDER BY consumer, reason
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """A read model's key, and which keys its own database says it must have."""

    service: str
    model: str
    key: str
    due: str


_CASES_OF = "SELECT stream_id FROM event WHERE type = '{}'"
KEYS = (
    Keys("intake", "case_status", "case_id", _CASES_OF.format("case.reported")),
    Keys("mediation", "caseload", "case_id", _CASES_OF.format("case.opened")),
    Keys(
        "reporting",
        "case_fact",
        "case_id",
        "SELECT stream_id FROM public_event WHERE source = 'intake' AND type = 'case.reported'",
    ),
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look. The connections are the workers': they see every area."""

    dsns: Mapping[str, str]
    kafka: str


async def collect(
    places: Places, told: Sequence[Told] = (), *, only_client: bool = False, healthy: Sequence[Span] = ()
) -> Facts:
    """Everything that the checker asks for; `told` is a history that clients kept, `healthy` when all was well.

    Raises:
        OSError, asyncpg.PostgresError, KafkaError: something is away; nothing is known then.
    """
    contents = await contents_of(places.kafka)
    async with connected(places) as to:
        logs = await asyncio.gather(*(_log(service, to[service]) for service in SERVICES))
        looked_at: datetime = await to["reporting"].fetchval("SELECT now()")
        erased = [row["stream_id"] for row in await to["intake"].fetch(_ERASED)]
        happened = {place: await _digest(to[service], chosen) for place, (service, chosen) in _HAPPENED.items()}
        facts = Facts(
            logs=dict(zip(SERVICES, logs, strict=True)),
            kafka={source: found.told() for source, found in contents.sources.items()},
            copy=await _copy(to["reporting"]),
            reported=happened["reported"],
            opened=happened["opened"],
            due_alerts=digest_of((await _due_alerts(to["mediation"])).values()),
            raised_alerts=happened["raised alerts"],
            late_alerts=await to["notifications"].fetchval("SELECT coalesce(sum(cases), 0) FROM late_cases"),
            models=[await _model(to[keys.service], keys) for keys in KEYS],
            waiting=[waiting for service in SERVICES for waiting in await _waiting(service, to[service])],
            lags=[*await lags(to, contents.ends), *await _undone(to)],
            conflicts=await to["intake"].fetchval("SELECT count(*) FROM set_aside"),
            unreadable=contents.unreadable,
            told=told,
            stored=await _stored(to, told),
            only_client=only_client,
            messages=await _messages(to, looked_at),
            timers=[await timers_of(service, to[service]) for service in TIMED],
            healthy=healthy,
            looked_at=looked_at,
            tables=[table for service in SERVICES for table in await tables_of(service, to[service])],
            erased={str(case) for case in erased},
            ledger=set(await _column(to["intake"], "SELECT case_id::text FROM erased")),
            texts=[text for service in SERVICES for text in await _texts(service, to[service], erased)],
        )
        differing = {place for finding in judge(facts) if not finding.ok for place in finding.compared}
        items = {place: await _items(places.kafka, to, place) for place in differing}
    return replace(facts, items=items)


@asynccontextmanager
async def connected(places: Places) -> AsyncGenerator[dict[str, Database]]:
    """A connection to each service's database, for reading only."""
    async with AsyncExitStack() as stack:
        databases: dict[str, Database] = {}
        for service in SERVICES:
            only_reading = {"default_transaction_read_only": "on", "jit": "off"}
            databases[service] = await asyncpg.connect(places.dsns[service], server_settings=only_reading)
            stack.push_async_callback(databases[service].close)
        yield databases


async def lags(to: Mapping[str, Database], ends: Mapping[tuple[str, int], int]) -> list[Lag]:
    """How far each relay, consumer, set of timers and read model of reporting's is behind; `ends` are Kafka's."""
    found: list[Lag] = []
    for service, database in to.items():
        position: int = await database.fetchval("SELECT position FROM log")
        reached = {row["consumer"]: row["position"] for row in await database.fetch(_FOLLOWING)}
        found += [Lag(service, who, position - reached.get(who, 0)) for who in ("relay", *(reached.keys() - {"relay"}))]
        behind: dict[str, int] = {}
        for row in await database.fetch("SELECT consumer, topic, partition, next_offset FROM consumer_offset"):
            end = ends.get((row["topic"], row["partition"]), 0)
            behind[row["consumer"]] = behind.get(row["consumer"], 0) + max(end - row["next_offset"], 0)
        found += [Lag(service, consumer, records) for consumer, records in sorted(behind.items())]
    head: int = await to["reporting"].fetchval("SELECT position FROM public_log")
    for row in await to["reporting"].fetch("SELECT consumer, position FROM cursor WHERE consumer <> 'relay'"):
        found.append(Lag("reporting", row["consumer"], head - row["position"]))
    return found


async def _log(service: str, to: Database) -> Log:
    events = await to.fetchrow(_EVENTS_OF_LOG.format(service=service))
    known = await _column(to, _KNOWN_GAPS)
    return Log(
        position=await to.fetchval("SELECT position FROM log"),
        lost=await to.fetchval(_LOST_POSITIONS),
        events={service: Digest(events["count"], int(events["total"]))},
        position_gaps=[gap for gap in await _column(to, _POSITION_GAPS.format(table="event")) if gap not in known],
        version_gaps=[
            *await _column(to, _VERSION_GAPS.format(table="event", stream="stream_id")),
            *await _column(to, _STREAMS_ASIDE),
        ],
    )


async def _copy(to: Database) -> Log:
    return Log(
        position=await to.fetchval("SELECT position FROM public_log"),
        events={row["source"]: Digest(row["count"], int(row["total"])) for row in await to.fetch(_EVENTS_OF_COPY)},
        position_gaps=await _column(to, _POSITION_GAPS.format(table="public_event")),
        version_gaps=await _column(to, _VERSION_GAPS.format(table="public_event", stream="source, stream_id")),
    )


async def _due_alerts(to: Database) -> Mapping[str, int]:
    """By the names that the first alerts of mediation's events must have."""
    names = [
        f"{row['stream_id']} {row['cause']} {first_alert_of('mediation', row['stream_id'], row['version'])}"
        for row in await to.fetch(_CAUSES)
    ]
    return {name: name_hash(name) for name in names}


async def _messages(to: Mapping[str, Database], at: datetime) -> Messages:
    rows = await to["reporting"].fetch(_ASKING, list(MESSAGE_TYPES))
    asking = (recorded_of(row["source"], row[1:]) for row in rows)
    return messages_owed(asking, [tuple(row) for row in await to["notifications"].fetch(_MESSAGES)], at)


async def _undone(to: Mapping[str, Database]) -> list[Lag]:
    """What is due and should long have been done."""
    timers = [Lag(service, "its due timers", await to[service].fetchval(_OVERDUE)) for service in TIMED]
    return [*timers, Lag("notifications", "its due messages", await to["notifications"].fetchval(_UNSENT))]


async def _texts(service: str, to: Database, erased: Sequence[UUID]) -> list[Text]:
    found: list[Text] = []
    for table in await to.fetch(_SEALED):
        row = await to.fetchrow(_LEFT.format(table=table["name"], key=table["key"]), erased)
        if row["rows"]:
            found.append(Text(service, table["name"], row["rows"], row["example"]))
    return found


async def _stored(to: Mapping[str, Database], told: Sequence[Told]) -> set[str]:
    """Of the positions that clients were told, those that are there."""
    asked: dict[str, list[tuple[str, int]]] = {}
    for one in told:
        if one.outcome == "ok" and one.position.count(":") == 2:
            source, stream, version = one.position.split(":")
            asked.setdefault(source, []).append((stream, int(version)))
    stored: set[str] = set()
    for source, positions in asked.items():
        if source in to:
            streams, versions = zip(*positions, strict=True)
            found = await to[source].fetch(_STORED, list(streams), list(versions))
            stored.update(f"{source}:{row[0]}" for row in found)
    return stored


async def _digest(to: Database, chosen: str) -> Digest:
    row = await to.fetchrow(
        f"SELECT count(*), coalesce(sum({_NAME_HASH}), 0)::numeric AS total FROM ({_NAMED.format(chosen=chosen)}) n"
    )
    return Digest(row["count"], int(row["total"]))


async def _model(to: Database, keys: Keys) -> Model:
    there = f"SELECT {keys.key} AS key FROM {keys.model}"
    due = f"SELECT * FROM ({keys.due}) AS due (key)"
    counts: list[int] = []
    examples: list[str] = []
    for wrong in (f"{due} EXCEPT {there}", f"{there} EXCEPT {due}"):
        counts.append(await to.fetchval(f"SELECT count(*) FROM ({wrong}) w"))
        examples += await _column(to, f"SELECT key::text FROM ({wrong} LIMIT 3) w") if counts[-1] else []
    rows: int = await to.fetchval(f"SELECT count(*) FROM {keys.model}")
    return Model(keys.service, keys.model, rows, counts[0], counts[1], examples)


async def _waiting(service: str, to: Database) -> list[Waiting]:
    return [
        Waiting(service, row["consumer"], row["records"], row["reason"], row["example"])
        for row in await to.fetch(_HELD)
    ]


async def _items(kafka: str, to: Mapping[str, Database], place: str) -> Mapping[str, int]:
    if place == "due alerts":
        return await _due_alerts(to["mediation"])
    if place in _HAPPENED:
        service, chosen = _HAPPENED[place]
        found = await to[service].fetch(f"SELECT name, {_NAME_HASH} AS hash FROM ({_NAMED.format(chosen=chosen)}) n")
        return {row["name"]: row["hash"] for row in found}
    kind, source = place.split()
    if kind == "kafka":
        return (await contents_of(kafka, items_of=source)).items
    if kind == "log":
        found = await to[source].fetch(_ITEMS_OF_LOG.format(service=source))
    else:
        found = await to["reporting"].fetch(_ITEMS_OF_COPY, source)
    return {row["name"]: row["hash"] for row in found}


async def _column(to: Database, statement: str) -> list[str]:
    return [row[0] for row in await to.fetch(statement)]
