"""A store that was brought back to an earlier time takes its own events back as they were, and says what is lost."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import get_args
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.postgres import Dsns
from services.chassis.database import engine
from services.chassis.eventstore import Append, EventStore, NewEvent, Outcome, Sealed, position_of
from services.chassis.relay import cursor
from services.chassis.take_back import PARTICULARS, AnotherLog, NotWhole, TakeBack, TakenBack
from services.contracts.cases import CaseReported, CaseWithdrawn, Channel, Kind, Urgency
from services.contracts.catalogue import EVENTS
from services.contracts.envelope import Recorded, Unreadable
from services.contracts.event import StreamKind

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
NOT_PARTICULARS = {"community", "alert", "into", "gathering", "answer", "sign_up", "same_as"}
"""Fields with an id of something that is no sealed row, or not one of the service that names it."""


@dataclass(frozen=True, slots=True)
class Place:
    store: EventStore
    owner: AsyncEngine


@asynccontextmanager
async def place(dsns: Dsns) -> AsyncGenerator[Place]:
    worker, owner = engine(dsns.worker, "test"), engine(dsns.owner, "test")
    try:
        async with EventStore("intake", worker, worker).open() as store:
            yield Place(store, owner)
    finally:
        await worker.dispose()
        await owner.dispose()


@pytest.fixture
async def here(chassis_database: Dsns) -> AsyncGenerator[Place]:
    async with place(chassis_database) as made:
        yield made


def reported(stream: UUID, ref: UUID) -> Append:
    event = CaseReported(
        community=uuid4(),
        kind=Kind.FAULT,
        category="water-leak",
        urgency=Urgency.ORDINARY,
        channel=Channel.WEB,
        reported_on=date(2026, 3, 1),
        particulars=ref,
    )
    return Append(
        stream_id=stream,
        kind=StreamKind.CASE,
        area="/lakeside/",
        expected=0,
        key=f"report {stream}",
        fingerprint=stream.bytes,
        actor="resident",
        events=[NewEvent.of(event, AT)],
        sealed=[Sealed(ref, 1, b"sealed")],
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


def withdrawn(stream: UUID) -> Append:
    return replace(
        reported(stream, uuid4()),
        expected=1,
        key=f"withdraw {stream}",
        events=[NewEvent.of(CaseWithdrawn(), AT)],
        sealed=[],
    )


async def log_of(here: Place) -> list[Recorded]:
    async with here.owner.connect() as connection:
        return await here.store.read(connection, 0, 1000)


async def taken_back(
    here: Place,
    events: Iterable[Recorded],
    *,
    on_kafka: bool = True,
    reached: int = 0,
    erased: Sequence[UUID] = (),
    kafka_is_lost: bool = False,
) -> TakenBack:
    async with here.owner.begin() as connection:
        taking = await TakeBack.begin(connection, "intake")
        await taking.offer(events, on_kafka=on_kafka)
        return await taking.finish(AT, reached=reached, erased=erased, kafka_is_lost=kafka_is_lost)


async def forget(here: Place, position: int, relayed: int = 0) -> None:
    """What a restore to an earlier time leaves."""
    async with here.owner.begin() as connection:
        for statement in (
            f"DELETE FROM particulars WHERE stream_id IN (SELECT stream_id FROM event WHERE position > {position})",
            f"DELETE FROM command WHERE key IN (SELECT command_key FROM event WHERE position > {position})",
            f"DELETE FROM event WHERE position > {position}",
            "DELETE FROM stream WHERE stream_id NOT IN (SELECT stream_id FROM event)",
            "UPDATE stream s SET version = (SELECT max(version) FROM event e WHERE e.stream_id = s.stream_id)",
            f"UPDATE log SET position = {position}",
            f"INSERT INTO cursor VALUES ('relay', {relayed}) ON CONFLICT (consumer) DO UPDATE SET position = {relayed}",
        ):
            await connection.exec_driver_sql(statement)


async def lived(here: Place) -> tuple[list[UUID], list[Recorded]]:
    """Three cases, each reported, the first two withdrawn: positions 1 to 5."""
    cases = [uuid4() for _ in range(3)]
    for case in cases:
        await here.store.append([reported(case, uuid4())])
    for case in cases[:2]:
        await here.store.append([withdrawn(case)])
    return cases, await log_of(here)


async def test_everything_comes_back_as_it_was(here: Place) -> None:
    cases, before = await lived(here)
    await forget(here, 2, relayed=2)
    taken = await taken_back(here, [*before, *reversed(before)])
    assert await log_of(here) == before
    assert (taken.restored, taken.position, taken.events) == (2, 5, 3)
    assert (taken.lost, taken.broken) == ([], [])
    assert taken.particulars == [cases[2]]
    repeated = await here.store.append([withdrawn(cases[0]), reported(cases[2], uuid4())])
    assert [outcome.repeated for outcome in repeated if isinstance(outcome, Outcome)] == [True, True]
    await here.store.append([replace(withdrawn(cases[2]), key="later")])
    assert [(e.position, e.version) for e in (await log_of(here))[5:]] == [(6, 2)]


async def test_what_is_gone_is_named_and_its_position_is_never_used_again(here: Place) -> None:
    cases, before = await lived(here)
    await forget(here, 1, relayed=1)
    taken = await taken_back(here, [before[0], before[2]], reached=5)
    assert taken.lost == [(2, 2), (4, 5)]
    async with here.owner.connect() as connection:
        assert await position_of(connection) == 5
        found = await connection.exec_driver_sql("SELECT first_position, last_position FROM lost_position ORDER BY 1")
        assert [tuple(row) for row in found] == [(2, 2), (4, 5)]
        restored = await connection.exec_driver_sql("SELECT to_time FROM restored")
        assert restored.scalars().all() == [AT]
    await here.store.append([replace(withdrawn(cases[0]), key="another")])
    assert [event.position for event in await log_of(here)] == [1, 3, 6]


async def test_a_stream_that_misses_a_version_is_named(here: Place) -> None:
    cases, before = await lived(here)
    await forget(here, 0)
    taken = await taken_back(here, [before[0], before[2], before[3], before[4]])
    assert (taken.lost, taken.broken) == ([(2, 2)], [cases[1]])


async def test_the_relay_goes_on_before_the_first_event_that_is_not_on_kafka(here: Place) -> None:
    _, before = await lived(here)
    await forget(here, 3, relayed=1)

    async def relayed(connection: AsyncConnection) -> int:
        return await cursor(connection)

    async with here.owner.begin() as connection:
        taking = await TakeBack.begin(connection, "intake")
        await taking.offer([before[0], before[1], before[3]])
        await taking.offer(before, on_kafka=False)
        taken = await taking.finish(AT)
        assert (taken.position, await relayed(connection)) == (5, 2)


async def test_with_all_on_kafka_the_relay_has_nothing_to_send(here: Place) -> None:
    _, before = await lived(here)
    await forget(here, 3, relayed=1)
    await taken_back(here, before)
    async with here.owner.connect() as connection:
        assert await cursor(connection) == 5


async def test_a_log_that_has_lost_published_events_is_not_relied_upon(here: Place) -> None:
    _, before = await lived(here)
    await forget(here, 3, relayed=3)
    with pytest.raises(NotWhole) as refused:
        await taken_back(here, before[2:])
    assert refused.value.events == 2
    assert len(await log_of(here)) == 3
    taken = await taken_back(here, [], kafka_is_lost=True)
    assert taken.position == 3
    async with here.owner.connect() as connection:
        assert await cursor(connection) == 0


@pytest.mark.parametrize("nth", [0, 4])
async def test_the_log_of_another_life_is_refused(here: Place, nth: int) -> None:
    _, before = await lived(here)
    await forget(here, 3)
    strange = before[nth]._replace(stream_id=uuid4(), version=1)
    with pytest.raises(AnotherLog):
        await taken_back(here, [*before, strange])
    assert len(await log_of(here)) == 3


async def test_an_event_of_a_newer_version_is_not_taken_for_what_it_is_not(here: Place) -> None:
    _, before = await lived(here)
    await forget(here, 4)
    with pytest.raises(Unreadable):
        await taken_back(here, [*before[:4], before[4]._replace(type="case.sung_about")])


async def test_what_was_erased_is_not_told_as_lost(here: Place) -> None:
    cases, before = await lived(here)
    await forget(here, 0)
    taken = await taken_back(here, before, erased=[cases[1]])
    assert taken.particulars == sorted([cases[0], cases[2]])


async def test_events_of_others_are_left_alone(here: Place) -> None:
    _, before = await lived(here)
    await forget(here, 4)
    taken = await taken_back(here, [*before[:4], before[4]._replace(source="mediation")])
    assert (taken.events, taken.lost) == (0, [])


async def caused(here: Place, case: UUID, *, reached: int, went: int = 0, gap: bool = False) -> list[int]:
    """Four events of mediation, of which only the third caused something here; which are known to be decided."""
    by_third = replace(reported(case, uuid4()), key=f"alerts:mediation:{case}:3")
    await here.store.append([by_third])
    await here.store.append([withdrawn(case)])
    before = await log_of(here)
    await forget(here, 0)
    others = [before[0]._replace(source="mediation", stream_id=case, version=version) for version in (1, 2, 3, 4)]
    async with here.owner.begin() as connection:
        await connection.exec_driver_sql("INSERT INTO consumer_offset VALUES ('alerts', 'doorstep.cases.v1', 0, 0)")
        taking = await TakeBack.begin(connection, "intake")
        await taking.offer(before[:1] if gap else before)
        assert await taking.causing() == {"alerts": ["doorstep.cases.v1"]}
        await taking.handled("alerts", [*others, *others])
        await taking.went([("alerts", "mediation", case, went)])
        await taking.finish(AT, reached=reached)
    async with here.owner.connect() as connection:
        found = await connection.exec_driver_sql("SELECT key FROM command WHERE key LIKE 'alerts:%' ORDER BY key")
        return [int(key.rsplit(":", 1)[1]) for key in found.scalars()]


async def test_an_event_that_caused_nothing_before_a_later_one_is_not_decided_anew(here: Place) -> None:
    assert await caused(here, uuid4(), reached=0) == [1, 2, 3]


async def test_an_event_that_was_taken_is_not_decided_anew_when_nothing_is_missing(here: Place) -> None:
    assert await caused(here, uuid4(), reached=2, went=4) == [1, 2, 3, 4]


async def test_with_a_loss_every_event_is_decided_anew_that_has_no_outcome(here: Place) -> None:
    assert await caused(here, uuid4(), reached=2, went=4, gap=True) == [3]


def test_every_field_that_names_a_sealed_row_is_known() -> None:
    ids = {
        name
        for event in EVENTS.values()
        for name, field in event.model_fields.items()
        if field.annotation is UUID or UUID in get_args(field.annotation)
    }
    assert ids - NOT_PARTICULARS == set(PARTICULARS)
