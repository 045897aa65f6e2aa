"""Read models made anew from real Kafka while events keep coming: equal to those that were kept current."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from secrets import token_hex
from typing import Any, Protocol, cast
from uuid import UUID, uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis import batch, parked
from services.chassis.consumer import Consumer
from services.chassis.consuming import Consumers
from services.chassis.database import scoped
from services.chassis.history import HistoryIncomplete, KafkaHistory, Ordered
from services.chassis.kafka import broker, producer
from services.chassis.projections import RebuildDue
from services.chassis.rebuild import AlreadyRebuilding, NotInstalled, rebuild, verify
from services.contracts.envelope import Headers, Recorded, to_headers
from tests.chassis.events import record
from tests.chassis.visits import COUNTS, VISIT_TABLE, VISITS, Visit, of_intake, of_mediation, visits

PARTITIONS = 3
DEADLINE = 30.0


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
