"""One transaction's worth of records: handled at once, and remembered as taken."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import batch, held
from services.chassis.batch import Begun
from services.chassis.consumer import Consumer, Handle
from services.chassis.held import Asked, Held, Partition, Record, Stream
from services.chassis.passing import passes, reason_of
from services.chassis.projections import store_of
from services.chassis.sorting import Fault, Line, Sorting, key_of
from services.chassis.taken import Taken
from services.chassis.telemetry import where
from services.contracts.envelope import Unreadable

PROGRESS = "SELECT source, stream_id, version FROM progress WHERE consumer = $1 AND stream_id = ANY($2::uuid[])"


@dataclass(slots=True)
class Tally:
    """What became of a batch. `ahead` names partitions where records are missing before those that came."""

    taken: int = 0
    dropped: int = 0
    kept: list[Held] = field(default_factory=list[Held])
    next_offsets: dict[Partition, int] = field(default_factory=dict[Partition, int])
    ahead: set[Partition] = field(default_factory=set[Partition])


async def take(
    connection: AsyncConnection,
    consumer: Consumer,
    runs: Mapping[Partition, Sequence[Record]],
    *,
    one_by_one: bool,
) -> Tally:
    """Take a batch in the caller's transaction. `one_by_one`: no handler's fault stops more than its stream.

    Raises:
        RebuildDue, TakenElsewhere: see `batch`; what a handler raises, unless `one_by_one`.
    """
    sorting = await _read([record for run in runs.values() for record in run])
    begun = await batch.begin(connection, consumer.name, runs.keys(), sorting.streams, consumer.models)
    tally = Tally()
    fresh: list[Record] = []
    last: list[Record] = []
    for (partition, run), start in zip(runs.items(), begun.next_offsets, strict=True):
        assert start is not None
        new = run if run[0].offset == start else [record for record in run if record.offset >= start]
        tally.dropped += len(run) - len(new)
        if new and new[-1].offset != start + len(new) - 1:
            new = [record for nth, record in enumerate(new) if record.offset == start + nth]
            tally.ahead.add(partition)
        tally.next_offsets[partition] = start + len(new)
        if new:
            fresh += new
            last.append(new[-1])
    if not fresh:
        return tally
    if tally.dropped or tally.ahead:
        sorting.only(fresh)
    sorting.sort(begun.versions)
    await _settle(connection, consumer, begun, sorting, sorting.moved(), last, one_by_one=one_by_one)
    return _told(tally, sorting)


async def take_again(connection: AsyncConnection, consumer: Consumer, asked: Asked, *, one_by_one: bool) -> Tally:
    """Try held records again, and whatever of their streams can go on then."""
    await batch.begin(connection, consumer.name, asked.partitions, ())
    again = await held.take_asked(connection, consumer.name, asked.ids)
    sorting = await _read([one.record for one in again if one.identity is None])
    for one in again:
        if one.identity is not None:
            sorting.line(*one.identity[:2])
    begun = await batch.begin(connection, consumer.name, asked.partitions, sorting.streams, consumer.models)
    sorting.sort(begun.versions)
    lines = list(sorting.lines.values())
    await _settle(connection, consumer, begun, sorting, lines, (), one_by_one=one_by_one)
    return _told(Tally(), sorting)


async def _read(records: Sequence[Record]) -> Sorting:
    sorting = Sorting()
    for nth, record in enumerate(records, 1):
        if nth % 200 == 0:
            await asyncio.sleep(0)  # a request that waits is served in between
        sorting.read(record)
    return sorting


async def _settle(
    connection: AsyncConnection,
    consumer: Consumer,
    begun: Begun,
    sorting: Sorting,
    going_on: Sequence[Line],
    last: Sequence[Record],
    *,
    one_by_one: bool,
) -> None:
    """Effects, then what is remembered of them."""
    if begun.any_held or sorting.any_early:
        streams = [line.stream for line in going_on]
        kept = await held.of_streams(connection, consumer.name, streams) if begun.any_held else ()
        sorting.go_on(going_on, kept)
    if sorting.taken:
        effects = effects_of(consumer, begun.generations)
        if one_by_one:
            sorting.stop_at(await _effects_by_stream(connection, effects, sorting.taken))
        else:
            await effects(connection, sorting.taken)
    moved = sorting.moved()
    await batch.end(connection, consumer.name, moved, last)
    if begun.any_held:
        await held.drop_taken(connection, consumer.name, {line.stream: line.reached for line in moved})
    await held.keep(connection, consumer.name, sorting.to_keep())


def effects_of(consumer: Consumer, generations: Sequence[int]) -> Handle:
    """All that events cause; `generations` are of the tables that stand for its models."""
    stores = [store_of(model, generation) for model, generation in zip(consumer.models, generations, strict=True)]

    async def effects(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        if consumer.beforehand is not None:
            await consumer.beforehand(connection, taken)
        for store in stores:
            await store.fold(connection, taken)
        if consumer.handle is not None:
            await consumer.handle(connection, taken)

    return effects


async def _effects_by_stream(
    connection: AsyncConnection, effects: Handle, taken: Sequence[Taken]
) -> dict[Stream, Fault]:
    """Handle what can be handled; the faults of what can't, found by halving."""
    streams: dict[Stream, list[Taken]] = {}
    for one in taken:
        streams.setdefault((one.recorded.source, one.recorded.stream_id), []).append(one)
    faults: dict[Stream, Fault] = {}
    parts = [list(streams.values())]
    while parts:
        part = parts.pop()
        fault = await _try(connection, effects, [one for events in part for one in events])
        if fault is None:
            continue
        if len(part) > 1:
            half = len(part) // 2
            parts += [part[half:], part[:half]]
            continue
        [events] = part
        for one in events:
            if len(events) > 1:
                fault = await _try(connection, effects, [one])
            if fault is not None:
                recorded = one.recorded
                faults[recorded.source, recorded.stream_id] = Fault(recorded.version, fault)
                break
    return faults


async def _try(connection: AsyncConnection, effects: Handle, taken: Sequence[Taken]) -> str | None:
    """None, or why it can't be: an error's class and place, never its text, which may quote what it choked on."""
    try:
        async with connection.begin_nested():
            await effects(connection, taken)
    except Unreadable as unreadable:
        return unreadable.reason
    except Exception as fault:  # whatever a handler raises parks one stream and stops no other
        if passes(fault):
            raise
        place = [frame for frame in where(fault.__traceback__, 40) if "services/" in frame and "chassis" not in frame]
        return " ".join([reason_of(fault), *place[-1:]])
    return None


async def reached(connection: AsyncConnection, consumer: str, source: str, stream_id: UUID, version: int) -> bool:
    """Whether the consumer's effects hold this version of a stream."""
    progress = await progress_of(connection, consumer, [stream_id])
    return progress.get(key_of(source, stream_id), 0) >= version


async def progress_of(
    connection: AsyncConnection, consumer: str, stream_ids: Sequence[UUID]
) -> dict[tuple[str, int], int]:
    """The version reached of each stream, of any source, by `key_of`; those not begun are not in it."""
    rows = await connection.exec_driver_sql(PROGRESS, (consumer, stream_ids))
    return {key_of(row.source, row.stream_id): row.version for row in rows}


def _told(tally: Tally, sorting: Sorting) -> Tally:
    tally.taken = sum(line.reached - line.before for line in sorting.lines.values())
    tally.dropped += sorting.dropped
    tally.kept = sorting.to_keep()
    return tally
