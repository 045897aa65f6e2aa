"""A schedule's world: a town, its four services in processes that die and are replaced, and the ways to them."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Coroutine, Iterator
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.chassis import clock, ids, kafka, relay
from services.contracts.topics import TOPICS
from services.intake.read_models.case_status import StatusRow
from tests.simulation.backlog import behind
from tests.simulation.bus import SESSION_SECONDS, Bus
from tests.simulation.connection import Engine
from tests.simulation.faults import Faults, Probes
from tests.simulation.letters import Letters
from tests.simulation.people import Ask, Town
from tests.simulation.producer import Producer
from tests.simulation.scheduler import PROCESS, Process, Scheduler
from tests.simulation.services import NAMES, Running, compose
from tests.simulation.tables import Database, Transaction

BLOCKS = (3, 10, relay.BLOCK)
"""How many events a relay sends together: with few, it reads on while it sends."""

TRUSTED_CLOCKS = 0.4
"""Part of the seeds whose clocks never jump."""


@dataclass(slots=True)
class Step:
    """Something that happened, for the trace."""

    at: float
    process: str
    what: str
    told: tuple[object, ...]


@dataclass(slots=True)
class World:
    scheduler: Scheduler
    faults: Faults
    probes: Probes
    draw: random.Random
    calm: bool = False
    databases: dict[str, Database] = field(default_factory=dict[str, Database])
    processes: dict[str, Running] = field(default_factory=dict[str, Running])
    """By place: `mediation`, and `mediation 2` where a service runs twice."""
    cut: set[tuple[Process, str]] = field(default_factory=set[tuple[Process, str]])
    steps: list[Step] = field(default_factory=list[Step])
    dead: list[Process] = field(default_factory=list[Process])
    started: Counter[str] = field(default_factory=Counter[str])
    struck: Counter[str] = field(default_factory=Counter[str])
    lost_a_log: bool = False
    ending: bool = False
    defects: list[str] = field(default_factory=list[str])
    bus: Bus = field(init=False)
    letters: Letters = field(init=False)
    town: Town = field(init=False)

    def __post_init__(self) -> None:
        self.bus = Bus(TOPICS, self.faults, self.probes, self.trace)
        self.bus.cut = self.cut
        self.letters = Letters(self.faults, self.probes, self.trace)
        for name in NAMES:
            database = self.databases[name] = Database(name)
            database.clock = self.scheduler.wall_clock
            database.script = [] if self.calm else None
        self.town = Town(self.draw, self.reach, self.asked, self._row_of, self._alerts)

    # what everybody is given

    def now(self) -> datetime:
        process = PROCESS.get()
        return self.scheduler.wall_clock() + (process.clock_ahead if process is not None else timedelta())

    def monotonic(self) -> float:
        return self.scheduler.time()

    def trace(self, process: Process | None, what: str, *told: object) -> None:
        self.steps.append(Step(self.scheduler.time(), process.name if process is not None else "world", what, told))

    def producer(self, bootstrap: str, _client_id: str) -> Producer:
        """For the process of that name; none: for the operator."""
        there = next((one.process for one in self.processes.values() if one.process.name == bootstrap), None)
        return Producer(self.bus, there or Process(bootstrap))

    # processes

    def start(self, place: str) -> None:
        name = place.split()[0]
        self.started[place] += 1
        process = Process(f"{place}#{self.started[place]}")
        if self.draw.random() < 0.3 and self.faults.rates.get("clock skewed"):
            process.clock_ahead = timedelta(seconds=self.draw.uniform(-0.5, 0.5))
        running = compose(
            name, process, lambda role: self.engine(name, process, role), self.bus, self.letters, self._intake
        )
        self.processes[place] = running
        process.on_end.append(lambda: self._ended(place, process))
        process.start(self._guarded(running.work()), f"{place} works")
        self.trace(process, "started")

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as defect:  # a service that ends by itself is a finding, not the simulator's failure
            self.defects.append(f"a service ended: {defect!r}")

    def engine(self, name: str, process: Process, role: str) -> Engine:
        engine = Engine(process, self.databases[name], role, self.faults, self.probes, self.trace)
        engine.cut = self.cut
        return engine

    def _ended(self, place: str, process: Process) -> None:
        self.dead.append(process)
        self.trace(process, "ended")
        database = self.databases[place.split()[0]]
        for transaction in list(database.open):
            if _process_of(transaction) is process:
                transaction.abort()
        unsent = {row.delivery_id for row in self.databases["notifications"].rows("delivery") if row.state == "waiting"}
        self.letters.ended(process, unsent)
        self.bus.forget(process)
        self.processes.pop(place, None)
        self.cut.difference_update([(process, "PostgreSQL"), (process, "Kafka")])
        if not self.ending:
            # Not in the dead process, whose tasks have no turn any more.
            self.scheduler.create_task(self._replace(place, process), context=Context())

    async def _replace(self, place: str, process: Process) -> None:
        """Kafka keeps a dead member's partitions until its session ends; the supervisor starts another at once."""
        await asyncio.sleep(0.2 + self.draw.random())
        if place not in self.processes and not self.ending:
            self.start(place)
        await asyncio.sleep(SESSION_SECONDS * self.draw.random())
        self.bus.expel(process)

    def reach(self, name: str) -> Running | None:
        there = [running for place, running in self.processes.items() if place.split()[0] == name]
        there = [running for running in there if not running.process.frozen]
        return self.draw.choice(there) if there else None

    def _intake(self) -> Running | None:
        return self.reach("intake")

    async def asked(self, what: str, key: str, running: Running, ask: Ask) -> str | None:
        """A request and its answer, either of which may be lost."""
        faults = self.faults
        if faults.strikes("request lost"):
            return None
        answer: asyncio.Future[str | None] = self.scheduler.create_future()
        process = running.process
        if not process.alive:
            return None
        task = process.start(_caught(ask(running)), what)
        task.add_done_callback(lambda done: answer.done() or answer.set_result(done.result()))

        def never() -> None:
            if not answer.done():
                answer.set_result(None)

        process.on_end.append(never)
        self.scheduler.call_later(10.0, never)
        told = await answer
        if never in process.on_end:
            process.on_end.remove(never)
        self.trace(process, "answered", what, key, told if isinstance(told, str) else repr(told))
        if faults.strikes("answer lost"):
            return None
        if isinstance(told, BaseException):
            raise told
        return told

    def _row_of(self, case_id: UUID) -> StatusRow | None:
        return self.databases["intake"].table("case_status").rows.get(case_id)

    def _alerts(self) -> list[Any]:
        return self.databases["notifications"].rows("alert_list")

    def behind(self) -> Iterator[str]:
        return behind(self.databases, self.processes.values(), self.bus)


def _process_of(transaction: Transaction) -> Process | None:
    return transaction.connection.engine.process if transaction.connection is not None else None


async def _caught(work: Awaitable[str]) -> Any:
    """An error is an answer, too."""
    try:
        return await work
    except Exception as error:
        return error


def enter(world: World) -> None:
    """Put the schedule's clock, chance and bus where production looks for them."""
    clock.running = world
    relay.BLOCK = world.draw.choice(BLOCKS)
    ids.chance = world.scheduler.draw.randbytes
    kafka.producer = world.producer  # pyright: ignore
    random.seed(world.draw.random())
