"""What goes wrong while people are at it, when and for how long; and how all of it is healed."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from services.contracts.topics import CASES, DUTY, PATTERNS, REGISTRY
from tests.simulation.bus import SESSION_SECONDS
from tests.simulation.faults import FEWEST, PLANNED
from tests.simulation.services import NAMES
from tests.simulation.world import World

TROUBLED_SECONDS = 13.0
"""How long things go wrong."""


def drawn(world: World) -> list[Coroutine[Any, Any, None]]:
    """At least so many faults strike as make a schedule."""
    draw = world.draw
    if world.calm:
        return []
    kinds = [kind for kind in PLANNED if draw.random() < 0.35]
    while len(kinds) < FEWEST:
        kinds.append(draw.choice(PLANNED))
    return [_strike(world, kind, TROUBLED_SECONDS * 0.8 * draw.random()) for kind in kinds]


async def _strike(world: World, kind: str, at: float) -> None:
    draw = world.draw
    await asyncio.sleep(at)
    if not world.processes:
        return
    place = draw.choice(list(world.processes))
    process = world.processes[place].process
    world.struck[kind] += 1
    world.probes.met(kind)
    world.trace(process, kind)
    match kind:
        case "process killed":
            process.kill()
        case "PostgreSQL killed":
            database = world.databases[place.split()[0]]
            if database.unflushed:
                world.probes.met("unflushed commits lost")
            database.crash()
            await asyncio.sleep(0.5 + 2 * draw.random())
            database.serving = True
        case "cut from PostgreSQL" | "cut from Kafka":
            cut = (process, kind.removeprefix("cut from "))
            world.cut.add(cut)
            await asyncio.sleep(1 + 9 * draw.random())
            world.cut.discard(cut)
            if cut[1] == "Kafka":
                world.bus.expel(process)
                world.bus.readmit(process)
        case "clock jumped":
            process.clock_ahead = timedelta(seconds=draw.uniform(-3, 3))
        case "broker's log lost":
            world.lost_a_log = True
            world.bus.lose(draw.choice((CASES, REGISTRY, DUTY, PATTERNS)))
        case _:
            process.freeze()
            await asyncio.sleep(SESSION_SECONDS * 0.7)
            world.bus.expel(process)
            await asyncio.sleep(SESSION_SECONDS * 0.5)
            process.thaw()
            if process.alive:
                world.bus.readmit(process)


def heal(world: World) -> None:
    """From here on nothing goes wrong any more."""
    world.trace(None, "healed")
    world.faults.active = False
    world.cut.clear()
    for running in list(world.processes.values()):
        running.process.thaw()
        running.process.clock_ahead = timedelta()
    for database in world.databases.values():
        database.serving = True
    for place in NAMES:
        if place not in world.processes:
            world.start(place)
