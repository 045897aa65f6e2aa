"""The relay: a service's log onto Kafka, in order, each event at least once."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from prometheus_client import Counter, Gauge
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis import clock
from services.chassis.eventstore import EventStore
from services.chassis.publisher import Block, Publisher, SendFailed, publisher
from services.chassis.sole import STATEMENT_SECONDS, again_and_again, holding
from services.chassis.telemetry import log

AGE = Gauge("doorstep_relay_age_seconds", "Age of the oldest event not yet on Kafka; 0: none.", ["service"])
PUBLISHED = Counter("doorstep_relay_published_total", "Events that Kafka acknowledged.", ["service"])
FAILURES = Counter("doorstep_relay_failures_total", "Times the relay had to begin anew.", ["service"])

BLOCK = 2000
"""Events sent together at most; behind a full block the next is read and encoded while it is on its way."""

SHORTEST_WAIT, LONGEST_WAIT = 0.02, 0.25

CURSOR = "SELECT position FROM cursor WHERE consumer = 'relay'"
LOCK = "SELECT pg_try_advisory_lock(hashtextextended('doorstep.relay', 0))"
ADVANCE = (
    "INSERT INTO cursor AS c (consumer, position) VALUES ('relay', $1)"
    " ON CONFLICT (consumer) DO UPDATE SET position = excluded.position WHERE c.position < excluded.position"
)


class Relay:
    """One in each process; of all processes of a service, the one that holds the lock publishes.

    Two at once, as when a holder is thought dead and is not, only publish twice: each sends an event after every
    earlier one of its partition was acknowledged to it or lay behind the cursor.
    """

    def __init__(self, store: EventStore, worker: AsyncEngine, bootstrap: str) -> None:
        self._store = store
        self._worker = worker
        self._bootstrap = bootstrap
        self._oldest: datetime | None = None
        self._published = PUBLISHED.labels(store.source)
        self._failures = FAILURES.labels(store.source)
        AGE.labels(store.source).set_function(self._age)

    async def run(self) -> None:
        """Publish until cancelled; whatever fails is begun anew from the cursor."""
        await again_and_again(self._hold_and_publish, self._failed)

    def _failed(self, fault: Exception) -> None:
        _end_if_cancelled()
        self._failures.inc()
        # From now on something may wait that it can't see.
        self._oldest = self._oldest or clock.now()
        log.warning("relay begins anew", exc_info=fault)

    def _leave_it_to_another(self) -> None:
        self._oldest = None

    async def _hold_and_publish(self) -> None:
        async with holding(self._worker, LOCK, self._leave_it_to_another) as connection:
            position = await cursor(connection)
            unpublished = await self._store.read(connection, position, 1)
            self._oldest = unpublished[0].recorded_at if unpublished else None
            async with publisher(self._bootstrap, f"{self._store.source}-relay") as to:
                while True:
                    block = await self._wait_for_more(connection, to, position)
                    while block:
                        position = block.last
                        block = await self._send(connection, to, block)

    async def _send(self, connection: AsyncConnection, to: Publisher, block: Block) -> Block | None:
        """Send a block and move the cursor; behind a full one make the next one ready meanwhile, which is returned."""
        self._oldest = block.oldest
        sending = asyncio.create_task(self._send_traced(to, block) if block.causes else to.send(block))
        following = None
        try:
            if block.count == BLOCK:
                following = await self._following(connection, to, block.last)
            await sending
        except SendFailed as failed:
            await self._advance(connection, failed.position)
            raise
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        await self._advance(connection, block.last)
        self._published.inc(block.count)
        self._oldest = following.oldest if following else None
        return following

    async def _send_traced(self, to: Publisher, block: Block) -> int:
        with self._store.tracing.batch("publish", block.causes, "producer"):
            return await to.send(block)

    async def _wait_for_more(self, connection: AsyncConnection, to: Publisher, position: int) -> Block:
        wait = SHORTEST_WAIT
        while True:
            _end_if_cancelled()
            self._store.appended.clear()
            if block := await self._following(connection, to, position):
                return block
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._store.appended.wait()
            wait = min(wait * 2, LONGEST_WAIT)

    async def _following(self, connection: AsyncConnection, to: Publisher, position: int) -> Block | None:
        async with asyncio.timeout(STATEMENT_SECONDS):
            events = await self._store.read(connection, position, BLOCK)
        if not events:
            return None
        block = await to.encode(events)
        if self._store.tracing.on:
            return replace(block, causes=[event.traceparent for event in events if event.traceparent])
        return block

    async def _advance(self, connection: AsyncConnection, position: int) -> None:
        async with asyncio.timeout(STATEMENT_SECONDS):
            await connection.exec_driver_sql(ADVANCE, (position,))

    def _age(self) -> float:
        return max(0.0, (clock.now() - self._oldest).total_seconds()) if self._oldest else 0.0


def _end_if_cancelled() -> None:
    """Python 3.11's `wait_for`, which aiokafka uses, can swallow a cancellation; the task still knows of it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def cursor(connection: AsyncConnection) -> int:
    """The last position of the log that is surely on Kafka."""
    found = await connection.exec_driver_sql(CURSOR)
    return found.scalar_one_or_none() or 0


async def republish(
    store: EventStore,
    connection: AsyncConnection,
    bootstrap: str,
    *,
    after: int = 0,
    upto: int | None = None,
    stream: UUID | None = None,
    told: Callable[[int], None] = lambda _position: None,
) -> int:
    """Publish once more what lies behind `after`, up to `upto` and never past the relay; `told` after each block.

    Returns the number of events sent. Consumers that have them do nothing.

    Raises:
        SendFailed: go on from the position that it names.
    """
    reached = await cursor(connection)
    upto = reached if upto is None else min(upto, reached)
    sent = 0
    async with publisher(bootstrap, f"{store.source}-republish") as to:
        while after < upto:
            events = await (store.read_stream(connection, stream) if stream else store.read(connection, after, BLOCK))
            chosen = [event for event in events if after < event.position <= upto][:BLOCK]
            if not chosen:
                break
            after = await to.send(await to.encode(chosen))
            sent += len(chosen)
            told(after)
    return sent
