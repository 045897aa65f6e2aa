"""One seed, run and judged; and what of it a person can read."""

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import stamina
import structlog

from deploy.reconcile import Finding, judge
from services.chassis import consuming, garbage, relay, sole, timers
from services.notifications.deliveries import rows, sender
from services.reporting import public_log
from tests.simulation import course, probing
from tests.simulation.connection import TWINS
from tests.simulation.course import FEWEST_CASES
from tests.simulation.facts import facts_of
from tests.simulation.faults import FEWEST, Faults, Probes
from tests.simulation.scheduler import NothingLeft, Scheduler
from tests.simulation.statements.every import ALL
from tests.simulation.world import Step, World, enter

FEWEST_EVENTS = 40
COLLECT_EVERY = 25

_PACE: Sequence[tuple[Any, str, Any]] = (
    (relay, "SHORTEST_WAIT", 1.0),
    (relay, "LONGEST_WAIT", 5.0),
    (sole, "SHORTEST_WAIT", 1.0),
    (sole, "STANDBY_WAIT", 2.0),
    (timers, "LONGEST_WAIT", 2.0),
    (consuming, "LOOK_AFTER_SECONDS", 5.0),
    (consuming, "CHECK_LOGS_SECONDS", 15.0),
    (public_log, "SHORTEST_WAIT", 0.6),
    (public_log, "LONGEST_WAIT", 5.0),
    (sender, "IDLE_SECONDS", 3.0),
    (rows, "LEASE", timedelta(seconds=30)),
)
"""How often they look although nothing woke them: in a schedule, where no time is lost by waiting, seldom. And how
long a dead sender's messages wait: not until all is over."""


@dataclass(slots=True)
class Verdict:
    """What one schedule came to. `wrong` is empty when it is as it must be."""

    seed: int
    events: int
    cases: int
    acknowledged: int
    """Writes that a client was told of."""
    faults: Counter[str]
    wrong: list[str] = field(default_factory=list[str])

    @property
    def counts(self) -> bool:
        """Whether it is large enough to be called a schedule."""
        few = self.events < FEWEST_EVENTS or self.cases < FEWEST_CASES
        return not few and self.faults.total() >= FEWEST


def prepare() -> None:
    """Once in a process that does nothing else: silence, and no garbage collector that runs when it likes."""
    assert len(TWINS) > len(ALL)
    structlog.configure(wrapper_class=cast("Any", _Silent))
    stamina.instrumentation.set_on_retry_hooks([])
    sys.unraisablehook = lambda _: None  # what dead processes never cleaned up
    for module, name, value in _PACE:
        setattr(module, name, value)
    garbage.collect_after_a_look = lambda: None
    gc.collect()
    gc.freeze()
    gc.disable()


def run(seed: int, probes: Probes, *, calm: bool = False) -> World:
    """The world as it is when all is settled. `calm`: nothing goes wrong, and what is said to databases is kept."""
    if seed % COLLECT_EVERY == 0:
        gc.collect()
    scheduler = Scheduler(seed)
    faults = Faults(scheduler.draw, {}, probes) if calm else Faults.drawn(scheduler.draw, probes)
    world = World(scheduler, faults, probes, scheduler.draw, calm=calm)
    enter(world)
    asyncio.set_event_loop(scheduler)
    try:
        scheduler.run_until_complete(course.run(world))
    except NothingLeft:
        world.defects.append("everybody waits, and nothing will ever happen again")
    return world


def checked(seed: int, probes: Probes, *, twice: bool = True) -> Verdict:
    """Run it, judge it, and run it again if told to: the same seed must do the same."""
    world = run(seed, probes)
    verdict = judged(seed, world)
    if twice and [*traced(world.steps)] != [*traced(run(seed, Probes()).steps)]:
        verdict.wrong.append("the second run of the same seed went another way")
    return verdict


def symptoms(seed: int) -> list[str]:
    """What is wrong with a seed, its second run left out; a service that can't go on at all is a symptom too."""
    try:
        return judged(seed, run(seed, Probes())).wrong
    except Exception as broken:
        return [f"it broke: {broken!r}"]


def judged(seed: int, world: World) -> Verdict:
    told = world.town.told
    verdict = Verdict(
        seed,
        events=sum(database.table("log").rows.get(0, 0) for database in world.databases.values()),
        cases=len({one.key for one in told if one.what == "report"}),
        acknowledged=sum(one.outcome == "ok" for one in told),
        faults=world.faults.struck + world.struck,
        wrong=list(world.defects),
    )
    probing.note(world)
    verdict.wrong += [_said(finding) for finding in judge(facts_of(world)) if not finding.ok]
    return verdict


def traced(steps: Iterable[Step]) -> Iterator[str]:
    """The steps of a world, a line each."""
    for step in steps:
        told = " ".join(map(str, step.told))
        yield f"{step.at:8.3f}  {step.process:18} {step.what:24} {told}"


def _said(finding: Finding) -> str:
    return f"{finding.invariant} {finding.check}: {finding.told}; {' · '.join(finding.differences)}"


class _Silent:
    """A logger that says nothing: a schedule's trace tells more."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __getattr__(self, _name: str) -> Any:
        return self._said

    def _said(self, *_: object, **__: object) -> None:
        pass
