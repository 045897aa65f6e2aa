"""Waits until everything that an import set going has arrived everywhere, and says when each part had."""

import asyncio
import time
from collections.abc import Callable, Mapping

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from deploy.evidence import Lag
from deploy.facts import Places, connected, lags
from services.chassis.history import reader
from services.contracts.topics import PARTITIONS, TOPICS

LOOK_SECONDS = 0.25
PATIENCE = 600.0
"""Seconds in which nothing may stand still for as long."""

Told = Callable[[int], None]
"""Hears how many records are still behind, over all."""


class StillBehind(Exception):
    """Something does not move any more; the message names it."""


async def caught_up(places: Places, told: Told) -> dict[str, float]:
    """For each relay, consumer and read model that was behind the seconds until it had everything.

    Raises:
        StillBehind: nothing moved for a long time.
    """
    began = moved = time.monotonic()
    arrived: dict[str, float] = {}
    waited_for: set[str] = set()
    before: list[Lag] = []
    while True:
        try:
            found = await _look(places)
        except (OSError, asyncpg.PostgresError, KafkaError) as away:
            if time.monotonic() > moved + PATIENCE:
                raise StillBehind(f"could not look: {type(away).__name__}") from None
            await asyncio.sleep(LOOK_SECONDS)
            continue
        now = time.monotonic()
        behind = [lag for lag in found if lag.behind]
        told(sum(lag.behind for lag in behind))
        for name in waited_for:
            arrived.setdefault(name, now - began)
        waited_for = {f"{lag.service}: {lag.what}" for lag in behind}
        for name in waited_for:
            arrived.pop(name, None)
        # Twice in a row: what one has just taken in may be about to become another's work.
        if not behind and before and not any(lag.behind for lag in before):
            return arrived
        moved = now if found != before else moved
        if now > moved + PATIENCE:
            raise StillBehind(", ".join(f"{lag.service}: {lag.what} by {lag.behind:,}" for lag in behind))
        before = found
        await asyncio.sleep(LOOK_SECONDS)


async def _look(places: Places) -> list[Lag]:
    partitions = [TopicPartition(topic, number) for topic in TOPICS for number in range(PARTITIONS)]
    async with connected(places) as to, reader(places.kafka) as kafka:
        ends = await kafka.end_offsets(partitions)
        by_name: Mapping[tuple[str, int], int] = {(tp.topic, tp.partition): end for tp, end in ends.items()}
        return await lags(to, by_name)
