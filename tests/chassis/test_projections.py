"""Read models on real PostgreSQL and Kafka: current, seen in scope only, and equal to one made anew."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, Protocol, cast
from uuid import UUID, uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Dsns
from services.chassis import batch, parked
from services.chassis.consumer import Consumer
from services.chassis.consuming import Consumers
from services.chassis.database import engine, scoped
from services.chassis.generations import ensure
from services.chassis.history import HistoryIncomplete, KafkaHistory, Ordered
from services.chassis.kafka import broker, producer
from services.chassis.projections import MisshapenModel, ReadModel, RebuildDue, concerned, fold, project
from services.chassis.rebuild import AlreadyRebuilding, NotInstalled, rebuild, verify
from services.chassis.taken import Taken
from services.contracts.cases import CaseErased
from services.contracts.envelope import Headers, Recorded, to_headers
from services.contracts.event import Event
from tests.chassis.events import record
from tests.chassis.visits import VISIT_TABLE, VISITS, Visit, of_intake, of_mediation, recorded

PARTITIONS = 3
DEADLINE = 30.0


@pytest.fixture
async def owner(chassis_database: Dsns) -> AsyncGenerator[AsyncEngine]:
    pool = engine(chassis_database.owner, "test")
    async with pool.begin() as connection:
        assert await ensure(connection, "chassis", [VISITS]) == []
    yield pool
    await pool.dispose()


@pytest.fixture
async def worker(chassis_database: Dsns) -> AsyncGenerator[AsyncEngine]:
    pool = engine(chassis_database.worker, "test")
    yield pool
    await pool.dispose()


@pytest.fixture
async def application(chassis_database: Dsns) -> AsyncGenerator[AsyncEngine]:
    pool = engine(chassis_database.application, "test")
    yield pool
    await pool.dispose()


async def projected(worker: AsyncEngine, *events: Recorded) -> None:
    async with worker.begin() as connection:
        await project(connection, VISITS, [Taken(event) for event in events])


async def visits(pool: AsyncEngine) -> dict[UUID, Visit]:
    async with pool.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT * FROM visit")
        return {row.case_id: Visit(*row) for row in rows}


# What a batch does.


async def test_a_batch_is_folded_into_its_rows(owner: AsyncEngine, worker: AsyncEngine) -> None:
    first, second, other = uuid4(), uuid4(), uuid4()
    await projected(worker, of_intake(first, 1), of_mediation(first, 1), of_intake(second, 1), of_intake(other, 1))
    await projected(worker, of_mediation(first, 2), of_intake(first, 2), of_intake(first, 3))
    await projected(worker, recorded("intake", other, 2, CaseErased()))
    expected = fold(
        VISITS,
        {},
        concerned(
            VISITS,
            [
                Taken(event)
                for event in (
                    *(of_intake(first, version) for version in (1, 2, 3)),
                    *(of_mediation(first, version) for version in (1, 2)),
                    of_intake(second, 1),
                )
            ],
        ),
    )
    assert await visits(worker) == expected
    assert expected[first] == Visit(first, "/lakeside/", 2, 2, "cadre-1", expected[first].resolved_on)


async def test_rows_are_seen_in_scope_only(owner: AsyncEngine, worker: AsyncEngine, application: AsyncEngine) -> None:
    east, west = uuid4(), uuid4()
    await projected(worker, of_intake(east, 1, "/city/d1/"), of_intake(west, 1, "/city/d10/"))

    async def seen(*areas: str) -> set[UUID]:
        async with scoped(application, areas) as connection:
            rows = await connection.exec_driver_sql("SELECT case_id FROM visit")
            return set(rows.scalars())

    assert await seen("/city/d1/") == {east}
    assert await seen("/city/") == {east, west}
    assert await visits(application) == {}
    with pytest.raises(DBAPIError):
        async with scoped(application, ["/city/"]) as connection:
            await connection.exec_driver_sql("DELETE FROM visit_1")


async def test_an_event_type_that_a_model_does_not_fold_is_never_decoded(
    owner: AsyncEngine, worker: AsyncEngine
) -> None:
    await projected(worker, of_intake(uuid4(), 1)._replace(type="case.amended", data=b"{broken"))
    assert await visits(worker) == {}


# Installing.


async def test_another_version_waits_for_its_rebuild(owner: AsyncEngine, worker: AsyncEngine) -> None:
    newer = replace(VISITS, version=2)
    async with owner.begin() as connection:
        assert await ensure(connection, "chassis", [newer]) == ["visit"]
    async with worker.begin() as connection:
        with pytest.raises(RebuildDue):
            await project(connection, newer, [Taken(of_intake(uuid4(), 1))])


async def test_a_model_that_comes_after_its_history_waits_for_its_rebuild(chassis_database: Dsns) -> None:
    pool = engine(chassis_database.owner, "test")
    async with pool.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO progress (consumer, source, stream_id, version) VALUES ('c', 'intake', $1, 1)", (uuid4(),)
        )
        assert await ensure(connection, "chassis", [VISITS]) == ["visit"]
        with pytest.raises(RebuildDue):
            await project(connection, VISITS, [])
    await pool.dispose()


def test_a_misshapen_model_is_refused() -> None:
    def table(*columns: "Column[Any]") -> Table:
        return Table("visit", MetaData(), *columns)

    key = Column("case_id", Uuid, primary_key=True)
    with pytest.raises(MisshapenModel, match="fields"):
        replace(VISITS, table=table(key, Column("area", Text)))
    with pytest.raises(MisshapenModel, match="called"):
        replace(VISITS, name="visits")
    with pytest.raises(MisshapenModel, match="primary key"):
        replace(COUNTS, table=table(Column("case_id", Integer, primary_key=True), Column("events", Integer)))


# Rebuilding.


class Sender(Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def send_and_wait(self, topic: str, *, key: bytes, value: bytes, headers: Headers) -> object: ...


class Live:
    """A topic of the test's own, and a consumer that keeps the read model current from it."""

    def __init__(self, kafka: str, worker: AsyncEngine, sender: Sender) -> None:
        self.topic = f"test.{token_hex(4)}"
        self.name = f"live-{token_hex(4)}"
        self.kafka = kafka
        self.worker = worker
        self._sender = sender
        self.published = 0

    async def publish(self, *events: Recorded) -> None:
        for event in events:
            await self._sender.send_and_wait(
                self.topic, key=str(event.stream_id).encode(), value=event.data, headers=to_headers(event)
            )
        self.published += len(events)

    def history(self) -> KafkaHistory:
        return KafkaHistory(self.kafka, self.name)

    @asynccontextmanager
    async def consuming(self) -> AsyncGenerator[None]:
        consumer = Consumer(self.name, (self.topic,), models=[VISITS])
        async with Consumers(broker(self.kafka, "test"), [consumer], self.worker).open():
            yield

    async def taken(self) -> int:
        """How many records the consumer is past."""
        async with self.worker.connect() as connection:
            found = await connection.exec_driver_sql(
                "SELECT coalesce(sum(next_offset), 0) FROM consumer_offset WHERE consumer = $1", (self.name,)
            )
            return int(found.scalar_one())

    async def all_taken(self) -> bool:
        return await self.taken() >= self.published


@pytest.fixture
async def live(kafka: str, worker: AsyncEngine) -> AsyncGenerator[Live]:
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    sender = cast("Sender", producer(kafka, "test"))
    await sender.start()
    live = Live(kafka, worker, sender)
    await admin.create_topics([NewTopic(live.topic, PARTITIONS, 1)])
    yield live
    await sender.stop()
    await admin.delete_topics([live.topic])
    await admin.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():  # noqa: ASYNC110 - what is waited for lies in other processes
            await asyncio.sleep(0.02)


async def tables(owner: AsyncEngine) -> set[str]:
    async with owner.connect() as connection:
        found = await connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relname ~ '^visit_[0-9]+$'")
        return set(found.scalars())


async def test_a_rebuild_while_events_keep_coming(
    owner: AsyncEngine, worker: AsyncEngine, application: AsyncEngine, live: Live
) -> None:
    streams = [uuid4() for _ in range(60)]
    done = asyncio.Event()
    answers: list[int] = []

    async def keep_coming() -> None:
        version = 2
        while not done.is_set():
            version += 1
            for stream in streams[:20]:
                await live.publish(of_intake(stream, version), of_mediation(stream, version))
            await live.publish(*(of_mediation(stream, 1) for stream in (uuid4(), uuid4())))

    async def keep_asking() -> None:
        while not done.is_set():
            async with scoped(application, ["/lakeside/"]) as connection:
                found = await connection.exec_driver_sql("SELECT count(*) FROM visit")
                answers.append(found.scalar_one())

    for version in (1, 2):
        for stream in streams:
            await live.publish(of_intake(stream, version), of_mediation(stream, version))
    async with live.consuming():
        await until(live.all_taken)
        background = [asyncio.create_task(keep_coming()), asyncio.create_task(keep_asking())]
        try:
            for generation in (2, 3):
                rebuilt = await rebuild(owner, "chassis", VISITS, live.history())
                assert rebuilt.generation == generation
                assert rebuilt.events > 240
                assert await tables(owner) == {f"visit_{generation}"}
                verified = await verify(owner, "chassis", VISITS, live.history())
                assert verified.equal, verified
                assert verified.live.rows >= len(streams)
        finally:
            done.set()
            await asyncio.gather(*background)
        await until(live.all_taken)
    verified = await verify(owner, "chassis", VISITS, live.history())
    assert verified.equal, verified
    assert answers == sorted(answers)
    assert answers[0] >= len(streams), "a query saw a table that was not filled"
    assert verified.live.rows > len(streams), "nothing came meanwhile"


async def test_a_batch_of_the_next_version_waits_for_the_switch_to_it(owner: AsyncEngine, worker: AsyncEngine) -> None:
    newer = replace(VISITS, version=VISITS.version + 1)
    switched = "UPDATE read_model SET version = version + 1, generation = 2 WHERE name = $1"
    async with worker.connect() as connection:
        with pytest.raises(RebuildDue):
            await batch.begin(connection, "a-consumer", [], [], [newer])
        await connection.rollback()
        async with owner.begin() as switching:
            await switching.exec_driver_sql(switched, (VISITS.name,))
            begun = asyncio.create_task(batch.begin(connection, "a-consumer", [], [], [newer]))
            done, _ = await asyncio.wait([begun], timeout=0.3)
            assert not done
        assert (await begun).generations == [2]


async def test_verify_finds_one_changed_row_one_missing_and_one_too_many(owner: AsyncEngine, live: Live) -> None:
    streams = [uuid4() for _ in range(30)]
    await live.publish(*(of_intake(stream, 1) for stream in streams))
    async with live.consuming():
        await until(live.all_taken)
    verified = await verify(owner, "chassis", VISITS, live.history())
    assert verified.equal
    assert verified.live.rows == 30
    invented = uuid4()
    async with owner.begin() as connection:
        await connection.exec_driver_sql("UPDATE visit_1 SET owner = 'x' WHERE case_id = $1", (streams[3],))
        await connection.exec_driver_sql("DELETE FROM visit_1 WHERE case_id = $1", (streams[7],))
        await connection.exec_driver_sql("INSERT INTO visit_1 VALUES ($1, '/lakeside/', 1)", (invented,))
    verified = await verify(owner, "chassis", VISITS, live.history())
    assert not verified.equal
    assert set(verified.differing) == {streams[3], streams[7], invented}
    assert await tables(owner) == {"visit_1"}
    await rebuild(owner, "chassis", VISITS, live.history())
    assert (await verify(owner, "chassis", VISITS, live.history())).equal


@dataclass(frozen=True, slots=True)
class Count:
    case_id: UUID
    events: int


def count(row: Count | None, recorded: Recorded, _event: Event) -> Count:
    return Count(recorded.stream_id, row.events + 1 if row else 1)


COUNT_TABLE = Table("visit", MetaData(), Column("case_id", Uuid, primary_key=True), Column("events", Integer))
COUNTS = ReadModel("visit", 2, COUNT_TABLE, Count, count, VISITS.types)


async def test_a_new_version_takes_over_with_other_columns(owner: AsyncEngine, live: Live) -> None:
    stream = uuid4()
    await live.publish(of_intake(stream, 1))
    async with live.consuming():
        await until(live.all_taken)
        await rebuild(owner, "chassis", COUNTS, live.history())
        async with owner.connect() as connection:
            [counted] = (await connection.exec_driver_sql("SELECT * FROM visit")).all()
        assert (counted.case_id, counted.events) == (stream, 1)
        # The code of before is still running, and waits.
        await live.publish(of_intake(stream, 2))
        with pytest.raises(RebuildDue):
            await verify(owner, "chassis", VISITS, live.history())
        assert (await verify(owner, "chassis", COUNTS, live.history())).equal


async def test_what_is_parked_is_in_neither(owner: AsyncEngine, worker: AsyncEngine, live: Live) -> None:
    sound, broken = uuid4(), uuid4()
    await live.publish(
        of_intake(sound, 1),
        of_intake(broken, 1),
        of_intake(broken, 2)._replace(data=b"[]"),
        of_intake(broken, 3),
        of_intake(sound, 3),
    )
    async with live.consuming():
        await until(live.all_taken)
        assert (await verify(owner, "chassis", VISITS, live.history())).equal
        assert (await visits(worker))[broken].withdrawals == 1
        # A sound copy comes, as by `republish`, and the missing one: everything goes on.
        await live.publish(of_intake(broken, 2), of_intake(sound, 2))
        await until(live.all_taken)
        await rebuild(owner, "chassis", VISITS, live.history())
        rows = await visits(worker)
        assert rows[broken].withdrawals == rows[sound].withdrawals == 2
        assert (await verify(owner, "chassis", VISITS, live.history())).equal


async def test_what_was_discarded_is_passed_over(owner: AsyncEngine, worker: AsyncEngine, live: Live) -> None:
    stream = uuid4()
    await live.publish(of_intake(stream, 1), of_intake(stream, 2)._replace(data=b"[]"), of_intake(stream, 3))
    async with live.consuming():
        await until(live.all_taken)
        async with worker.begin() as connection:
            [one] = await parked.parked(connection)
            await parked.discard(connection, one.id)

        async def gone_on() -> bool:
            return (await visits(worker))[stream].withdrawals == 2

        await until(gone_on)
    await rebuild(owner, "chassis", VISITS, live.history())
    assert (await visits(worker))[stream] == Visit(stream, "/lakeside/", withdrawals=2)


async def test_a_log_that_lost_events_makes_no_read_model(owner: AsyncEngine, worker: AsyncEngine, live: Live) -> None:
    await live.publish(of_intake(uuid4(), 1))
    async with live.consuming():
        await until(live.all_taken)
    before = await visits(worker)
    async with owner.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO progress (consumer, source, stream_id, version) VALUES ($1, 'intake', $2, 4)",
            (live.name, uuid4()),
        )
    with pytest.raises(HistoryIncomplete, match="1 streams"):
        await rebuild(owner, "chassis", VISITS, live.history())
    assert await visits(worker) == before


async def test_one_rebuild_at_a_time_and_the_leftovers_of_a_broken_one_go(owner: AsyncEngine, live: Live) -> None:
    async with owner.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE visit_2 (leftover integer)")
        await connection.exec_driver_sql("CREATE TABLE visit_7 (leftover integer)")
    async with owner.begin() as other:
        await other.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('doorstep.rebuild.visit', 0))")
        with pytest.raises(AlreadyRebuilding):
            await rebuild(owner, "chassis", VISITS, live.history())
    await rebuild(owner, "chassis", VISITS, live.history())
    assert await tables(owner) == {"visit_2"}
    absent = replace(VISITS, name="absent", table=VISIT_TABLE.to_metadata(MetaData(), name="absent"))
    with pytest.raises(NotInstalled):
        await rebuild(owner, "chassis", absent, live.history())


# Laws.

VERSIONS = st.tuples(st.integers(0, 6), st.integers(0, 6))


@given(VERSIONS, st.data())
def test_the_order_between_sources_does_not_matter(versions: tuple[int, int], data: st.DataObject) -> None:
    stream = UUID(int=1)
    intake = [of_intake(stream, version) for version in range(1, versions[0] + 1)]
    mediation = [of_mediation(stream, version) for version in range(1, versions[1] + 1)]
    straight = [*intake, *mediation]
    mixed: list[Recorded] = []
    while intake or mediation:
        from_intake = bool(intake) and (not mediation or data.draw(st.booleans()))
        mixed.append((intake if from_intake else mediation).pop(0))

    def folded(events: list[Recorded]) -> dict[UUID, Any]:
        return fold(VISITS, {}, concerned(VISITS, [Taken(event) for event in events]))

    assert folded(mixed) == folded(straight)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), max_size=60), st.integers(0, 5))
def test_history_is_in_order_once_and_never_beyond_what_was_taken(arrivals: list[tuple[int, int]], limit: int) -> None:
    streams = [UUID(int=number) for number in range(1, 4)]
    limited = ("intake", streams[0])
    ordered = Ordered(VISITS.types, {}, {limited: limit}, {})
    told: dict[UUID, list[int]] = {stream: [] for stream in streams}
    for taken in ordered.admit(record(of_intake(streams[number], version)) for number, version in arrivals):
        told[taken.recorded.stream_id].append(taken.recorded.version)
    for number, stream in enumerate(streams):
        arrived = {version for which, version in arrivals if which == number}
        contiguous = next(version for version in range(1, 7) if version not in arrived) - 1
        expected = min(contiguous, limit) if number == 0 else contiguous
        assert told[stream] == list(range(1, expected + 1))
    ordered.limits[limited] = 5
    told[streams[0]] += [taken.recorded.version for taken in ordered.resume()]
    contiguous = next(version for version in range(1, 7) if (0, version) not in arrivals) - 1
    assert told[streams[0]] == list(range(1, contiguous + 1))
