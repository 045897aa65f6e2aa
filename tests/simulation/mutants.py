"""Bugs planted in production's own code: a run of schedules that does not catch one of them proves nothing."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import clock, inbox, sorting
from services.chassis.consumer import Consumer
from services.chassis.inbox import Tally
from services.chassis.publisher import Block, Parcel, Publisher, SendFailed
from services.chassis.relay import Relay
from services.chassis.sorting import Line, Sorting
from services.chassis.taken import Taken
from services.chassis.timers import Timers
from services.contracts.envelope import Recorded
from services.notifications.deliveries import rows
from services.notifications.deliveries.rows import Claimed, Settled
from services.notifications.deliveries.sender import Sender
from tests.simulation.producer import Producer
from tests.simulation.statements import store
from tests.simulation.tables import Transaction

Planting = Callable[[], Any]


def acknowledge_first() -> Any:
    """A batch is remembered as taken, and only then has its effect."""
    take = inbox.take

    async def forgetful(connection: AsyncConnection, taker: Consumer, runs: Any, *, one_by_one: bool) -> Tally:
        effects: list[Sequence[Taken]] = []

        async def later(_connection: AsyncConnection, batch: Sequence[Taken]) -> None:
            effects.append(batch)

        remembering = replace(taker, models=(), beforehand=None, handle=later)
        tally = await take(connection, remembering, runs, one_by_one=one_by_one)
        await connection.commit()
        for batch in effects:
            await inbox.effects_of(taker, [1] * len(taker.models))(connection, batch)
        return tally

    return patch.object(inbox, "take", forgetful)


def no_duplicate_check() -> Any:
    """What was taken before is taken again."""

    def credulous(self: Sorting, line: Line, recorded: Recorded, record: Any) -> None:
        line.reached = max(line.reached, recorded.version)
        self.taken.append(Taken(recorded))
        self.records.append(record)

    return patch.object(Sorting, "arrive", credulous)


def cursor_past_a_failed_send() -> Any:
    """The relay moves its cursor over what was never acknowledged."""

    async def careless(self: Publisher, block: Block) -> int:
        try:
            return await send(self, block)
        except SendFailed:
            raise SendFailed(block.last) from None

    send = Publisher.send
    return patch.object(Publisher, "send", careless)


@contextmanager
def position_before_its_commit() -> Generator[None]:
    """Positions come from a sequence: a later one may be committed first, and a reader passes over the other."""
    lock = Transaction.lock

    def all_but_the_log(self: Transaction, *key: Any) -> None:
        if key[0] != store.LOG:
            lock(self, *key)

    def sequence(transaction: Transaction) -> int:
        return transaction.database.table("event").highest

    with patch.object(Transaction, "lock", all_but_the_log), patch.object(store, "last_position", sequence):
        yield


def version_without_its_source() -> Any:
    """Events of two services about one case are counted as one stream."""

    def blind(_source: str, stream_id: UUID) -> tuple[str, int]:
        return "", stream_id.int

    return patch.object(sorting, "key_of", blind)


@contextmanager
def goes_on_after_a_failed_send() -> Generator[None]:
    """What follows a failed send goes out before it."""

    async def stubborn(self: Any, partition: TopicPartition, parcels: Iterable[Parcel]) -> int | None:
        failed: int | None = None
        for parcel in parcels:
            parcel.batch.close()
            try:
                sent = await self._producer.send_batch(parcel.batch, partition.topic, partition=partition.partition)
                await sent
            except KafkaError:
                failed = parcel.first if failed is None else failed
        return failed

    async def unaware(self: Any, _connection: Any, to: Publisher, block: Block) -> Block | None:
        try:
            await to.send(block)
        except SendFailed:
            following = await self._following(_connection, to, block.last)
            if following is None:
                raise
            await to.send(following)
            raise
        await self._advance(_connection, block.last)
        return None

    def unspent(self: Producer, _what: str) -> None:
        raise KafkaError

    with (
        patch.object(Publisher, "_send_queue", stubborn),
        patch.object(Relay, "_send", unaware),
        patch.object(Producer, "_fail", unspent),
    ):
        yield


def timer_too_early() -> Any:
    """A timer fires a little before its time."""
    fire = Timers[Any, Any].fire

    async def hasty(self: Timers[Any, Any], at: datetime | None = None) -> int:
        return await fire(self, (at or clock.now()) + timedelta(seconds=2))

    return patch.object(Timers, "fire", hasty)


def end_of_a_message_forgotten() -> Any:
    """What the mail server answered is written once, and if that fails never."""

    async def once(self: Any, row: Claimed, settled: Settled, at: datetime) -> None:
        async with self._worker.begin() as connection:
            await rows.settle(connection, row.delivery_id, settled, at)

    return patch.object(Sender, "_settle", once)


MUTANTS: dict[str, Planting] = {
    "acknowledge first": acknowledge_first,
    "no duplicate check": no_duplicate_check,
    "a cursor past a failed send": cursor_past_a_failed_send,
    "reading past an uncommitted position": position_before_its_commit,
    "a version check that ignores the source": version_without_its_source,
    "a relay that goes on after a failed send": goes_on_after_a_failed_send,
    "a timer that fires early": timer_too_early,
    "a message whose end is forgotten": end_of_a_message_forgotten,
}
