"""One schedule from its seed: a town, four services in processes that die, what goes wrong, and how it heals."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.chassis import clock, ids, relay
from services.chassis.relay import republish
from services.contracts.topics import CASES, DUTY, PATTERNS, REGISTRY, TOPICS
from services.intake.read_models.case_status import StatusRow
from tests.simulation.backlog import behind
from tests.simulation.bus import SESSION_SECONDS, Bus, Producer
from tests.simulation.connection import Engine
from tests.simulation.faults import FEWEST, PLANNED, Faults, Probes
from tests.simulation.letters import Letters
from tests.simulation.people import CITY, LANES, STREET, Ask, Town
from tests.simulation.scheduler import PROCESS, Process, Scheduler
from tests.simulation.services import NAMES, Running, compose
from tests.simulation.tables import Database, Transaction

FEWEST_CASES, MOST_CASES = 5, 6
TROUBLED_SECONDS = 13.0
"""How long things go wrong."""
PEOPLE_SECONDS = 15.0
"""By then nobody begins anything new, whatever became of it."""
HEALED_SECONDS = 60.0
"""By then nothing may be behind (I9)."""

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
            name, process, lambda role: self._engine(name, process, role), self.bus, self.letters, self._intake
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

    def _engine(self, name: str, process: Process, role: str) -> Engine:
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

    # the course of things

    async def run(self) -> None:
        for name in NAMES:
            self.start(name)
        twice = self.draw.choice((*NAMES, None, None, None, None))
        if twice is not None:
            self.start(f"{twice} 2")
        await self.town.settle_in()
        residents = [asyncio.create_task(work) for work in self._residents()]
        staff = [asyncio.create_task(work) for work in self._staff()]
        self.faults.active = True
        trouble = [asyncio.create_task(work) for work in self._trouble()]
        await asyncio.sleep(TROUBLED_SECONDS)
        await asyncio.gather(*trouble)
        self.heal()
        if self.lost_a_log:
            await self._publish_again()
        await asyncio.wait(residents, timeout=PEOPLE_SECONDS)
        self.town.closing = True
        await asyncio.gather(*residents, *staff)
        await self._until_settled()
        self.ending = True
        self.scheduler.stop()  # with this turn: another's, before this task is told done, would not be settled

    def _residents(self) -> list[Coroutine[Any, Any, None]]:
        cases = self.draw.randint(FEWEST_CASES, MOST_CASES)
        return [self.town.resident(self.draw.randint(0, 6)) for _ in range(cases)]

    def _staff(self) -> list[Coroutine[Any, Any, None]]:
        town = self.town
        return [
            town.cadre("lin", (LANES[0],)),
            town.cadre("tao", (LANES[1],)),
            town.cadre("han", (STREET,)),
            town.cadre("sun", (CITY,)),
            town.shifts(),
        ]

    def _trouble(self) -> list[Coroutine[Any, Any, None]]:
        """At least so many faults strike as make a schedule."""
        draw = self.draw
        if self.calm:
            return []
        kinds = [kind for kind in PLANNED if draw.random() < 0.35]
        while len(kinds) < FEWEST:
            kinds.append(draw.choice(PLANNED))
        return [self._strike(kind, TROUBLED_SECONDS * 0.8 * draw.random()) for kind in kinds]

    async def _strike(self, kind: str, at: float) -> None:
        draw = self.draw
        await asyncio.sleep(at)
        if not self.processes:
            return
        place = draw.choice(list(self.processes))
        process = self.processes[place].process
        self.struck[kind] += 1
        self.probes.met(kind)
        self.trace(process, kind)
        match kind:
            case "process killed":
                process.kill()
            case "PostgreSQL killed":
                database = self.databases[place.split()[0]]
                if database.unflushed:
                    self.probes.met("unflushed commits lost")
                database.crash()
                await asyncio.sleep(0.5 + 2 * draw.random())
                database.serving = True
            case "cut from PostgreSQL" | "cut from Kafka":
                cut = (process, kind.removeprefix("cut from "))
                self.cut.add(cut)
                await asyncio.sleep(1 + 9 * draw.random())
                self.cut.discard(cut)
                if cut[1] == "Kafka":
                    self.bus.expel(process)
                    self.bus.readmit(process)
            case "clock jumped":
                process.clock_ahead = timedelta(seconds=draw.uniform(-3, 3))
            case "broker's log lost":
                self.lost_a_log = True
                self.bus.lose(draw.choice((CASES, REGISTRY, DUTY, PATTERNS)))
            case _:
                process.freeze()
                await asyncio.sleep(SESSION_SECONDS * 0.7)
                self.bus.expel(process)
                await asyncio.sleep(SESSION_SECONDS * 0.5)
                process.thaw()
                if process.alive:
                    self.bus.readmit(process)

    def heal(self) -> None:
        """From here on nothing goes wrong any more."""
        self.trace(None, "healed")
        self.faults.active = False
        self.cut.clear()
        for running in list(self.processes.values()):
            running.process.thaw()
            running.process.clock_ahead = timedelta()
        for database in self.databases.values():
            database.serving = True
        for place in NAMES:
            if place not in self.processes:
                self.start(place)

    async def _publish_again(self) -> None:
        """As the operator does, with `doorstep republish`."""
        await asyncio.sleep(1.0)
        for name in NAMES:
            process = Process(f"operator-{name}")
            engine = self._engine(name, process, "worker")
            from services.chassis.eventstore import EventStore

            store = EventStore(name, engine, engine)  # pyright: ignore
            async with engine.connect() as connection:
                await republish(store, connection, "operator")  # pyright: ignore
        self.probes.met("log published again")

    async def _until_settled(self) -> None:
        began = self.scheduler.time()
        while any(self.behind()) and self.scheduler.time() < began + HEALED_SECONDS:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)

    def behind(self) -> Iterator[str]:
        return behind(self.databases, self.processes.values(), self.bus)

    def note_probes(self) -> None:
        """What the services' own logs say was met."""
        met = self.probes.met
        for name, database in self.databases.items():
            for row in database.rows("event"):
                match row.type:
                    case "alert.raised" if '"step"' in row.data:
                        met("alert passed on")
                    case "alert.unanswered":
                        met("alert unanswered")
                    case "case.escalated" if row.actor == "doorstep":
                        met("case escalated by time")
                    case "case.reminded":
                        met("case reminded of")
                    case "case.reopened":
                        met("case reopened")
                    case "case.resolved" if row.actor == "doorstep":
                        met("case merged and answered")
                    case "case.withdrawn":
                        met("report withdrawn")
                    case "case.erased" if name == "intake":
                        met("report erased")
                    case _:
                        pass
        records = [
            (record.topic, record.key, dict(record.headers)["ce_id"])
            for log in self.bus.logs.values()
            for record in log.records
        ]
        if len(set(records)) < len(records):
            met("event published twice")


def _process_of(transaction: Transaction) -> Process | None:
    return transaction.connection.engine.process if transaction.connection is not None else None


async def _caught(work: Awaitable[str]) -> Any:
    """An error is an answer, too."""
    try:
        return await work
    except Exception as error:
        return error


Seam = Callable[[], None]


def enter(world: World) -> None:
    """Put the schedule's clock, chance and bus where production looks for them."""
    from services.chassis import kafka

    clock.running = world
    relay.BLOCK = world.draw.choice(BLOCKS)
    ids.chance = world.scheduler.draw.randbytes
    kafka.producer = world.producer  # pyright: ignore
    random.seed(world.draw.random())
