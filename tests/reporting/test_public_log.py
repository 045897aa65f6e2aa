"""The public log on real PostgreSQL: gapless, followed by read models, told again for a rebuild."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Dsns
from services.chassis.database import engine, scoped
from services.chassis.generations import ensure
from services.chassis.projections import ReadModel
from services.chassis.rebuild import rebuild, verify
from services.chassis.taken import Taken
from services.contracts.envelope import Recorded, Unreadable
from services.contracts.event import Event
from services.reporting.public_log import LogHistory, PublicLog, shown
from tests.chassis.visits import VISIT_TABLE, VISITS, Visit, of_intake, of_mediation
from tests.conftest import Databases

SERVICES = Path(__file__).parents[2] / "services"
DEADLINE = 30.0


@pytest.fixture
async def database(postgres: Databases) -> AsyncGenerator[Dsns]:
    dsns = await postgres.create_database("reporting")
    owner = await asyncpg.connect(dsns.owner)
    chassis = [
        SERVICES / "chassis" / "sql" / name
        for name in ("store.sql", "consumer.sql", "log_anchor.sql", "projections.sql")
    ]
    for file in (*chassis, SERVICES / "reporting" / "sql" / "public_log.sql"):
        await owner.execute(file.read_text().replace("{service}", "reporting"))
    await owner.close()
    yield dsns
    await postgres.drop_database(dsns)


@pytest.fixture
async def owner(database: Dsns) -> AsyncGenerator[AsyncEngine]:
    pool = engine(database.owner, "test")
    async with pool.begin() as connection:
        assert await ensure(connection, "reporting", [VISITS]) == []
    yield pool
    await pool.dispose()


@pytest.fixture
async def worker(database: Dsns) -> AsyncGenerator[AsyncEngine]:
    pool = engine(database.worker, "test")
    yield pool
    await pool.dispose()


async def take(log: PublicLog, worker: AsyncEngine, *events: Recorded) -> None:
    async with worker.begin() as connection:
        await log.take(connection, [Taken(event) for event in events])


@asynccontextmanager
async def following(log: PublicLog, *models: ReadModel[Visit]) -> AsyncGenerator[None]:
    tasks = [asyncio.create_task(log.follow(model)) for model in models]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():  # noqa: ASYNC110 - what is waited for lies in the database
            await asyncio.sleep(0.01)


async def caught_up(worker: AsyncEngine, model: ReadModel[Visit] = VISITS) -> bool:
    async with worker.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT public_log.position = cursor.position FROM public_log, cursor WHERE consumer = $1", (model.name,)
        )
        return bool(found.scalar_one_or_none())


async def withdrawals(pool: AsyncEngine, view: str = "visit") -> dict[UUID, int]:
    async with pool.connect() as connection:
        rows = await connection.exec_driver_sql(f"SELECT case_id, withdrawals FROM {view}")
        return {row.case_id: row.withdrawals for row in rows}


async def test_positions_are_gapless_whoever_writes_at_once(
    owner: AsyncEngine, worker: AsyncEngine, database: Dsns
) -> None:
    log = PublicLog(worker)
    done = asyncio.Event()
    read: list[int] = []

    async def write(broken: bool) -> None:
        for _ in range(10):
            try:
                async with worker.begin() as connection:
                    await log.take(connection, [Taken(of_intake(uuid4(), 1)) for _ in range(7)])
                    if broken:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                pass

    async def follow() -> None:
        while not done.is_set():
            async with worker.connect() as connection:
                rows = await connection.exec_driver_sql(
                    "SELECT position FROM public_event WHERE position > $1 ORDER BY position",
                    (read[-1] if read else 0,),
                )
                read.extend(rows.scalars())

    reader = asyncio.create_task(follow())
    await asyncio.gather(*(write(broken) for broken in (False, True, False, False)))
    await until(lambda: _equal(read, 210))
    done.set()
    await reader
    assert read == list(range(1, 211))


async def _equal(read: list[int], length: int) -> bool:
    return len(read) == length


async def test_an_event_keeps_everything_its_owner_needs_to_have_it_back(
    owner: AsyncEngine, worker: AsyncEngine
) -> None:
    log = PublicLog(worker)
    original = of_mediation(uuid4(), 2)._replace(position=99, traceparent="00-1")
    async with following(log, VISITS):
        await take(log, worker, original)
        await until(lambda: caught_up(worker))
    async with worker.connect() as connection:
        pages = [page async for page in LogHistory(VISITS).pages(connection, VISITS.types)]
    assert [taken.recorded for page in pages for taken in page.taken] == [original]


async def test_a_body_that_can_not_be_read_never_enters_the_log(owner: AsyncEngine, worker: AsyncEngine) -> None:
    with pytest.raises(Unreadable):
        await take(PublicLog(worker), worker, of_intake(uuid4(), 1), of_intake(uuid4(), 1)._replace(data=b"[]"))


async def test_rows_of_the_log_are_seen_in_scope_only(owner: AsyncEngine, worker: AsyncEngine, database: Dsns) -> None:
    east, west = uuid4(), uuid4()
    await take(PublicLog(worker), worker, of_intake(east, 1, "/city/d1/"), of_intake(west, 1, "/city/d10/"))
    application = engine(database.application, "test")
    async with scoped(application, ["/city/d1/"]) as connection:
        rows = await connection.exec_driver_sql("SELECT stream_id FROM public_event")
        assert rows.scalars().all() == [east]
    await application.dispose()


async def test_a_read_model_follows(owner: AsyncEngine, worker: AsyncEngine) -> None:
    log = PublicLog(worker)
    stream = uuid4()
    await take(log, worker, of_intake(stream, 1), of_mediation(stream, 1))
    async with following(log, VISITS):
        await until(lambda: caught_up(worker))
        await take(log, worker, *(of_intake(stream, version) for version in (2, 3)))

        async def is_shown() -> bool:
            async with worker.connect() as connection:
                return await shown(connection, VISITS, "intake", stream, 3)

        await until(is_shown)
        assert await withdrawals(worker) == {stream: 2}
    async with worker.connect() as connection:
        assert not await shown(connection, VISITS, "intake", stream, 4)


class Sick:
    """A fold with a fault, until it is mended."""

    def __init__(self) -> None:
        self.sick_of: UUID | None = None
        self.table = VISIT_TABLE.to_metadata(MetaData(), name="sick_visit")
        for index in self.table.indexes.copy():
            self.table.indexes.remove(index)

    def evolve(self, row: Visit | None, recorded: Recorded, event: Event) -> Visit | None:
        if recorded.stream_id == self.sick_of and recorded.version >= 2:
            raise ZeroDivisionError
        return VISITS.evolve(row, recorded, event)

    def model(self) -> ReadModel[Visit]:
        return replace(VISITS, name="sick_visit", table=self.table, evolve=self.evolve)


async def test_a_fold_that_fails_leaves_out_its_stream_until_it_is_mended(
    owner: AsyncEngine, worker: AsyncEngine
) -> None:
    log, sick = PublicLog(worker), Sick()
    model = sick.model()
    async with owner.begin() as connection:
        await ensure(connection, "reporting", [model])
    streams = [uuid4() for _ in range(5)]
    sick.sick_of = streams[2]
    async with following(log, VISITS, model):
        await take(log, worker, *(of_intake(stream, 1) for stream in streams))
        await until(lambda: caught_up(worker, model))
        for version in (2, 3):
            await take(log, worker, *(of_intake(stream, version) for stream in streams))
        await until(lambda: caught_up(worker, model))
        await until(lambda: caught_up(worker))
    assert await withdrawals(worker) == dict.fromkeys(streams, 2)
    assert await withdrawals(worker, "sick_visit") == {**dict.fromkeys(streams, 2), streams[2]: 1}
    async with worker.connect() as connection:
        [row] = (await connection.exec_driver_sql("SELECT stream_id, reason FROM left_out")).all()
    assert row.stream_id == streams[2]
    assert row.reason.startswith("ZeroDivisionError")
    assert (await verify(owner, "reporting", model, LogHistory(model))).equal
    await rebuild(owner, "reporting", model, LogHistory(model))

    async def none_left_out() -> bool:
        async with worker.connect() as connection:
            return (await connection.exec_driver_sql("SELECT count(*) FROM left_out")).scalar_one() == 0

    sick.sick_of = None
    async with following(log, model):
        await until(none_left_out)
    assert await withdrawals(worker, "sick_visit") == dict.fromkeys(streams, 2)


async def test_a_rebuild_while_events_keep_coming(owner: AsyncEngine, worker: AsyncEngine) -> None:
    log = PublicLog(worker)
    streams = [uuid4() for _ in range(200)]
    await take(log, worker, *(of_intake(stream, 1) for stream in streams))
    done = asyncio.Event()
    answers: list[int] = []

    async def keep_coming() -> None:
        version = 1
        while not done.is_set():
            version += 1
            for stream in streams[:50]:
                await take(log, worker, of_intake(stream, version), of_mediation(stream, version - 1))
                await take(log, worker, of_mediation(uuid4(), 1))

    async def keep_asking() -> None:
        while not done.is_set():
            answers.append(len(await withdrawals(worker)))

    async with following(log, VISITS):
        await until(lambda: caught_up(worker))
        background = [asyncio.create_task(keep_coming()), asyncio.create_task(keep_asking())]
        try:
            for _ in range(3):
                await rebuild(owner, "reporting", VISITS, LogHistory(VISITS))
                verified = await verify(owner, "reporting", VISITS, LogHistory(VISITS))
                assert verified.equal, verified
        finally:
            done.set()
            await asyncio.gather(*background)
        await until(lambda: caught_up(worker))
    verified = await verify(owner, "reporting", VISITS, LogHistory(VISITS))
    assert verified.equal, verified
    assert verified.live.rows > len(streams)
    assert answers == sorted(answers)
    assert answers[0] >= len(streams)


async def test_a_model_of_a_later_release_is_built_and_then_follows(owner: AsyncEngine, worker: AsyncEngine) -> None:
    log = PublicLog(worker)
    stream = uuid4()
    late = Sick()
    await take(log, worker, of_intake(stream, 1))
    async with owner.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO progress (consumer, source, stream_id, version) VALUES ('c', 'intake', $1, 1)", (stream,)
        )
        assert await ensure(connection, "reporting", [late.model()]) == ["sick_visit"]
    async with following(log, late.model()):
        rebuilt = await rebuild(owner, "reporting", late.model(), LogHistory(late.model()))
        assert rebuilt.events == 1
        await take(log, worker, of_intake(stream, 2), of_intake(stream, 3))
        await until(lambda: caught_up(worker, late.model()))
    assert await withdrawals(worker, "sick_visit") == {stream: 2}
    assert (await verify(owner, "reporting", late.model(), LogHistory(late.model()))).equal
