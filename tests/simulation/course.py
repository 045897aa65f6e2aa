"""One schedule's course: people begin, things go wrong, all is healed, and what is behind catches up."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from services.chassis.eventstore import EventStore
from services.chassis.relay import republish
from tests.simulation import troubles
from tests.simulation.people import CITY, LANES, STREET
from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.services import NAMES
from tests.simulation.world import World

FEWEST_CASES, MOST_CASES = 5, 6
PEOPLE_SECONDS = 15.0
"""By then nobody begins anything new, whatever became of it."""
HEALED_SECONDS = 60.0
"""By then nothing may be behind (I9)."""


async def run(world: World) -> None:
    """From the first process's start until all is settled, or may not take longer."""
    for name in NAMES:
        world.start(name)
    twice = world.draw.choice((*NAMES, None, None, None, None))
    if twice is not None:
        world.start(f"{twice} 2")
    await world.town.settle_in()
    residents = [asyncio.create_task(work) for work in _residents(world)]
    staff = [asyncio.create_task(work) for work in _staff(world)]
    world.faults.active = True
    trouble = [asyncio.create_task(work) for work in troubles.drawn(world)]
    await asyncio.sleep(troubles.TROUBLED_SECONDS)
    await asyncio.gather(*trouble)
    troubles.heal(world)
    if world.lost_a_log:
        await _publish_again(world)
    await asyncio.wait(residents, timeout=PEOPLE_SECONDS)
    world.town.closing = True
    await asyncio.gather(*residents, *staff)
    await until_settled(world.scheduler, world.behind)
    world.ending = True
    world.scheduler.stop()  # with this turn: another's, before this task is told done, would not be settled


def _residents(world: World) -> list[Coroutine[Any, Any, None]]:
    cases = world.draw.randint(FEWEST_CASES, MOST_CASES)
    return [world.town.resident(world.draw.randint(0, 6)) for _ in range(cases)]


def _staff(world: World) -> list[Coroutine[Any, Any, None]]:
    town = world.town
    return [
        town.cadre("lin", (LANES[0],)),
        town.cadre("tao", (LANES[1],)),
        town.cadre("han", (STREET,)),
        town.cadre("sun", (CITY,)),
        town.shifts(),
    ]


async def _publish_again(world: World) -> None:
    """As the operator does, with `doorstep republish`."""
    await asyncio.sleep(1.0)
    for name in NAMES:
        process = Process(f"operator-{name}")
        engine: Any = world.engine(name, process, "worker")
        store = EventStore(name, engine, engine)
        async with engine.connect() as connection:
            await republish(store, connection, "operator")
    world.probes.met("log published again")


async def until_settled(scheduler: Scheduler, behind: Callable[[], Iterable[str]]) -> None:
    """Where reminders fall due without end there is no moment in which nothing is behind: then the day stands still."""
    began = scheduler.time()
    scheduler.day_ends = began + HEALED_SECONDS / 2
    while any(behind()) and scheduler.time() < began + HEALED_SECONDS:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.05)
