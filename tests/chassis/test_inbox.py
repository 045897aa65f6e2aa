"""A batch in its transaction, on real PostgreSQL: each event once, in order, faults parked by stream."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.postgres import Dsns
from services.chassis import inbox, offsets, parked
from services.chassis.batch import TakenElsewhere
from services.chassis.consumer import Consumer, Handle
from services.chassis.database import engine
from services.chassis.held import KeptRecord, Partition, asked_again
from services.chassis.ids import new_id
from services.chassis.inbox import Tally
from services.chassis.taken import Taken
from services.contracts.cases import CaseWithdrawn
from services.contracts.catalogue import EVENTS
from tests.chassis.events import effects, effects_table, record, remembering, withdrawn

TOPIC = "doorstep.cases.v1"


@pytest.fixture
async def worker(chassis_database: Dsns) -> AsyncGenerator[AsyncEngine]:
    await effects_table(chassis_database)
    pool = engine(chassis_database.worker, "test")
    yield pool
    await pool.dispose()


class Inbox:
    """One consumer's partition; records are numbered as they come."""

    def __init__(self, worker: AsyncEngine, handle: Handle = remembering) -> None:
        self.worker = worker
        self.consumer = Consumer("test", (TOPIC,), handle)
        self.end = 0

    async def takes(self, *records: KeptRecord, one_by_one: bool = False) -> Tally:
        numbered = [replace(one, offset=self.end + nth) for nth, one in enumerate(records)]
        self.end += len(records)
        return await self.takes_as_numbered(*numbered, one_by_one=one_by_one)

    async def takes_as_numbered(self, *records: KeptRecord, one_by_one: bool = False) -> Tally:
        async with self.worker.begin() as connection:
            await offsets.enter(connection, "test", {(one.topic, one.partition) for one in records})
            runs: dict[Partition, list[KeptRecord]] = {}
            for one in records:
                runs.setdefault((one.topic, one.partition), []).append(one)
            return await inbox.take(connection, self.consumer, runs, one_by_one=one_by_one)

    async def tries_again(self) -> Tally:
        async with self.worker.begin() as connection:
            asked = await asked_again(connection, "test", 100)
            return await inbox.take_again(connection, self.consumer, asked, one_by_one=True)

    async def parked(self) -> Sequence[parked.Parked]:
        async with self.worker.connect() as connection:
            return await parked.parked(connection, "test")

    async def effects(self, stream: UUID) -> list[int]:
        return await effects(self.worker, stream)


@pytest.fixture
def box(worker: AsyncEngine) -> Inbox:
    return Inbox(worker)


def refusing(unfit: Callable[[Taken], bool]) -> Handle:
    async def handle(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        await remembering(connection, taken)
        if any(map(unfit, taken)):
            raise ZeroDivisionError("the name of a resident")

    return handle


async def test_repeats_are_dropped_and_the_next_is_taken(box: Inbox) -> None:
    stream = new_id()
    first, second = withdrawn(stream, 1), withdrawn(stream, 2)
    tally = await box.takes(record(first), record(first), record(second))
    assert (tally.taken, tally.dropped) == (2, 1)
    tally = await box.takes(record(first), record(second), record(withdrawn(stream, 3)))
    assert (tally.taken, tally.dropped) == (1, 2)
    assert await box.effects(stream) == [1, 2, 3]


async def test_records_below_the_offset_are_dropped_whatever_they_say(box: Inbox) -> None:
    await box.takes(record(withdrawn(new_id(), 1)))
    stranger = new_id()
    tally = await box.takes_as_numbered(record(withdrawn(stranger, 1)))
    assert (tally.taken, tally.dropped) == (0, 1)
    assert await box.effects(stranger) == []


async def test_records_above_the_offset_are_never_taken(box: Inbox) -> None:
    first, behind_a_hole = new_id(), new_id()
    tally = await box.takes_as_numbered(
        record(withdrawn(first, 1)), replace(record(withdrawn(behind_a_hole, 1)), offset=2)
    )
    assert tally.ahead == {(TOPIC, 0)}
    assert tally.next_offsets == {(TOPIC, 0): 1}
    assert await box.effects(first) == [1]
    assert await box.effects(behind_a_hole) == []


async def test_the_same_stream_of_another_source_is_another_stream(box: Inbox) -> None:
    stream = new_id()
    tally = await box.takes(record(withdrawn(stream, 1)), record(withdrawn(stream, 1)._replace(source="mediation")))
    assert tally.taken == 2


async def test_early_events_wait_for_the_gap_to_be_filled_by_a_later_batch(box: Inbox) -> None:
    stream = new_id()
    tally = await box.takes(record(withdrawn(stream, 3)), record(withdrawn(stream, 2)), record(withdrawn(stream, 5)))
    assert (tally.taken, len(tally.kept)) == (0, 3)
    assert await box.parked() == []
    await box.takes(record(withdrawn(stream, 1)))
    assert await box.effects(stream) == [1, 2, 3]
    await box.takes(record(withdrawn(stream, 4)))
    assert await box.effects(stream) == [1, 2, 3, 4, 5]


async def test_a_gap_is_filled_within_a_batch(box: Inbox) -> None:
    stream = new_id()
    tally = await box.takes(record(withdrawn(stream, 2)), record(withdrawn(stream, 1)))
    assert (tally.taken, tally.kept) == (2, [])
    assert await box.effects(stream) == [1, 2]


async def test_a_fault_parks_its_stream_from_there_on_and_no_other(worker: AsyncEngine) -> None:
    poisoned, sound = new_id(), [new_id() for _ in range(20)]
    box = Inbox(worker, refusing(lambda t: t.recorded.stream_id == poisoned and t.recorded.version == 2))
    records = [record(withdrawn(stream, version)) for version in (1, 2, 3) for stream in (*sound, poisoned)]
    with pytest.raises(ZeroDivisionError):
        await box.takes(*records)
    box.end = 0
    tally = await box.takes(*records, one_by_one=True)
    assert tally.taken == 3 * 20 + 1
    assert await box.effects(poisoned) == [1]
    for stream in sound:
        assert await box.effects(stream) == [1, 2, 3]
    [one] = await box.parked()
    assert (one.stream_id, one.version, one.waiting) == (poisoned, 2, 1)
    assert one.reason.startswith("ZeroDivisionError")
    assert "resident" not in one.reason

    await box.takes(record(withdrawn(poisoned, 4)), record(withdrawn(sound[0], 4)))
    assert await box.effects(poisoned) == [1]
    assert await box.effects(sound[0]) == [1, 2, 3, 4]

    repaired = Inbox(worker)
    async with worker.begin() as connection:
        assert await parked.replay(connection) == 1
    await repaired.tries_again()
    assert await box.effects(poisoned) == [1, 2, 3, 4]
    assert await box.parked() == []


async def test_another_try_in_vain_keeps_the_event_parked(worker: AsyncEngine) -> None:
    stream = new_id()
    box = Inbox(worker, refusing(lambda t: t.recorded.version == 1))
    await box.takes(record(withdrawn(stream, 1)), record(withdrawn(stream, 2)), one_by_one=True)
    async with worker.begin() as connection:
        await parked.replay(connection, "test")
    await box.tries_again()
    [one] = await box.parked()
    assert (one.version, one.waiting, one.asked) == (1, 1, False)


async def test_a_discarded_event_lets_those_behind_it_go_on(worker: AsyncEngine) -> None:
    stream = new_id()
    box = Inbox(worker, refusing(lambda t: t.recorded.version == 2))
    await box.takes(*(record(withdrawn(stream, version)) for version in (1, 2, 3)), one_by_one=True)
    [one] = await box.parked()
    async with worker.begin() as connection:
        await parked.discard(connection, one.id)
    await box.tries_again()
    assert await box.effects(stream) == [1, 3]
    async with worker.begin() as connection:
        with pytest.raises(parked.NotParked):
            await parked.discard(connection, one.id)


async def test_an_event_can_not_be_discarded_before_its_turn(box: Inbox) -> None:
    stream = new_id()
    await box.takes(record(withdrawn(stream, 2)._replace(type="case.sung")))
    [one] = await box.parked()
    with pytest.raises(parked.NotParked):
        async with box.worker.begin() as connection:
            await parked.discard(connection, one.id)
    assert await box.parked() == [one]


@pytest.mark.parametrize("unfit", [{"type": "case.sung"}, {"schema_version": 99}, {"data": b""}])
async def test_what_this_version_does_not_know_waits_with_all_behind_it(box: Inbox, unfit: dict[str, object]) -> None:
    stream, other = new_id(), new_id()
    await box.takes(
        record(withdrawn(stream, 1)),
        record(withdrawn(stream, 2)._replace(**unfit)),  # pyright: ignore[reportArgumentType]
        record(withdrawn(stream, 3)),
        record(withdrawn(other, 1)),
    )
    assert await box.effects(stream) == [1]
    assert await box.effects(other) == [1]
    [one] = await box.parked()
    assert (one.stream_id, one.version, one.waiting) == (stream, 2, 1)


async def test_a_type_that_becomes_known_goes_on(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = new_id()
    await box.takes(record(withdrawn(stream, 1)._replace(type="case.sung")), record(withdrawn(stream, 2)))
    monkeypatch.setitem(EVENTS, "case.sung", CaseWithdrawn)
    async with box.worker.begin() as connection:
        await parked.replay(connection)
    await box.tries_again()
    assert await box.effects(stream) == [1, 2]
    assert await box.parked() == []


async def test_a_body_that_does_not_fit_parks_where_it_is_decoded(worker: AsyncEngine) -> None:
    async def decoding(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        for one in taken:
            assert one.event
        await remembering(connection, taken)

    stream = new_id()
    box = Inbox(worker, decoding)
    await box.takes(record(withdrawn(stream, 1)._replace(data=b'{"broken')), one_by_one=True)
    [one] = await box.parked()
    assert one.reason == "the body does not fit case.withdrawn version 1"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("ce_type", b"\xff\xfe")],
        [("ce_subject", b"not a uuid"), ("ce_streamversion", b"1")],
        [("ce_id", None)],
    ],
)
async def test_a_record_without_a_name_parks_by_where_it_lies(
    box: Inbox, headers: list[tuple[str, bytes | None]]
) -> None:
    stream = new_id()
    broken = KeptRecord(TOPIC, 0, 0, 0, None, headers, b"\x00\xff")  # pyright: ignore[reportArgumentType]
    tally = await box.takes(broken, record(withdrawn(stream, 1)))
    assert tally.taken == 1
    [one] = await box.parked()
    assert (one.stream_id, one.topic, one.partition, one.offset) == (None, TOPIC, 0, 0)
    async with box.worker.begin() as connection:
        await parked.replay(connection)
    await box.tries_again()
    [again] = await box.parked()
    assert again.offset == 0
    async with box.worker.begin() as connection:
        await parked.discard(connection, again.id)
    assert await box.parked() == []


@pytest.mark.parametrize(
    "header", [("ce_streamversion", b"0"), ("ce_position", b"99999999999999999999"), ("ce_source", b"a\0b")]
)
async def test_headers_that_no_database_takes_stop_nothing(box: Inbox, header: tuple[str, bytes]) -> None:
    name, value = header
    broken = record(withdrawn(new_id(), 1))
    headers = [(known, value if known == name else content) for known, content in broken.headers]
    tally = await box.takes(replace(broken, headers=headers), record(withdrawn(new_id(), 1)))
    assert tally.taken == 1
    assert len(await box.parked()) == 1


async def test_a_sound_copy_heals_a_broken_one(box: Inbox) -> None:
    stream = new_id()
    sound = record(withdrawn(stream, 1))
    broken = replace(sound, headers=[h for h in sound.headers if h[0] != "ce_actor"])
    await box.takes(broken, record(withdrawn(stream, 2)))
    assert [one.version for one in await box.parked()] == [1]
    await box.takes(sound)
    assert await box.effects(stream) == [1, 2]
    assert await box.parked() == []


async def test_a_broken_copy_never_replaces_a_sound_one_that_waits(box: Inbox) -> None:
    stream = new_id()
    sound = record(withdrawn(stream, 2))
    await box.takes(sound)
    await box.takes(replace(sound, value=None))
    await box.takes(record(withdrawn(stream, 1)))
    assert await box.effects(stream) == [1, 2]


async def test_one_stream_by_way_of_two_partitions_is_taken_once(box: Inbox) -> None:
    stream = new_id()
    one = record(withdrawn(stream, 1))
    elsewhere = replace(one, partition=1)
    async with box.worker.begin() as setup:
        await offsets.enter(setup, "test", {(TOPIC, 0), (TOPIC, 1)})

    async def overtaken(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        await Inbox(box.worker).takes_as_numbered(elsewhere)
        await remembering(connection, taken)

    with pytest.raises(TakenElsewhere):
        await Inbox(box.worker, overtaken).takes(one)
    assert await box.effects(stream) == [1]


async def test_reached_tells_a_reader_whether_its_write_is_there(box: Inbox) -> None:
    stream = new_id()
    await box.takes(record(withdrawn(stream, 1)))
    async with box.worker.connect() as connection:
        assert await inbox.reached(connection, "test", "intake", stream, 1)
        assert not await inbox.reached(connection, "test", "intake", stream, 2)
        assert not await inbox.reached(connection, "test", "mediation", stream, 1)
