"""Timers: what falls due in a service's streams, as a read model of its own log, and the commands that follow.

The log is the truth: the table can be emptied and filled again from it, and a timer whose command is already known
by its key does nothing. A change of what `set_by` reads out of old events therefore comes with a migration that
deletes the cursor `timers`.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, NamedTuple, cast
from uuid import UUID

from prometheus_client import Counter, Gauge
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis import clock
from services.chassis.commands import Intent, Result, handle_all
from services.chassis.decider import CommandT, Decider, StateT
from services.chassis.eventstore import EVENT_COLUMNS, EventStore, StaleVersion, recorded_of
from services.chassis.passing import passes
from services.chassis.telemetry import log
from services.contracts.envelope import Recorded

WAITING = Gauge("doorstep_timers_waiting", "Timers set and not yet fired, as last counted.", ["service"])
OVERDUE = Gauge("doorstep_timers_overdue_seconds", "How long the first timer has been due; 0: none is.", ["service"])
FIRED = Counter("doorstep_timers_fired_total", "Timers whose command has an outcome.", ["service"])
FAILURES = Counter("doorstep_timers_failures_total", "Times that following or firing failed.", ["service"])

BATCH = 256
"""Timers fired together."""

SPAN = 5_000
"""Positions of the log followed in one transaction."""

SHORTEST_WAIT, LONGEST_WAIT = 0.1, 0.5
LONGEST_RETRY_WAIT = 5.0
COUNT_EVERY = 15.0
ASIDE_SECONDS = 30.0
"""How long the timers of a stream whose command fails by a defect are left, so that the others go on."""

STEP_SECONDS = 30.0
"""Longer than any step here takes; a connection that hangs is given up."""

ACTOR = "doorstep"

# A holder of rows that is gone without a word is ended by the server. The plans must go by index from the start, when
# the tables are empty and nothing is known of them, for they are kept.
SETTINGS = (
    "SELECT set_config('idle_in_transaction_session_timeout', '60s', true), set_config('enable_seqscan', 'off', true),"
    " set_config('jit', 'off', true)"
)
LOOK = (
    "SELECT coalesce((SELECT position FROM cursor WHERE consumer = 'timers'), 0) AS reached, position AS ending,"
    " (SELECT min(due_at) FROM timer) AS next_due, now() AS agreed FROM log"
)
BEGIN = "INSERT INTO cursor (consumer, position) VALUES ('timers', 0) ON CONFLICT DO NOTHING"
LOCK = "SELECT position FROM cursor WHERE consumer = 'timers' FOR UPDATE"
ADVANCE = "UPDATE cursor SET position = $1 WHERE consumer = 'timers'"
_SPAN = f"SELECT {EVENT_COLUMNS} FROM event WHERE position > $1 AND position <= $2"
READ = f"{_SPAN} ORDER BY position"
READ_OF_TYPES = f"{_SPAN} AND type = ANY($3::text[]) ORDER BY position"
CLEAR_ALL = "DELETE FROM timer WHERE stream_id = ANY($1::uuid[])"
CLEAR = (
    "DELETE FROM timer t USING unnest($1::uuid[], $2::text[]) AS c (stream_id, name)"
    " WHERE t.stream_id = c.stream_id AND t.name = c.name"
)
SET = (
    "INSERT INTO timer (stream_id, name, due_at, area, traceparent)"
    " SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[])"
    " ON CONFLICT (stream_id, name) DO UPDATE"
    " SET due_at = excluded.due_at, area = excluded.area, traceparent = excluded.traceparent"
)
CLAIM = (
    "SELECT stream_id, name, due_at, area, traceparent FROM timer WHERE due_at <= $1 AND stream_id <> ALL($2::uuid[])"
    " ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED"
)
GONE = (
    "DELETE FROM timer t USING unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS f (stream_id, name, due_at)"
    " WHERE t.stream_id = f.stream_id AND t.name = f.name AND t.due_at = f.due_at"
)
COUNT = "SELECT count(*) FROM timer"


class Timer(NamedTuple):
    """One clock of a stream; `traceparent` is of the event that set it."""

    stream_id: UUID
    name: str
    due_at: datetime
    area: str
    traceparent: str | None


class Standing(NamedTuple):
    """Up to which position the log was followed, where it ends, when the first timer falls due, and what time the
    database has."""

    reached: int
    ending: int
    next_due: datetime | None
    agreed: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What an event does to its stream's timers: first those named in `clear` end (none: all), then `set` run."""

    clear: Collection[str] | None
    set: Sequence[tuple[str, datetime]] = ()


@dataclass(slots=True)
class Net:
    """What a run of changes comes to: streams without any earlier timer, single timers that end, timers that run."""

    emptied: set[UUID] = field(default_factory=set[UUID])
    ended: set[tuple[UUID, str]] = field(default_factory=set[tuple[UUID, str]])
    running: dict[tuple[UUID, str], Timer] = field(default_factory=dict[tuple[UUID, str], Timer])


def net_of(changes: Iterable[tuple[Recorded, Change]]) -> Net:
    """Many changes, in the order of the log, as one."""
    net = Net()
    by_stream: dict[UUID, set[str]] = {}
    for recorded, change in changes:
        stream = recorded.stream_id
        names = by_stream.setdefault(stream, set())
        if change.clear is None:
            net.emptied.add(stream)
        else:
            net.ended.update((stream, name) for name in change.clear)
        for name in names.copy() if change.clear is None else change.clear:
            net.running.pop((stream, name), None)
            names.discard(name)
        for name, due_at in change.set:
            due_at = clock.within_reach(due_at)  # one date that the table can't hold would stop the clocks of all
            net.running[stream, name] = Timer(stream, name, due_at, recorded.area, recorded.traceparent)
            names.add(name)
    net.ended = {(stream, name) for stream, name in net.ended if stream not in net.emptied} - net.running.keys()
    return net


class Defect(Exception):
    """These timers can't be fired together: at least one of them never can, as things are."""

    def __init__(self, timers: Sequence[Timer]) -> None:
        super().__init__()
        self.timers = timers


class Timers(Generic[CommandT, StateT]):
    """The timers of one service. Any number of processes may run them at once.

    `set_by` says what an event does to the timers of its stream; it sees only events of `types`, if these are given.
    `commands` makes one command for each timer that is due, in the order given, on a connection that sees all areas.
    """

    def __init__(
        self,
        name: str,
        store: EventStore,
        worker: AsyncEngine,
        decider: Decider[CommandT, StateT],
        set_by: Callable[[Recorded], Change | None],
        commands: Callable[[AsyncConnection, Sequence[Timer], datetime], Awaitable[Sequence[CommandT]]],
        *,
        types: Collection[str] | None = None,
    ) -> None:
        self._name = name
        self._store = store
        self._worker = worker
        self._statements = worker.execution_options(isolation_level="AUTOCOMMIT")
        self._decider = decider
        self._set_by = set_by
        self._commands = commands
        self._types = None if types is None else list(types)
        self._next: datetime | None = None
        self._aside: dict[UUID, float] = {}
        self._counted = -COUNT_EVERY
        self._fired = FIRED.labels(store.source)
        self._failures = FAILURES.labels(store.source)
        self._waiting = WAITING.labels(store.source)
        OVERDUE.labels(store.source).set_function(self._overdue)

    async def run(self) -> None:
        """Follow and fire until cancelled; whatever fails is begun anew."""
        appended = self._store.listen()
        retry = SHORTEST_WAIT
        while True:
            appended.clear()
            try:
                await self.fire()
            except Exception as failed:  # a timer outlives every fault
                self._failures.inc()
                log.warning("timers begin anew", timers=self._name, exc_info=failed)
                retry = min(retry * 2, LONGEST_RETRY_WAIT)
                await asyncio.sleep(retry)
                continue
            retry = SHORTEST_WAIT
            wait = self._wait()
            # Appends come by the thousand; looking after each would cost more than it brings.
            await asyncio.sleep(SHORTEST_WAIT)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait - SHORTEST_WAIT):
                    await appended.wait()

    async def follow(self) -> int:
        """Take the log into the table, up to where it ends now; the number of events that it had come to lack.

        An event that `set_by` can't take stops here: what lies behind it may end a timer, so none must fire.
        """
        return await self._follow(await self._look())

    async def _follow(self, standing: Standing) -> int:
        reached, taken = standing.reached, 0
        while reached < standing.ending:
            async with asyncio.timeout(STEP_SECONDS), self._transaction() as connection:
                before, reached = await self._follow_span(connection, standing.ending)
            taken += reached - before
        return taken

    async def fire(self, at: datetime | None = None) -> int:
        """Fire what is due at `at`, none: now, and what that sets for no later; the number of timers fired."""
        fired, most = 0, BATCH
        while True:
            standing = await self._look()
            # Ours, or the database's while that is behind: it dates what is recorded, and a timer must never be early.
            # It was that before the log was looked at: only what is still being written can have ended a timer by
            # then unknown to us, and the decider looks again.
            moment = at or min(clock.now(), standing.agreed)
            if standing.reached < standing.ending:
                await self._follow(standing)
                standing = await self._look()
            self._next = standing.next_due
            if self._next is None or self._next > moment:
                return fired
            try:
                some = await self._fire_some(moment, most)
            except Defect as defect:
                # Fewer at a time until the one at fault is alone.
                if len(defect.timers) == 1:
                    self._set_aside(defect.timers[0], defect.__cause__)
                most = len(defect.timers) // 2 or BATCH
                continue
            if not some:
                return fired
            fired += some

    async def _follow_span(self, connection: AsyncConnection, end: int) -> tuple[int, int]:
        before: int | None = (await connection.exec_driver_sql(LOCK)).scalar_one_or_none()
        if before is None:
            await connection.exec_driver_sql(BEGIN)
            before = cast("int", (await connection.exec_driver_sql(LOCK)).scalar_one())
        upto = max(before, min(before + SPAN, end))
        if self._types is None:
            rows = await connection.exec_driver_sql(READ, (before, upto))
        else:
            rows = await connection.exec_driver_sql(READ_OF_TYPES, (before, upto, self._types))
        events = [recorded_of(self._store.source, row) for row in rows]
        await _write(connection, net_of((e, change) for e in events if (change := self._set_by(e)) is not None))
        await connection.exec_driver_sql(ADVANCE, (upto,))
        return before, upto

    async def _fire_some(self, at: datetime, most: int) -> int:
        """Fire up to `most`. Their rows are held meanwhile, so that nobody else fires them, and go with an outcome.

        A crash before the rows are gone frees them. They fire again, under the same keys, and nothing happens twice.
        """
        async with self._transaction() as connection:
            async with asyncio.timeout(STEP_SECONDS):
                rows = await connection.exec_driver_sql(CLAIM, (at, self._left_aside(), most))
            due = [Timer(*row) for row in rows]
            if not due:
                return 0
            try:
                intents = _intents(due, await self._commands(connection, due, at), at)
                results = await handle_all(self._store, self._decider, intents)
            except Exception as failed:
                if passes(failed):
                    raise
                raise Defect(due) from failed
            done = [timer for timer, result in zip(due, results, strict=True) if self._has_outcome(timer, result)]
            if done:
                columns = zip(*[(timer.stream_id, timer.name, timer.due_at) for timer in done], strict=True)
                async with asyncio.timeout(STEP_SECONDS):
                    await connection.exec_driver_sql(GONE, tuple(map(list, columns)))
        self._fired.inc(len(done))
        return len(done)

    def _has_outcome(self, timer: Timer, result: Result) -> bool:
        """Whether the log knows what came of it: something, nothing, or a refusal."""
        if isinstance(result, StaleVersion):
            return False
        if isinstance(result, DBAPIError):
            self._set_aside(timer, result)
            return False
        return True

    def _set_aside(self, timer: Timer, failed: BaseException | None) -> None:
        self._aside[timer.stream_id] = clock.monotonic() + ASIDE_SECONDS
        self._failures.inc()
        log.error("a timer is set aside", timers=self._name, stream=str(timer.stream_id), exc_info=failed)

    def _left_aside(self) -> list[UUID]:
        now = clock.monotonic()
        self._aside = {stream: until for stream, until in self._aside.items() if until > now}
        return list(self._aside)

    async def _look(self) -> Standing:
        """Where things stand; now and then the gauge is told how many timers there are."""
        async with asyncio.timeout(STEP_SECONDS), self._statements.connect() as connection:
            if clock.monotonic() - self._counted >= COUNT_EVERY:
                self._waiting.set((await connection.exec_driver_sql(COUNT)).scalar_one())
                self._counted = clock.monotonic()
            return Standing(*(await connection.exec_driver_sql(LOOK)).one())

    def _wait(self) -> float:
        """Seconds until it is worth looking again."""
        if self._next is None:
            return LONGEST_WAIT
        return min(max((self._next - clock.now()).total_seconds(), SHORTEST_WAIT), LONGEST_WAIT)

    def _overdue(self) -> float:
        return max(0.0, (clock.now() - self._next).total_seconds()) if self._next else 0.0

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        async with self._worker.begin() as connection:
            await connection.exec_driver_sql(SETTINGS)
            yield connection


def _intents(due: Sequence[Timer], commands: Sequence[CommandT], at: datetime) -> list[Intent[CommandT]]:
    return [
        Intent(
            stream=timer.stream_id,
            command=command,
            key=f"timer:{timer.stream_id}:{timer.name}:{timer.due_at.isoformat()}",
            fingerprint=b"timer",
            actor=ACTOR,
            at=at,
            traceparent=timer.traceparent,
        )
        for timer, command in zip(due, commands, strict=True)
    ]


async def _write(connection: AsyncConnection, net: Net) -> None:
    if net.emptied:
        await connection.exec_driver_sql(CLEAR_ALL, (list(net.emptied),))
    if net.ended:
        await connection.exec_driver_sql(CLEAR, tuple(map(list, zip(*net.ended, strict=True))))
    if net.running:
        rows = [(t.stream_id, t.name, t.due_at, t.area, t.traceparent) for t in net.running.values()]
        await connection.exec_driver_sql(SET, tuple(map(list, zip(*rows, strict=True))))
