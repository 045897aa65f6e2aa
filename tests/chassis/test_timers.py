"""Timers on a real store: set and cleared by the log, fired by the clock, once in effect whatever fails."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.postgres import Dsns
from services.chassis import clock
from services.chassis.commands import Intent, handle, handle_all
from services.chassis.database import engine, scoped
from services.chassis.decider import Decider, Refused
from services.chassis.eventstore import EventStore
from services.chassis.ids import new_id
from services.chassis.timers import Change, Timer, Timers, net_of
from services.contracts.cases import CaseAssigned
from services.contracts.envelope import Recorded
from services.contracts.event import Event, StreamKind
from tests.chassis.events import withdrawn
from tests.clocks import Ahead

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
BEYOND = datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))
MINUTE = timedelta(minutes=1)
DEADLINE = 20.0


def minutes(number: float) -> datetime:
    return AT + number * MINUTE


class AlreadyRung(Refused):
    message: ClassVar[str] = "it rang"


def decide(said: str, heard: tuple[str, ...]) -> Sequence[Event]:
    """A stand-in rule that lets everything happen twice but `once`: an effect too many is seen, not refused."""
    if said == "ring:once" and said in heard:
        raise AlreadyRung
    return [CaseAssigned(owner=said)]


def hear(heard: tuple[str, ...], event: Event) -> tuple[str, ...]:
    assert isinstance(event, CaseAssigned)
    return (*heard, event.owner)


HEARING: Decider[str, tuple[str, ...]] = Decider(StreamKind.CASE, (), decide, hear)


def set_by(recorded: Recorded) -> Change | None:
    """`set:name:minute` sets, `clear:name` ends one, `clear` all; `set:name:beyond` is of no calendar."""
    event = recorded.event()
    assert isinstance(event, CaseAssigned)
    match event.owner.split(":"):
        case ["set", name, "beyond"]:
            return Change((), [(name, BEYOND)])
        case ["set", name, minute]:
            return Change((), [(name, minutes(int(minute)))])
        case ["clear", name]:
            return Change([name])
        case ["clear"]:
            return Change(None)
        case _:
            return None


async def ring(_connection: AsyncConnection, due: Sequence[Timer], _at: datetime) -> Sequence[str]:
    return [f"ring:{timer.name}" for timer in due]


@dataclass(frozen=True, slots=True)
class Office:
    """A store, and timers that ring."""

    store: EventStore
    database: Dsns
    timers: Timers[str, tuple[str, ...]]

    async def say(self, stream: UUID, *said: str) -> None:
        for one in said:
            await handle(
                self.store,
                HEARING,
                Intent(stream, one, uuid4().hex, b"said", "staff", AT, area="/city/d1/", traceparent=None),
            )

    async def say_all(self, streams: Sequence[UUID], said: str) -> None:
        await handle_all(
            self.store,
            HEARING,
            [Intent(stream, said, uuid4().hex, b"said", "staff", AT, area="/city/d1/") for stream in streams],
        )

    async def rung(self, *streams: UUID) -> list[str]:
        """What rang in these streams, in their order."""
        loaded, _ = await self.store.load(streams, [], None)
        return [
            event.owner
            for stream in streams
            for event in loaded[stream].events
            if isinstance(event, CaseAssigned) and event.owner.startswith("ring:")
        ]

    def fired(self) -> float:
        """What the metrics say."""
        return REGISTRY.get_sample_value("doorstep_timers_fired_total", {"service": "chassis"}) or 0.0

    async def waiting(self) -> list[tuple[UUID, str, datetime]]:
        async with self.store.worker.connect() as connection:
            rows = await connection.exec_driver_sql("SELECT stream_id, name, due_at FROM timer ORDER BY due_at, name")
            return [(row.stream_id, row.name, row.due_at) for row in rows]


@asynccontextmanager
async def opened(database: Dsns) -> AsyncGenerator[Office]:
    """One process of the service."""
    application, worker = engine(database.application, "test"), engine(database.worker, "test")
    async with EventStore("chassis", application, worker).open() as store:
        yield Office(store, database, timers_of(store, worker))
    await application.dispose()
    await worker.dispose()


def timers_of(
    store: EventStore,
    worker: AsyncEngine,
    commands: Callable[[AsyncConnection, Sequence[Timer], datetime], Awaitable[Sequence[str]]] = ring,
    decider: Decider[str, tuple[str, ...]] = HEARING,
) -> Timers[str, tuple[str, ...]]:
    return Timers("ringing", store, worker, decider, set_by, commands, types=[CaseAssigned.type])


@pytest.fixture
async def office(chassis_database: Dsns) -> AsyncGenerator[Office]:
    async with opened(chassis_database) as office:
        yield office


async def test_a_timer_fires_when_it_is_due_and_never_before(office: Office) -> None:
    stream = new_id()
    await office.say(stream, "set:done:10")
    assert await office.timers.fire(minutes(10) - timedelta(microseconds=1)) == 0
    assert await office.rung(stream) == []
    assert await office.timers.fire(minutes(10)) == 1
    assert await office.rung(stream) == ["ring:done"]
    assert await office.timers.fire(minutes(11)) == 0
    assert await office.waiting() == []


async def test_a_moved_timer_fires_at_its_new_time_alone(office: Office) -> None:
    stream = new_id()
    await office.say(stream, "set:done:10", "set:done:20")
    assert await office.waiting() == []
    assert await office.timers.follow() == 2
    assert await office.waiting() == [(stream, "done", minutes(20))]
    assert await office.timers.fire(minutes(19)) == 0
    await office.say(stream, "set:done:5")
    assert await office.timers.fire(minutes(19)) == 1
    assert await office.timers.fire(minutes(21)) == 0


async def test_one_is_cleared_or_all_of_a_stream_and_nobody_elses(office: Office) -> None:
    one, other = new_id(), new_id()
    await office.say(one, "set:a:1", "set:b:2", "set:c:3", "clear:b")
    await office.say(other, "set:a:1", "set:b:2")
    await office.timers.follow()
    await office.say(other, "clear", "set:d:4")
    await office.timers.follow()
    assert await office.waiting() == [
        (one, "a", minutes(1)),
        (one, "c", minutes(3)),
        (other, "d", minutes(4)),
    ]


async def test_a_date_that_no_database_can_keep_stops_no_other_stream(office: Office) -> None:
    beyond, other = new_id(), new_id()
    await office.say(beyond, "set:done:beyond")
    await office.say(other, "set:done:10")
    assert await office.timers.fire(minutes(10)) == 1
    assert await office.rung(other) == ["ring:done"]
    assert await office.waiting() == [(beyond, "done", clock.LATEST)]
    await office.say(beyond, "clear:done")
    await office.timers.follow()
    assert await office.waiting() == []


async def test_a_clock_that_is_ahead_fires_nothing_early(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = new_id()
    in_an_hour = (datetime.now(UTC) - AT) // MINUTE + 60
    await office.say(stream, f"set:done:{in_an_hour}", "set:now:0")
    monkeypatch.setattr(clock, "running", Ahead(timedelta(hours=2)))
    running = asyncio.create_task(office.timers.run())
    async with asyncio.timeout(DEADLINE):
        while not await office.rung(stream):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    running.cancel()
    await asyncio.wait([running])
    assert await office.rung(stream) == ["ring:now"]


async def test_a_timer_cleared_behind_the_follower_does_not_fire(office: Office) -> None:
    stream = new_id()
    await office.say(stream, "set:done:10")
    await office.timers.follow()
    await office.say(stream, "clear:done")
    assert await office.timers.fire(minutes(10)) == 0
    assert await office.rung(stream) == []


async def test_what_fell_due_during_an_outage_fires_after_it(chassis_database: Dsns) -> None:
    streams = [new_id() for _ in range(700)]
    async with opened(chassis_database) as before:
        await before.say_all(streams, "set:done:10")
    async with opened(chassis_database) as after:
        assert await after.timers.fire(minutes(10_000)) == 700
        assert await after.rung(*streams) == ["ring:done"] * 700


async def test_two_processes_at_once_fire_each_timer_once(chassis_database: Dsns) -> None:
    streams = [new_id() for _ in range(900)]
    async with opened(chassis_database) as one, opened(chassis_database) as other:
        await one.say_all(streams, "set:done:10")
        await one.timers.follow()
        fired = await asyncio.gather(*(office.timers.fire(minutes(10)) for office in (one, other)))
        assert sum(fired) == 900
        assert await one.rung(*streams) == ["ring:done"] * 900
        assert await one.waiting() == []


class Crash(Exception):
    """The process ends here."""


async def test_a_crash_between_the_command_and_its_row_takes_effect_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [new_id() for _ in range(3)]
    await office.say_all(streams, "set:done:10")

    def crash(_timers: object, _timer: object, _result: object) -> bool:
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(Timers, "_has_outcome", crash)
        with pytest.raises(Crash):
            await office.timers.fire(minutes(10))
    assert await office.rung(*streams) == ["ring:done"] * 3
    assert len(await office.waiting()) == 3
    assert await office.timers.fire(minutes(11)) == 3
    assert await office.rung(*streams) == ["ring:done"] * 3
    assert await office.waiting() == []


async def test_the_table_lost_is_filled_again_and_nothing_happens_twice(office: Office) -> None:
    stream = new_id()
    await office.say(stream, "set:done:10", "set:later:20")
    await office.timers.fire(minutes(10))
    async with office.store.worker.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM timer")
        await connection.exec_driver_sql("UPDATE cursor SET position = 0 WHERE consumer = 'timers'")
    await office.timers.fire(minutes(20))
    assert await office.rung(stream) == ["ring:done", "ring:later"]


async def test_a_refusal_is_an_outcome(office: Office) -> None:
    stream = new_id()
    await office.say(stream, "set:once:10")
    assert await office.timers.fire(minutes(10)) == 1
    await office.say(stream, "set:once:20")
    assert await office.timers.fire(minutes(20)) == 1
    assert await office.rung(stream) == ["ring:once"]
    assert await office.waiting() == []


async def test_several_timers_of_one_stream_fire_in_the_order_they_fell_due(office: Office) -> None:
    stream = new_id()
    await office.say(stream, "set:c:3", "set:a:1", "set:b:2")
    assert await office.timers.fire(minutes(10)) == 3
    assert await office.rung(stream) == ["ring:a", "ring:b", "ring:c"]


async def test_one_that_can_not_be_fired_leaves_the_others_alone_and_is_seen(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [new_id() for _ in range(40)]
    await office.say_all(streams, "set:done:10")

    def faulty(said: str, heard: tuple[str, ...]) -> Sequence[Event]:
        assert heard[0] != "set:broken:5"
        return decide(said, heard)

    broken = new_id()
    await office.say(broken, "set:broken:5")
    timers = timers_of(office.store, office.store.worker, decider=Decider(StreamKind.CASE, (), faulty, hear))
    assert await timers.fire(minutes(10)) == 40
    assert await office.rung(*streams) == ["ring:done"] * 40
    assert await office.waiting() == [(broken, "broken", minutes(5))]
    monkeypatch.setattr(clock, "now", lambda: minutes(10))
    overdue = REGISTRY.get_sample_value("doorstep_timers_overdue_seconds", {"service": "chassis"})
    assert overdue == timedelta(minutes=5).total_seconds()
    assert await office.timers.fire(minutes(10)) == 1


async def test_events_of_other_types_pass_without_being_read(office: Office) -> None:
    await office.say_all([new_id() for _ in range(5)], "set:done:10")
    seen: list[str] = []

    def remember(recorded: Recorded) -> None:
        seen.append(recorded.type)

    timers = Timers("ringing", office.store, office.store.worker, HEARING, remember, ring, types=["case.withdrawn"])
    assert await timers.follow() == 5
    assert seen == []
    assert await timers.follow() == 0


async def test_an_event_that_can_not_be_taken_stops_the_clock_and_is_taken_later(office: Office) -> None:
    stream = new_id()
    await office.say(stream, "set:done:10")
    await office.timers.follow()
    await office.say(stream, "clear:done")

    def failing(_recorded: Recorded) -> Change | None:
        raise Crash

    timers = Timers("ringing", office.store, office.store.worker, HEARING, failing, ring)
    with pytest.raises(Crash):
        await timers.fire(minutes(10))
    assert await office.rung(stream) == []
    assert await office.timers.fire(minutes(10)) == 0
    assert await office.rung(stream) == []


async def test_timers_are_seen_in_scope_alone(office: Office) -> None:
    await office.say(new_id(), "set:done:10")
    await office.timers.follow()
    for areas, seen in ((["/city/d1/"], 1), (["/city/d10/"], 0), ([], 0)):
        async with scoped(office.store.application, areas) as connection:
            assert (await connection.exec_driver_sql("SELECT count(*) FROM timer")).scalar_one() == seen


async def test_running_fires_what_is_set_while_it_runs_and_outlives_a_fault(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: minutes(30))
    failures = 0

    async def failing_once(connection: AsyncConnection, due: Sequence[Timer], at: datetime) -> Sequence[str]:
        nonlocal failures
        if not failures:
            failures += 1
            raise ConnectionResetError
        return await ring(connection, due, at)

    before = office.fired()
    timers = timers_of(office.store, office.store.worker, failing_once)
    appended = office.store.listen()
    running = asyncio.create_task(timers.run())
    try:
        stream = new_id()
        await office.say(stream, "set:done:10", "set:later:31")
        async with asyncio.timeout(DEADLINE):
            while not await office.rung(stream):
                await appended.wait()
                appended.clear()
            while office.fired() == before:  # noqa: ASYNC110 - it is counted when the row is gone, without a word
                await asyncio.sleep(0)
        assert failures == 1
        assert not running.done()
        assert await office.rung(stream) == ["ring:done"]
        assert await office.waiting() == [(stream, "later", minutes(31))]
        assert office.fired() == before + 1
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


NAMES = st.sampled_from(["a", "b", "c"])
STREAMS = st.sampled_from([new_id() for _ in range(3)])
CHANGES = st.lists(
    st.tuples(
        STREAMS,
        st.builds(
            Change,
            st.none() | st.lists(NAMES, max_size=3),
            st.lists(st.tuples(NAMES, st.integers(0, 99).map(minutes)), max_size=3),
        ),
    ),
    max_size=12,
)


@given(CHANGES, CHANGES)
def test_many_changes_at_once_are_the_same_as_each_after_the_other(
    earlier: list[tuple[UUID, Change]], later: list[tuple[UUID, Change]]
) -> None:
    rows: dict[tuple[UUID, str], datetime] = {}
    for stream, change in earlier:
        _apply(rows, stream, change)
    at_once = dict(rows)
    for stream, change in later:
        _apply(rows, stream, change)
    net = net_of((withdrawn(stream, nth), change) for nth, (stream, change) in enumerate(later, 1))
    at_once = {key: due for key, due in at_once.items() if key[0] not in net.emptied and key not in net.ended} | {
        key: timer.due_at for key, timer in net.running.items()
    }
    assert at_once == rows


def _apply(rows: dict[tuple[UUID, str], datetime], stream: UUID, change: Change) -> None:
    for key in list(rows):
        if key[0] == stream and (change.clear is None or key[1] in change.clear):
            del rows[key]
    rows.update({(stream, name): due for name, due in change.set})
