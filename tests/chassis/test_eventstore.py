"""The store's promises on real PostgreSQL: no gap, no loss, one effect for a key, one winner for a version."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from deploy.local.postgres import Dsns
from services.chassis.database import engine, scoped
from services.chassis.eventstore import (
    LARGEST_EVENT,
    Append,
    EventStore,
    KeyReused,
    NewEvent,
    Outcome,
    Sealed,
    StaleVersion,
    StoreUnavailable,
    UnfitEvent,
    position_of,
)
from services.chassis.ids import new_id
from services.contracts.cases import CaseReported, Channel, Kind, Urgency
from services.contracts.event import StreamKind

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def reported() -> NewEvent:
    event = CaseReported(
        community=uuid4(),
        kind=Kind.FAULT,
        category="water-leak",
        urgency=Urgency.ORDINARY,
        channel=Channel.WEB,
        reported_on=date(2026, 3, 1),
        particulars=uuid4(),
    )
    return NewEvent.of(event, AT)


def append(
    *, stream: UUID | None = None, key: str | None = None, expected: int | None = 0, events: int = 1, area: str = "/a/"
) -> Append:
    return Append(
        stream_id=stream or new_id(),
        kind=StreamKind.CASE,
        area=area,
        expected=expected,
        key=key or uuid4().hex,
        fingerprint=b"a fingerprint",
        actor="resident",
        events=[reported() for _ in range(events)],
    )


@asynccontextmanager
async def opened(database: Dsns) -> AsyncGenerator[EventStore]:
    application, worker = engine(database.application, "test"), engine(database.worker, "test")
    try:
        async with EventStore("chassis", application, worker).open() as store:
            yield store
    finally:
        await application.dispose()
        await worker.dispose()


@pytest.fixture
async def store(chassis_database: Dsns) -> AsyncGenerator[EventStore]:
    async with opened(chassis_database) as store:
        yield store


async def last_position(store: EventStore) -> int:
    async with store.worker.connect() as connection:
        return await position_of(connection)


async def test_sixteen_writers_and_a_reader_miss_nothing(chassis_database: Dsns) -> None:
    """Sixteen stores, each with its own committer, as sixteen processes would have."""
    each = 25
    seen: list[int] = []
    async with opened(chassis_database) as reading:
        start = await last_position(reading)
        written = asyncio.Event()

        async def write() -> None:
            async with opened(chassis_database) as writing:
                for _ in range(each):
                    await writing.append([append(events=2), append()])

        async def read() -> None:
            while True:
                finished = written.is_set()
                async with reading.worker.connect() as connection:
                    page = await reading.read(connection, seen[-1] if seen else start, 100)
                seen.extend(event.position for event in page)
                if finished and not page:
                    return
                await asyncio.sleep(0)

        reader = asyncio.create_task(read())
        await asyncio.gather(*(write() for _ in range(16)))
        written.set()
        await reader
    assert seen == list(range(start + 1, start + 1 + 16 * each * 3))


async def test_versions_of_a_stream_have_no_gap_and_time_never_runs_backwards(store: EventStore) -> None:
    stream = new_id()
    for version in range(0, 9, 3):
        await store.append([append(stream=stream, expected=version, events=3)])
    async with store.worker.connect() as connection:
        events = await store.read_stream(connection, stream)
    assert [event.version for event in events] == list(range(1, 10))
    assert [event.recorded_at for event in events] == sorted(event.recorded_at for event in events)


async def test_the_same_key_eight_times_at_once_makes_one_event(chassis_database: Dsns) -> None:
    one = append()

    async def send() -> Outcome:
        async with opened(chassis_database) as store:
            [outcome] = await store.append([replace(one, stream_id=new_id())])
        assert isinstance(outcome, Outcome)
        return outcome

    outcomes = await asyncio.gather(*(send() for _ in range(8)))
    assert len({outcome.stream_id for outcome in outcomes}) == 1
    assert sum(not outcome.repeated for outcome in outcomes) == 1


async def test_the_same_key_twice_in_one_batch_takes_its_turn(store: EventStore) -> None:
    one = append()
    first, second = await store.append([one, one])
    assert first == Outcome(one.stream_id, 1)
    assert second == Outcome(one.stream_id, 1, repeated=True)


async def test_the_same_expected_version_eight_times_has_one_winner(chassis_database: Dsns) -> None:
    stream = new_id()

    async def send() -> object:
        async with opened(chassis_database) as store:
            [outcome] = await store.append([append(stream=stream)])
        return outcome

    outcomes = await asyncio.gather(*(send() for _ in range(8)))
    assert sum(isinstance(outcome, Outcome) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, StaleVersion) for outcome in outcomes) == 7


async def test_another_request_under_a_used_key_is_refused_and_told_of_the_first(store: EventStore) -> None:
    first = append()
    await store.append([first])
    [outcome] = await store.append([replace(append(key=first.key), fingerprint=b"another")])
    assert isinstance(outcome, KeyReused)
    assert outcome.stream_id == first.stream_id


async def test_one_bad_command_in_a_hundred_refuses_only_itself(store: EventStore) -> None:
    before = await last_position(store)
    appends = [append() for _ in range(100)]
    broken = NewEvent("case.reported", 1, AT, "{not json")
    appends[41] = replace(appends[41], events=[broken], sealed=[Sealed(uuid4(), 1, b"must not stay")])
    appends[77] = replace(appends[77], expected=5)
    outcomes = await store.append(appends)
    assert [nth for nth, outcome in enumerate(outcomes) if not isinstance(outcome, Outcome)] == [41, 77]
    assert isinstance(outcomes[41], DBAPIError)
    assert isinstance(outcomes[77], StaleVersion)
    assert await last_position(store) == before + 98
    async with store.worker.connect() as connection:
        left = await connection.exec_driver_sql("SELECT 1 FROM particulars WHERE sealed = $1", (b"must not stay",))
        assert left.first() is None


async def test_a_refusal_is_an_outcome_and_a_repeat_gets_it_again(store: EventStore) -> None:
    refused = replace(append(), events=(), refusal='{"error":"AtTheTop","details":{}}')
    before = await last_position(store)
    [first] = await store.append([refused])
    [again] = await store.append([refused])
    assert isinstance(first, Outcome)
    assert isinstance(again, Outcome)
    assert first.refusal == again.refusal == refused.refusal
    assert again.repeated
    assert await last_position(store) == before


async def test_load_shows_only_what_lies_in_scope(store: EventStore) -> None:
    mine, other = append(area="/city/d1/"), append(area="/city/d10/")
    await store.append([mine, other])
    loaded, known = await store.load([mine.stream_id, other.stream_id], [mine.key], ["/city/d1/"])
    assert loaded[mine.stream_id].version == 1
    assert loaded[other.stream_id].area is None
    assert loaded[other.stream_id].events == ()
    assert known[mine.key].outcome.stream_id == mine.stream_id


@pytest.mark.parametrize("scope", [[], ["/city/d1"], ["/elsewhere/"]])
async def test_row_level_security_holds_without_any_filter_in_the_query(store: EventStore, scope: list[str]) -> None:
    """A scope without its closing slash is no prefix that the edge lets in; here it would match, so it is left out."""
    await store.append([append(area="/city/d1/")])
    visible = [area for area in scope if area.endswith("/")]
    async with scoped(store.application, visible) as connection:
        for table in ("event", "stream", "particulars"):
            rows = await connection.exec_driver_sql(f"SELECT area FROM {table} WHERE area = '/city/d1/'")
            assert rows.first() is None


async def test_a_scope_ends_with_its_transaction(store: EventStore) -> None:
    await store.append([append(area="/city/d1/")])
    async with scoped(store.application, ["/"]) as connection:
        assert (await connection.exec_driver_sql("SELECT 1 FROM event")).first() is not None
        backend = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
    async with store.application.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one() == backend
        assert (await connection.exec_driver_sql("SELECT 1 FROM event")).first() is None


async def test_every_table_with_an_area_forces_its_policies(store: EventStore) -> None:
    async with store.worker.connect() as connection:
        unguarded = await connection.exec_driver_sql(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'area'"
            " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        )
        assert unguarded.all() == []


async def test_the_application_can_not_write(store: EventStore) -> None:
    async with store.application.connect() as connection:
        with pytest.raises(DBAPIError, match="permission denied"):
            await connection.exec_driver_sql("DELETE FROM event")


async def test_a_lost_connection_is_made_anew_and_nothing_is_doubled(store: EventStore) -> None:
    await store.append([append()])
    before = await last_position(store)
    async with store.worker.connect() as connection:
        await connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )
    outcomes = await store.append([append() for _ in range(3)])
    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    assert await last_position(store) == before + 3


async def test_a_database_that_is_away_is_said_to_be_away() -> None:
    nowhere = engine("postgresql://nobody:nothing@127.0.0.1:1/none", "test")
    async with EventStore("chassis", nowhere, nowhere).open() as store:
        with pytest.raises(StoreUnavailable), capture_logs() as noted:
            await store.load([new_id()], [], None)
    assert [note["event"] for note in noted] == ["database away"]


def test_an_event_over_64_kb_or_with_a_nul_is_unfit() -> None:
    event = CaseReported.model_construct(category="x" * LARGEST_EVENT)
    with pytest.raises(UnfitEvent, match="larger"):
        NewEvent.of(event, AT)
    with pytest.raises(UnfitEvent, match="NUL"):
        NewEvent.of(CaseReported.model_construct(category="a\0b"), AT)
