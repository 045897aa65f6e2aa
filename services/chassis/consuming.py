"""Consumers at work: each record takes effect once, however often it comes."""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar, cast

from aiokafka import ConsumerRecord
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import KafkaAckableMessage
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis import held, inbox, kafka, offsets, parked
from services.chassis.clock import monotonic, now
from services.chassis.consumer import Consumer
from services.chassis.held import Partition, Record
from services.chassis.inbox import Tally
from services.chassis.kafka import Reader
from services.chassis.passing import passes
from services.chassis.positions import Positions
from services.chassis.telemetry import log
from services.chassis.tracing import OFF, Tracing, traceparent_of

T = TypeVar("T")
Records = tuple[ConsumerRecord[bytes, bytes], ...]

OUTCOMES = ("taken", "dropped", "held", "parked")
RECORDS = Counter("doorstep_consumer_records_total", "Records by what became of them.", ["consumer", "outcome"])
BATCH_SECONDS = Histogram("doorstep_consumer_batch_seconds", "Time for one batch, commit included.", ["consumer"])
LAG_RECORDS = Gauge("doorstep_consumer_lag_records", "Records not yet taken.", ["consumer"])
LAG_SECONDS = Gauge("doorstep_consumer_lag_seconds", "Age of the oldest record in hand.", ["consumer"])
PARKED = Gauge("doorstep_consumer_parked", "Records that wait for somebody to act.", ["consumer"])
HELD = Gauge("doorstep_consumer_held", "Records that wait for the one before them.", ["consumer"])
STOPPED = Gauge("doorstep_consumer_stopped_partitions", "Partitions that lost records.", ["consumer"])

LARGEST_BATCH = 2_000
WAIT_FOR_BATCH_MS = 10
LOOK_AFTER_SECONDS = 1.0
CHECK_LOGS_SECONDS = 30.0
"""A topic that is recreated and filled between two fetches shows no other sign."""
TRY_AGAIN_AT_ONCE = 500
LONGEST_BACK_OFF = 2.0


class Consumers:
    """A service's consumers, each on its own: one that waits keeps no other waiting."""

    def __init__(
        self, broker: KafkaBroker, consumers: Iterable[Consumer], worker: AsyncEngine, tracing: Tracing = OFF
    ) -> None:
        self._broker = broker
        self.subscriptions = [Subscription(broker, consumer, worker, tracing) for consumer in consumers]
        self.tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Consumers"]:
        """Consume for as long as the block lasts, from whenever Kafka can be reached."""
        await self._broker.connect()
        self.tasks = [
            asyncio.create_task(subscription.run(), name=f"consumer {subscription.consumer.name}")
            for subscription in self.subscriptions
        ]
        try:
            yield self
        finally:
            for subscription in self.subscriptions:
                subscription.stopping.set()
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await self._broker.stop()

    def lag(self, name: str) -> int | None:
        """Records that this consumer has not taken yet; none when that can't be known here."""
        for subscription in self.subscriptions:
            if subscription.consumer.name == name:
                return subscription.lag()
        return None

    async def unready(self) -> list[str]:
        """What keeps consumers from their work."""
        waiting = [f"consumer {s.consumer.name}" for s in self.subscriptions if not s.joined]
        lost = [
            f"consumer {s.consumer.name}: {topic} {number} lost records"
            for s in self.subscriptions
            for topic, number in s.positions.stopped
        ]
        return waiting + lost


class Subscription:
    """One consumer at work in this process."""

    def __init__(self, broker: KafkaBroker, consumer: Consumer, worker: AsyncEngine, tracing: Tracing = OFF) -> None:
        self.consumer = consumer
        self.joined = False
        self.stopping = asyncio.Event()
        self.positions = Positions(
            consumer.name, worker, reader=lambda: self._reader, builder=lambda: self._subscriber.builder
        )
        self._tracing = tracing
        self._worker = worker
        self._records = {outcome: RECORDS.labels(consumer.name, outcome) for outcome in OUTCOMES}
        self._batch_seconds = BATCH_SECONDS.labels(consumer.name)
        self._oldest_in_hand: int | None = None
        self._subscriber = broker.subscriber(
            *consumer.topics,
            group_id=consumer.name,
            batch=True,
            max_records=LARGEST_BATCH,
            batch_timeout_ms=WAIT_FOR_BATCH_MS,
            auto_offset_reset="earliest",
            listener=self.positions,
            parser=self._unread,
            decoder=_undecoded,
        )
        self._subscriber(self._on_batch)

    async def run(self) -> None:
        """Join the group as soon as Kafka answers, then look after what no batch does."""
        self.joined = await self._insist(self._join, "consumer waits for Kafka")
        await self._insist(self._ask_for_parked, "consumer waits for the database")
        check_at = monotonic() + CHECK_LOGS_SECONDS
        # Not only cancelled: aiokafka, on Python 3.11, can swallow a cancellation while it connects.
        while not self.stopping.is_set():
            try:
                await self.positions.go_to_where_we_stand(LOOK_AFTER_SECONDS)
                await self._look_after()
                if monotonic() >= check_at:
                    await self.positions.check_all()
                    check_at = monotonic() + CHECK_LOGS_SECONDS
            except Exception as fault:  # nothing of this may end the task: it tries again
                log.warning("consumer could not be looked after", consumer=self.consumer.name, exc_info=fault)
            await asyncio.sleep(LOOK_AFTER_SECONDS)

    def lag(self) -> int | None:
        """Records not yet taken from the partitions assigned here; none while that is not known."""
        if self._subscriber.consumer is None or not self.joined:
            return None
        return self.positions.lag()

    async def _unread(self, batch: Records) -> KafkaMessage:
        """FastStream's own parser reads headers as text, and a batch with one that is not would be lost."""
        assert self._subscriber.consumer is not None
        return KafkaAckableMessage(raw_message=batch, body=b"", consumer=self._subscriber.consumer)

    async def _on_batch(self, message: KafkaMessage) -> None:
        """Take a batch. Never raises: FastStream would go on, and the next acknowledgement would cover this batch."""
        batch = cast("Records", message.raw_message)
        self._oldest_in_hand = min(record.timestamp for record in batch)
        began = monotonic()
        ready: dict[Partition, Sequence[Record]] = {}

        async def choose() -> None:
            async with self.positions.turn:
                ready.update(await self.positions.next_of(batch))

        async def take() -> None:
            async with self.positions.turn:
                if self._tracing.on and (causes := _causes(ready)):
                    with self._tracing.batch(f"take {self.consumer.name}", causes, "consumer"):
                        await self._take(ready)
                else:
                    await self._take(ready)

        # Two steps: choosing seeks in the partitions it leaves out, and must not do so again with the same batch.
        done = await self._insist(choose, "batch waits") and (not ready or await self._insist(take, "batch waits"))
        if not done:
            return
        self._oldest_in_hand = None
        self._batch_seconds.observe(monotonic() - began)

    async def _insist(self, work: Callable[[], Awaitable[None]], waiting: str) -> bool:
        """Do it, again and again until it succeeds; false when told to stop before."""
        delay = 0.05
        while not self.stopping.is_set():
            try:
                await work()
            except Exception as fault:  # an error here must not end the consumer, whatever it is
                log.warning(waiting, consumer=self.consumer.name, exc_info=fault)
            else:
                return True
            try:
                await asyncio.wait_for(self.stopping.wait(), delay)
            except TimeoutError:
                delay = min(2 * delay, LONGEST_BACK_OFF)
        return False

    async def _join(self) -> None:
        try:
            await self._subscriber.start()
        except Exception:
            await self._subscriber.stop()
            raise
        assert self._subscriber.consumer is not None
        kafka.wait_for_records(self._subscriber.consumer)

    async def _take(self, ready: Mapping[Partition, Sequence[Record]]) -> None:
        generation = self.positions.generation
        tally = await self._in_transaction(
            lambda connection, one_by_one: inbox.take(connection, self.consumer, ready, one_by_one=one_by_one)
        )
        self._count(tally)
        self.consumer.committed()
        self.positions.took(tally, ready, generation)

    async def _in_transaction(self, work: Callable[[AsyncConnection, bool], Awaitable[T]]) -> T:
        """All at once; if that fails for good, again so that each fault stops only its stream."""
        try:
            async with self._worker.begin() as connection:
                return await work(connection, False)
        except Exception as fault:  # whatever a handler raises
            if passes(fault):
                raise
            log.warning("batch is taken stream by stream", consumer=self.consumer.name, exc_info=fault)
        async with self._worker.begin() as connection:
            return await work(connection, True)

    async def _look_after(self) -> None:
        """What no batch does: gauges, records that are to be tried again, partitions that may go on."""
        await self.positions.show()
        name = self.consumer.name
        lag, oldest = self.lag(), self._oldest_in_hand
        LAG_RECORDS.labels(name).set(math.nan if lag is None else lag)
        LAG_SECONDS.labels(name).set(0.0 if oldest is None else max(now().timestamp() - oldest / 1000, 0.0))
        STOPPED.labels(name).set(len(self.positions.stopped))
        stood = self.positions.taken_from()
        async with self._worker.connect() as connection:
            census = await held.census(connection, name)
            standings = await offsets.standings(connection, name)
        self.positions.compare(stood, standings)
        PARKED.labels(name).set(census.parked)
        HELD.labels(name).set(census.early)
        asked = census.asked
        if census.parked:
            async with self._worker.begin() as connection:
                asked += await parked.replay_readable(connection, name)
        if asked:
            await self._try_again()
        self.positions.go_on()

    async def _try_again(self) -> None:
        while True:
            async with self._worker.begin() as connection:
                asked = await held.asked_again(connection, self.consumer.name, TRY_AGAIN_AT_ONCE)
            if not asked.ids:
                return
            tally = await self._in_transaction(
                lambda connection, one_by_one, asked=asked: inbox.take_again(
                    connection, self.consumer, asked, one_by_one=one_by_one
                )
            )
            self._count(tally)
            self.consumer.committed()

    async def _ask_for_parked(self) -> None:
        async with self._worker.begin() as connection:
            await parked.replay(connection, self.consumer.name)

    @property
    def _reader(self) -> Reader:
        assert self._subscriber.consumer is not None
        return cast("Reader", self._subscriber.consumer)

    def _count(self, tally: Tally) -> None:
        waiting_for_somebody = [one for one in tally.kept if one.reason is not None]
        held_back = len(tally.kept) - len(waiting_for_somebody)
        numbers = (tally.taken, tally.dropped, held_back, len(waiting_for_somebody))
        for outcome, number in zip(OUTCOMES, numbers, strict=True):
            if number:
                self._records[outcome].inc(number)
        for one in waiting_for_somebody:
            where = self.positions.told((one.record.topic, one.record.partition), one.record.offset)
            log.warning("event parked", reason=one.reason, identity=str(one.identity), **where)


def _causes(ready: Mapping[Partition, Sequence[Record]]) -> list[str]:
    return [cause for run in ready.values() for record in run if (cause := traceparent_of(record.headers))]


async def _undecoded(message: KafkaMessage) -> KafkaMessage:
    """The handler is given the message itself."""
    return message
