"""The live line: our own log of alerts and duty, read once in each process for all who listen to it."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.eventstore import EVENT_COLUMNS, EventStore, position_of, recorded_of
from services.chassis.passing import StoreUnavailable
from services.chassis.projections import types_of
from services.chassis.telemetry import log
from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered, AlertWithdrawn
from services.contracts.duty import DutyLeft, DutyTaken
from services.contracts.envelope import Recorded

LISTENERS = Gauge("doorstep_feed_listeners", "Open streams of alerts and duty.")
SLOW = Counter("doorstep_feed_slow_listeners_total", "Streams closed because their reader did not keep up.")
FAILURES = Counter("doorstep_feed_failures_total", "Times that reading the log failed.")
FRESHNESS = Histogram("doorstep_feed_seconds", "From recording an event to offering it to whoever listens.")
AGE = Gauge("doorstep_feed_age_seconds", "Since the log was last read for whoever listens.")

TYPES = types_of(AlertRaised, AlertAcknowledged, AlertUnanswered, AlertWithdrawn, DutyTaken, DutyLeft)

BLOCK = 500
SPAN = 2_000
"""Positions of the log looked through at once for one who comes back."""

MOST_WAITING = 256
"""Events that wait for one listener; with more its stream ends, and it resumes where it was."""
MOST_LISTENERS = 5_000

HEARTBEAT_SECONDS = 15.0
LONGEST_WAIT = 0.25
"""Between looks at the log, for what another process appended."""
LONGEST_RETRY_WAIT = 2.0
STALE_SECONDS = 5.0
"""Unread for so long, the feed gives no sign of life: whoever listens sees that it is not live."""
READ_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Mark:
    """Everything up to `position` that the listener may see was told. `anew`: it can't resume where it was."""

    position: int
    anew: bool = False


@dataclass(slots=True, eq=False)
class _Listener:
    areas: tuple[str, ...]
    upto: int
    waiting: deque[Recorded] = field(default_factory=deque[Recorded])
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def offer(self, events: Sequence[Recorded], upto: int) -> None:
        if self.ended:
            return
        seen = [event for event in events if event.area.startswith(self.areas)]
        if len(self.waiting) + len(seen) > MOST_WAITING:
            SLOW.inc()
            self.end()
            return
        self.waiting.extend(seen)
        self.upto = upto
        if seen:
            self.stirred.set()

    def end(self) -> None:
        self.ended = True
        self.stirred.set()


class Feed:
    """Fans the log out. `run` is a job in the background; `leave` ends every stream."""

    def __init__(self, store: EventStore, application: AsyncEngine, worker: AsyncEngine) -> None:
        self._store = store
        self._application = application
        self._statements = worker.execution_options(isolation_level="AUTOCOMMIT")
        self._listeners: set[_Listener] = set()
        self._position: int | None = None
        self._begun = asyncio.Event()
        self._read_at = monotonic()
        self._leaving = False
        AGE.set_function(lambda: monotonic() - self._read_at)

    async def run(self) -> None:
        """Read until cancelled; whatever fails is begun anew from where it was."""
        appended = self._store.listen()
        retry = LONGEST_WAIT
        while True:
            appended.clear()
            try:
                async with asyncio.timeout(READ_SECONDS):
                    await self._read_on()
            except Exception as failed:  # listeners outlive every fault of the database
                FAILURES.inc()
                log.warning("the live feed reads anew", exc_info=failed)
                await asyncio.sleep(retry)
                retry = min(retry * 2, LONGEST_RETRY_WAIT)
                continue
            retry = LONGEST_WAIT
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_WAIT):
                    await appended.wait()

    def leave(self) -> None:
        """End every stream; no new one begins."""
        self._leaving = True
        self.cut()

    def cut(self) -> None:
        """End every stream that is open; whoever listens comes back and goes on."""
        for listener in self._listeners:
            listener.end()

    async def listen(
        self, areas: Sequence[str], after: int | None, heartbeat: float = HEARTBEAT_SECONDS
    ) -> AsyncGenerator[Recorded | Mark]:
        """The events behind `after` in these areas, each once, in the order of the log; none: from now on.

        Raises:
            StoreUnavailable: the log can't be read just now, or too many listen already.
        """
        listener = await self._join(tuple(areas))
        try:
            began = listener.upto
            anew = False
            if after is not None and after <= began:
                async for missed in self._missed(listener.areas, after, began):
                    yield missed
            elif after is not None:
                # Told by a process that had read further; or the log was restored to a time before.
                anew = after > await self._end()
                began = began if anew else after
            yield Mark(began, anew)
            while True:
                listener.stirred.clear()
                while listener.waiting:
                    event = listener.waiting.popleft()
                    if event.position > began:
                        yield event
                if listener.ended:
                    return
                if not listener.stirred.is_set():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(heartbeat):
                            await listener.stirred.wait()
                if not listener.stirred.is_set() and self.fresh:
                    yield Mark(max(began, listener.upto))
        finally:
            self._listeners.discard(listener)
            LISTENERS.set(len(self._listeners))

    @property
    def listening(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @property
    def fresh(self) -> bool:
        """Whether the log was read a moment ago."""
        return monotonic() - self._read_at < STALE_SECONDS

    async def _join(self, areas: tuple[str, ...]) -> _Listener:
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._begun.wait()
        if self._position is None or self._leaving or len(self._listeners) >= MOST_LISTENERS:
            raise StoreUnavailable
        listener = _Listener(areas, self._position)
        self._listeners.add(listener)
        LISTENERS.set(len(self._listeners))
        return listener

    async def _end(self) -> int:
        async with self._statements.connect() as connection:
            return await position_of(connection)

    async def _read_on(self) -> None:
        async with self._statements.connect() as connection:
            if self._position is None:
                self._position = await position_of(connection)
                self._begun.set()
            while events := await self._store.read(connection, self._position, BLOCK):
                self._offer(events)
        self._read_at = monotonic()

    def _offer(self, events: Sequence[Recorded]) -> None:
        """Without a pause in it, so that who joins has either all of these before or all of them to come."""
        at, upto = now(), events[-1].position
        told = [event for event in events if event.type in TYPES]
        for event in told:
            FRESHNESS.observe((at - event.recorded_at).total_seconds())
        for listener in self._listeners:
            listener.offer(told, upto)
        self._position = upto

    async def _missed(self, areas: tuple[str, ...], after: int, upto: int) -> AsyncGenerator[Recorded]:
        """What lies between, as the database lets these areas see it; read in spans, held by none while they wait."""
        while after < upto:
            end = min(after + SPAN, upto)
            async with scoped(self._application, areas) as connection:
                rows = await connection.exec_driver_sql(
                    f"SELECT {EVENT_COLUMNS} FROM event WHERE position > $1 AND position <= $2"
                    " AND type = ANY ($3::text[]) AND area ^@ ANY ($4::text[]) ORDER BY position",
                    (after, end, sorted(TYPES), list(areas)),
                )
                events = [recorded_of(self._store.source, row) for row in rows]
            for event in events:
                yield event
            after = end
