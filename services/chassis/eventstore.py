"""The event store of one service: batches in through one function, the log out by position."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import stamina
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis.database import Direct
from services.chassis.decider import Dated
from services.chassis.passing import StoreUnavailable, note_away, passes
from services.chassis.tracing import OFF, Tracing
from services.contracts.envelope import Recorded, decode
from services.contracts.event import Event, StreamKind

LARGEST_EVENT = 64 * 1024
"""Bytes of JSON in one event."""

LARGEST_BATCH = 256
"""Commands in one call of `append`."""


class StaleVersion(Exception):
    """The stream has moved on since the version that the caller saw."""


class KeyReused(Exception):
    """The same idempotency key came with another request; `stream_id` and `version` are what the first one reached."""

    def __init__(self, stream_id: UUID, version: int) -> None:
        super().__init__()
        self.stream_id = stream_id
        self.version = version


class UnfitEvent(ValueError):
    """An event is too large or holds a NUL character: a defect of the edge, which should have refused it."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    type: str
    schema_version: int
    occurred_at: datetime
    data: str

    @staticmethod
    def of(event: Event | Dated, occurred_at: datetime) -> "NewEvent":
        """Encode an event.

        Raises:
            UnfitEvent: over 64 kB, or a NUL character, which PostgreSQL can't keep.
        """
        if isinstance(event, Dated):
            event, occurred_at = event.event, event.occurred_at
        data = event.model_dump_json(exclude_defaults=True)
        if len(data) > LARGEST_EVENT // 4 and len(data.encode()) > LARGEST_EVENT:
            raise UnfitEvent(f"{event.type} is larger than {LARGEST_EVENT} bytes")
        if "\\u0000" in data:
            raise UnfitEvent(f"{event.type} holds a NUL character")
        return NewEvent(event.type, event.schema_version, occurred_at, data)


@dataclass(frozen=True, slots=True)
class Sealed:
    """Particulars as they lie in the database: encrypted under the key `key_id`, opened with `ref` beside it."""

    ref: UUID
    key_id: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Append:
    """One command's outcome on its way into the store. `expected` is the version that was decided upon."""

    stream_id: UUID
    kind: StreamKind
    area: str
    expected: int | None
    key: str
    fingerprint: bytes
    actor: str
    events: Sequence[NewEvent] = ()
    sealed: Sequence[Sealed] = ()
    refusal: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the stream stands after the command; `repeated` when it had been handled before."""

    stream_id: UUID
    version: int
    refusal: str | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """A stream as the caller may see it: `area` is none when there is no such stream in scope."""

    area: str | None
    version: int
    events: Sequence[Event]


Appended = Outcome | StaleVersion | KeyReused | DBAPIError
"""What became of one command."""


@dataclass(slots=True)
class _Call:
    """One call of `append`: what became of its commands so far, and the future of all of it."""

    future: asyncio.Future[list[Appended]]
    outcomes: dict[int, Appended]
    commands: int

    def tell(self, nth: int, outcome: Appended) -> None:
        self.outcomes[nth] = outcome
        if len(self.outcomes) == self.commands and not self.future.done():
            self.future.set_result([self.outcomes[each] for each in range(self.commands)])

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


_Waiting = tuple[Append, _Call, int]
"""A command, the call that brought it, and its place there."""


@dataclass(frozen=True, slots=True)
class KnownCommand:
    fingerprint: bytes
    outcome: Outcome


APPEND = (
    "SELECT * FROM append($1::text[],$2::bytea[],$3::uuid[],$4::text[],$5::text[],$6::integer[],$7::integer[],"
    "$8::text[],$9::text[],$10::text[],"
    "$11::integer[],$12::integer[],$13::text[],$14::smallint[],$15::timestamptz[],$16::text[],"
    "$17::integer[],$18::uuid[],$19::smallint[],$20::bytea[])"
)
LOAD = "SELECT * FROM load($1::text[],$2::text[],$3::uuid[])"
EVENT_COLUMNS = (
    "position, stream_id, version, type, schema_version, area, data::text AS data, occurred_at, recorded_at,"
    " command_key, fingerprint, actor, traceparent"
)
"""In the order that `Recorded` has them."""

AFTER = f"SELECT {EVENT_COLUMNS} FROM event WHERE position > $1 ORDER BY position LIMIT $2"
OF_STREAM = f"SELECT {EVENT_COLUMNS} FROM event WHERE stream_id = $1 ORDER BY version"
POSITION = "SELECT position FROM log"


class EventStore:
    """The one way in and out of a service's log. Appends gather while the call before them runs."""

    def __init__(self, source: str, application: AsyncEngine, worker: AsyncEngine, tracing: Tracing = OFF) -> None:
        self.source = source
        self.tracing = tracing
        self.application = application
        self.worker = worker
        # Each call is one statement: a transaction around it would be two more round trips.
        self._statements = worker.execution_options(isolation_level="AUTOCOMMIT")
        self._scoped_statements = application.execution_options(isolation_level="AUTOCOMMIT")
        self._direct = Direct(worker)
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self.appended = asyncio.Event()
        """Set after every append that stored something; the relay clears it."""
        self._listeners: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["EventStore"]:
        """Run the group committer for as long as the block lasts."""
        committer = asyncio.create_task(self._commit_groups(), name="group-committer")
        self.tasks = [committer]
        try:
            yield self
        finally:
            committer.cancel()
            await asyncio.gather(committer, return_exceptions=True)
            for _, call, _ in self._waiting:
                call.future.cancel()
            await self._direct.close()

    def listen(self) -> asyncio.Event:
        """An event of the caller's own: set after every append that stored something, cleared by the caller."""
        listener = asyncio.Event()
        self._listeners.append(listener)
        return listener

    async def append(self, appends: Iterable[Append]) -> list[Appended]:
        """Store outcomes together with all others that wait, and tell of each in the order given.

        Raises:
            StoreUnavailable: the database can't be reached; repeat with the same keys.
        """
        brought = list(appends)
        if not brought:
            return []
        call = _Call(asyncio.get_running_loop().create_future(), {}, len(brought))
        self._waiting.extend((append, call, nth) for nth, append in enumerate(brought))
        self._arrived.set()
        return await call.future

    async def load(
        self, streams: Sequence[UUID], keys: Sequence[str], scope: Sequence[str] | None
    ) -> tuple[dict[UUID, Loaded], dict[str, KnownCommand]]:
        """Streams and first outcomes of command keys, in one round trip. `scope` none: by the service itself.

        Raises:
            StoreUnavailable: the database can't be reached.
            Unreadable: the log holds an event that this version does not know.
        """
        engine = self._statements if scope is None else self._scoped_statements
        try:
            async with engine.connect() as connection:
                rows = await connection.exec_driver_sql(LOAD, (list(scope or ()), list(keys), list(streams)))
        except Exception as error:
            if passes(error):
                note_away(error)
                raise StoreUnavailable from error
            raise
        known: dict[str, KnownCommand] = {}
        areas: dict[UUID, str] = {}
        events: dict[UUID, list[Event]] = {}
        for stream_id, version, key, fingerprint, refusal, area, type_, schema_version, data in _tuples(rows):
            if key is not None:
                known[key] = KnownCommand(fingerprint, Outcome(stream_id, version, refusal, repeated=True))
            else:
                areas[stream_id] = area
                events.setdefault(stream_id, []).append(decode(type_, schema_version, data))
        loaded = {
            stream: Loaded(areas.get(stream), len(events.get(stream, ())), events.get(stream, ())) for stream in streams
        }
        return loaded, known

    async def read(self, connection: AsyncConnection, after: int, limit: int) -> list[Recorded]:
        """The events behind position `after`, in order, at most `limit`."""
        rows = await connection.exec_driver_sql(AFTER, (after, limit))
        return [recorded_of(self.source, row) for row in rows.all()]

    async def read_stream(self, connection: AsyncConnection, stream_id: UUID) -> list[Recorded]:
        """The events of one stream that the connection may see, in order."""
        rows = await connection.exec_driver_sql(OF_STREAM, (stream_id,))
        return [recorded_of(self.source, row) for row in rows.all()]

    async def _commit_groups(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while group := self._take_group():
                await self._commit(group)

    def _take_group(self) -> list[_Waiting]:
        """The first that wait: one for each key and stream, so that those behind them see what they did."""
        group: list[_Waiting] = []
        passed_over: list[_Waiting] = []
        keys: set[str] = set()
        streams: set[UUID] = set()
        while self._waiting and len(group) < LARGEST_BATCH:
            append, call, _ = waiting = self._waiting.popleft()
            if call.future.done():
                continue
            if append.key in keys or append.stream_id in streams:
                passed_over.append(waiting)
            else:
                group.append(waiting)
            keys.add(append.key)
            streams.add(append.stream_id)
        self._waiting.extendleft(reversed(passed_over))
        return group

    async def _commit(self, group: list[_Waiting]) -> None:
        """Store a group; on a fault in the data store its members one by one, so that only the faulty one fails."""
        try:
            outcomes = await self._call_append([append for append, _, _ in group])
        except Exception as error:  # whoever waits is told, and the committer lives on
            if passes(error):
                note_away(error, commands=len(group))
                for _, call, _ in group:
                    unavailable = StoreUnavailable()
                    unavailable.__cause__ = error
                    call.fail(unavailable)
            elif len(group) > 1:
                for member in group:
                    await self._commit([member])
            else:
                [(_, call, nth)] = group
                call.tell(nth, error) if isinstance(error, DBAPIError) else call.fail(error)
        else:
            for (_, call, nth), outcome in zip(group, outcomes, strict=True):
                call.tell(nth, outcome)
            self.appended.set()
            for listener in self._listeners:
                listener.set()

    async def _call_append(self, appends: Sequence[Append]) -> list[Outcome | StaleVersion | KeyReused]:
        arguments = _columns(appends)
        rows = await self._direct.fetch(APPEND, arguments) or await self._append_again(arguments)
        return [_outcome(*row) for row in rows]

    async def _append_again(self, arguments: tuple[list[object], ...]) -> Sequence[Sequence[Any]]:
        """A call whose answer was lost may have been stored; its keys make the repeat harmless.

        Raises:
            DBAPIError: the data store refuses it, or can't be reached for longer than a caller should wait.
        """
        async for attempt in stamina.retry_context(
            on=passes,
            attempts=6,
            timeout=8.0,
            wait_initial=0.05,
            wait_max=1.0,
        ):
            with attempt:
                async with self._statements.connect() as connection:
                    return _tuples(await connection.exec_driver_sql(APPEND, arguments))
        raise AssertionError("unreachable: the last attempt returns or raises")


async def position_of(connection: AsyncConnection) -> int:
    """The last position of the log."""
    return (await connection.exec_driver_sql(POSITION)).scalar_one()


def recorded_of(source: str, row: Sequence[Any]) -> Recorded:
    """An event row, columns as `EVENT_COLUMNS`, as the envelope that travels."""
    position, stream_id, version, type_, schema_version, area, data, *rest = row
    return Recorded(source, stream_id, version, position, type_, schema_version, area, data.encode(), *rest)


def _tuples(rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    return cast("list[tuple[Any, ...]]", list(rows))


def _outcome(verdict: str, stream_id: UUID, version: int, refusal: str | None) -> Outcome | StaleVersion | KeyReused:
    match verdict:
        case "stale":
            return StaleVersion()
        case "key_reused":
            return KeyReused(stream_id, version)
        case _:
            return Outcome(stream_id, version, refusal, repeated=verdict == "repeated")


def _columns(appends: Sequence[Append]) -> tuple[list[object], ...]:
    commands = [
        (
            a.key,
            a.fingerprint,
            a.stream_id,
            a.kind.value,
            a.area,
            a.expected,
            len(a.events),
            a.refusal,
            a.actor,
            a.traceparent,
        )
        for a in appends
    ]
    events = [
        (nth, ordinal, e.type, e.schema_version, e.occurred_at, e.data)
        for nth, append in enumerate(appends, 1)
        for ordinal, e in enumerate(append.events, 1)
    ]
    sealed = [(nth, s.ref, s.key_id, s.body) for nth, append in enumerate(appends, 1) for s in append.sealed]
    return (*_transposed(commands, 10), *_transposed(events, 6), *_transposed(sealed, 4))


def _transposed(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
