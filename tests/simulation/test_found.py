"""What schedules found, told in few steps: a consumer over the stand-ins, on a scheduler of its own."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis import clock
from services.chassis.consumer import Consumer
from services.chassis.consuming import LOOK_AFTER_SECONDS, Consumers
from services.chassis.ids import new_id
from services.chassis.taken import Taken
from services.contracts.envelope import Recorded, to_headers
from tests.chassis.events import withdrawn
from tests.simulation.broker import Broker
from tests.simulation.bus import Bus
from tests.simulation.connection import TURN, TWINS, Engine, untraced
from tests.simulation.faults import Faults, Probes
from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.statements.every import ALL
from tests.simulation.tables import Database

TOPIC, NAME = "a-topic", "a-consumer"
PARTITION = (TOPIC, 0)
LIMIT_SECONDS = 120.0


@dataclass
class Stage:
    scheduler: Scheduler = field(default_factory=lambda: Scheduler(1))
    database: Database = field(default_factory=lambda: Database("chassis"))
    process: Process = field(default_factory=lambda: Process("one"))
    taken: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        assert len(TWINS) > len(ALL)
        faults, probes = Faults(self.scheduler.draw, {}, Probes()), Probes()
        self.bus = Bus([TOPIC], faults, probes, untraced)
        worker = Engine(self.process, self.database, "worker", faults, probes, untraced)
        self.consumers = Consumers(
            cast("Any", Broker(self.bus, self.process)),
            [Consumer(NAME, (TOPIC,), self._take)],
            cast("AsyncEngine", worker),
        )

    # as `clock.running`

    def now(self) -> datetime:
        return self.scheduler.wall_clock()

    def monotonic(self) -> float:
        return self.scheduler.time()

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        async def told() -> None:
            async with self.consumers.open():
                await story()

        self.scheduler.run_until_complete(told())
        self.scheduler.close()

    def publish(self, events: Sequence[Recorded]) -> None:
        self.bus.write(PARTITION, [(1, str(one.stream_id).encode(), one.data, to_headers(one)) for one in events])

    def cut_off(self) -> None:
        self.bus.cut.add((self.process, "Kafka"))

    def reconnect(self) -> None:
        self.bus.cut.clear()

    async def has(self, *versions: int) -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            while not Counter(versions) <= Counter(self.taken):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)

    async def _take(self, _connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        self.taken += [one.recorded.version for one in batch]


def four_events() -> list[Recorded]:
    stream = new_id()
    return [withdrawn(stream, version) for version in (1, 2, 3, 4)]


@pytest.fixture
def stage() -> Generator[Stage]:
    staged, before = Stage(), clock.running
    clock.running = staged
    yield staged
    clock.running = before


def test_a_log_made_anew_with_the_same_records_is_read_on(stage: Stage) -> None:
    """Sent back to the end of its log once, and once more when that log came again: no record is missing."""
    events = four_events()

    async def story() -> None:
        stage.publish(events[:3])
        await stage.has(1, 2, 3)
        stage.bus.groups[NAME].committed[PARTITION] = 0
        stage.bus.groups[NAME].rebalance(stage.bus)
        await asyncio.sleep(5.0)
        stage.bus.lose(TOPIC)
        await asyncio.sleep(1.0)
        stage.publish(events[:3])
        await asyncio.sleep(5.0)
        stage.publish(events[3:])
        await stage.has(4)

    stage.play(story)
    assert stage.taken == [1, 2, 3, 4]


@pytest.mark.parametrize("seconds", [3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0])
def test_a_batch_in_hand_while_its_database_loses_commits_stops_nothing(stage: Stage, seconds: float) -> None:
    """Whoever sees it first, the batch or the look into the database, the other one is right too."""
    events = four_events()

    async def story() -> None:
        stage.publish(events[:3])
        await stage.has(1, 2, 3)
        stage.database.crash()
        stage.publish(events[3:])
        await asyncio.sleep(seconds)
        stage.database.serving = True
        await stage.has(4)

    stage.play(story)
    assert stage.taken == [1, 2, 3, 1, 2, 3, 4]


@pytest.mark.parametrize("turns", range(12))
def test_partitions_that_come_again_while_lost_commits_are_noticed_are_sent_back(stage: Stage, turns: int) -> None:
    """The group moves between the look into the database and what follows from it, and no later record tells."""
    group = stage.bus.groups

    async def story() -> None:
        stage.publish(four_events())
        await stage.has(1, 2, 3, 4)
        await stage.consumers.subscriptions[0].positions.show()
        stage.taken.clear()
        stage.database.crash()
        stage.database.serving = True
        await asyncio.sleep(LOOK_AFTER_SECONDS - stage.monotonic())
        for _ in range(turns):
            await TURN
        group[NAME].rebalance(stage.bus)
        await stage.has(1, 2, 3, 4)

    stage.play(story)


def test_a_log_made_anew_that_grew_past_a_consumer_while_it_was_away_is_read_from_its_beginning(stage: Stage) -> None:
    """It goes on where it stood, behind records that it never took, and each look back finds the record taken last."""
    events, others = four_events(), four_events()

    async def story() -> None:
        stage.publish(events[:2])
        await stage.has(1, 2)
        stage.cut_off()
        stage.bus.lose(TOPIC)
        await asyncio.sleep(1.0)
        stage.publish([*others[:2], *events])
        stage.reconnect()
        await stage.has(1, 2, 3, 4, 1, 2)

    stage.play(story)
    assert stage.taken == [1, 2, 3, 4, 1, 2]
