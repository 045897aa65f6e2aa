"""One transaction's worth of records: sorted by what was taken before, handled at once, remembered as taken."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import held, offsets
from services.chassis.held import Asked, Held, Partition, Record, Stream
from services.chassis.passing import Passing, passes
from services.chassis.taken import Taken
from services.chassis.telemetry import where
from services.contracts.envelope import Recorded, Unreadable

Handle = Callable[[AsyncConnection, Sequence[Taken]], Awaitable[None]]


class TakenElsewhere(Passing):
    """Another transaction moved a stream of this batch: events of one stream came by way of two partitions."""


@dataclass(slots=True)
class Tally:
    """What became of a batch. `ahead` names partitions where records are missing before those that came."""

    taken: int = 0
    dropped: int = 0
    kept: list[Held] = field(default_factory=list[Held])
    next_offsets: dict[Partition, int] = field(default_factory=dict[Partition, int])
    ahead: set[Partition] = field(default_factory=set[Partition])


@dataclass(frozen=True, slots=True)
class Fault:
    """The event at which a stream stops."""

    version: int
    reason: str


class Sorting:
    """Records told apart by the version that their stream has reached: the next, a repeat, or too early."""

    def __init__(self, before: Mapping[Stream, int]) -> None:
        self.before = before
        self.reached = dict(before)
        self.taken: list[Taken] = []
        self.records: list[Record] = []
        self.early: dict[Stream, dict[int, Held]] = {}
        self.nameless: list[Held] = []
        self.dropped = 0

    def arrive(self, recorded: Recorded, record: Record) -> None:
        stream = (recorded.source, recorded.stream_id)
        ahead = recorded.version - self.reached.get(stream, 0)
        if ahead == 1:
            self._take(stream, recorded, record)
        elif ahead < 1:
            self.dropped += 1
        else:
            self._hold(Held(record, (*stream, recorded.version), None))

    def refuse(self, refused: Held) -> None:
        if refused.identity is None:
            self.nameless.append(refused)
        elif refused.identity[2] <= self.reached.get(refused.identity[:2], 0):
            self.dropped += 1
        else:
            self._hold(refused)

    def go_on(self, kept: Mapping[Stream, Mapping[int, Held]], streams: Iterable[Stream]) -> None:
        """Take what waited for what was taken: from this batch, or `kept` from before."""
        for stream in streams:
            while True:
                version = self.reached.get(stream, 0) + 1
                waiting = (self.early.get(stream, {}).get(version), kept.get(stream, {}).get(version))
                found = next(filter(None, map(_readable, waiting)), None)
                if found is None:
                    break
                self._take(stream, *found)

    def stop_at(self, faults: Mapping[Stream, Fault]) -> None:
        """Give back what was to be taken of these streams, from the fault on."""
        for taken, record in zip(self.taken, self.records, strict=True):
            recorded = taken.recorded
            stream = (recorded.source, recorded.stream_id)
            fault = faults.get(stream)
            if fault is not None and recorded.version >= fault.version:
                self.reached[stream] = fault.version - 1
                reason = fault.reason if recorded.version == fault.version else None
                self.early.setdefault(stream, {})[recorded.version] = Held(record, (*stream, recorded.version), reason)

    def moved(self) -> dict[Stream, int]:
        before = self.before
        return {stream: version for stream, version in self.reached.items() if version != before.get(stream, 0)}

    def to_keep(self) -> list[Held]:
        waiting = [
            one
            for stream, versions in self.early.items()
            for version, one in versions.items()
            if version > self.reached.get(stream, 0)
        ]
        return self.nameless + waiting

    def _take(self, stream: Stream, recorded: Recorded, record: Record) -> None:
        self.reached[stream] = recorded.version
        self.taken.append(Taken(recorded))
        self.records.append(record)

    def _hold(self, one: Held) -> None:
        assert one.identity is not None
        versions = self.early.setdefault(one.identity[:2], {})
        known = versions.setdefault(one.identity[2], one)
        if known.reason is not None:
            versions[one.identity[2]] = one


async def take(
    connection: AsyncConnection, consumer: str, handle: Handle, records: Sequence[Record], *, one_by_one: bool
) -> Tally:
    """Take a batch in the caller's transaction. `one_by_one`: no handler's fault stops more than its stream."""
    tally = Tally()
    runs = {partition: list(run) for partition, run in groupby(records, lambda r: (r.topic, r.partition))}
    standing = await offsets.lock(connection, consumer, runs.keys())
    fresh: list[Record] = []
    last: list[Record] = []
    for partition, run in runs.items():
        start = standing[partition]
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
    sorting = await _sort(connection, consumer, fresh)
    await _settle(connection, consumer, handle, sorting, sorting.moved().keys(), one_by_one=one_by_one)
    await offsets.advance(connection, consumer, last)
    return _told(tally, sorting)


async def take_again(
    connection: AsyncConnection, consumer: str, handle: Handle, asked: Asked, *, one_by_one: bool
) -> Tally:
    """Try held records again, and whatever of their streams can go on then."""
    await offsets.lock(connection, consumer, asked.partitions)
    again = await held.take_asked(connection, consumer, asked.ids)
    streams = {one.identity[:2] for one in again if one.identity}
    sorting = await _sort(connection, consumer, [one.record for one in again if one.identity is None], streams)
    await _settle(connection, consumer, handle, sorting, streams | sorting.moved().keys(), one_by_one=one_by_one)
    return _told(Tally(), sorting)


async def _sort(
    connection: AsyncConnection, consumer: str, records: Iterable[Record], also: Iterable[Stream] = ()
) -> Sorting:
    arrived: list[tuple[Recorded, Record]] = []
    refused: list[Held] = []
    for record in records:
        try:
            arrived.append((held.read(record), record))
        except Unreadable as unreadable:
            refused.append(Held(record, held.identity(record), unreadable.reason))
    streams = {(recorded.source, recorded.stream_id) for recorded, _ in arrived}
    streams.update(one.identity[:2] for one in refused if one.identity)
    streams.update(also)
    sorting = Sorting(await progress_of(connection, consumer, streams))
    for recorded, record in arrived:
        sorting.arrive(recorded, record)
    for one in refused:
        sorting.refuse(one)
    return sorting


async def _settle(
    connection: AsyncConnection,
    consumer: str,
    handle: Handle,
    sorting: Sorting,
    streams: Iterable[Stream],
    *,
    one_by_one: bool,
) -> None:
    """Effects, then what is remembered of them."""
    any_held = await held.any_held(connection, consumer)
    if any_held or sorting.early:
        kept: dict[Stream, dict[int, Held]] = {}
        if any_held:
            for one in await held.of_streams(connection, consumer, list(streams)):
                assert one.identity is not None
                kept.setdefault(one.identity[:2], {})[one.identity[2]] = one
        sorting.go_on(kept, streams)
    if sorting.taken:
        if one_by_one:
            sorting.stop_at(await _effects_by_stream(connection, handle, sorting.taken))
        else:
            await handle(connection, sorting.taken)
    moved = sorting.moved()
    if moved:
        await _remember(connection, consumer, moved, sorting.before)
        if any_held:
            await held.drop_taken(connection, consumer, moved)
    await held.keep(connection, consumer, sorting.to_keep())


async def _effects_by_stream(
    connection: AsyncConnection, handle: Handle, taken: Sequence[Taken]
) -> dict[Stream, Fault]:
    """Handle what can be handled; the faults of what can't, found by halving."""
    streams: dict[Stream, list[Taken]] = {}
    for one in taken:
        streams.setdefault((one.recorded.source, one.recorded.stream_id), []).append(one)
    faults: dict[Stream, Fault] = {}
    parts = [list(streams.values())]
    while parts:
        part = parts.pop()
        fault = await _try(connection, handle, [one for events in part for one in events])
        if fault is None:
            continue
        if len(part) > 1:
            half = len(part) // 2
            parts += [part[half:], part[:half]]
            continue
        [events] = part
        for one in events:
            if len(events) > 1:
                fault = await _try(connection, handle, [one])
            if fault is not None:
                recorded = one.recorded
                faults[recorded.source, recorded.stream_id] = Fault(recorded.version, fault)
                break
    return faults


async def _try(connection: AsyncConnection, handle: Handle, taken: Sequence[Taken]) -> str | None:
    """None, or why it can't be: an error's class and place, never its text, which may quote what it choked on."""
    try:
        async with connection.begin_nested():
            await handle(connection, taken)
    except Unreadable as unreadable:
        return unreadable.reason
    except Exception as fault:  # whatever a handler raises parks one stream and stops no other
        if passes(fault):
            raise
        state = getattr(fault.orig, "sqlstate", None) if isinstance(fault, DBAPIError) else None
        place = [frame for frame in where(fault.__traceback__, 40) if "services/" in frame and "chassis" not in frame]
        return " ".join(filter(None, (type(fault).__qualname__, state, place[-1] if place else None)))
    return None


async def progress_of(connection: AsyncConnection, consumer: str, streams: Iterable[Stream]) -> dict[Stream, int]:
    """The version that each of these streams has reached; those not begun are not in it."""
    wanted = list(streams)
    rows = await connection.exec_driver_sql(
        "SELECT s.source, s.stream_id, p.version FROM unnest($2::text[], $3::uuid[]) AS s (source, stream_id)"
        " CROSS JOIN LATERAL (SELECT version FROM progress"
        "  WHERE consumer = $1 AND source = s.source AND stream_id = s.stream_id LIMIT 1) p",
        (consumer, [source for source, _ in wanted], [stream for _, stream in wanted]),
    )
    return {(row.source, row.stream_id): row.version for row in rows}


async def _remember(
    connection: AsyncConnection, consumer: str, moved: Mapping[Stream, int], before: Mapping[Stream, int]
) -> None:
    rows = await connection.exec_driver_sql(
        "WITH moved AS MATERIALIZED ("
        "  SELECT * FROM unnest($2::text[], $3::uuid[], $4::integer[], $5::integer[])"
        "   AS m (source, stream_id, version, before)"
        "), begun AS ("
        "  INSERT INTO progress (consumer, source, stream_id, version)"
        "  SELECT $1, source, stream_id, version FROM moved WHERE before = 0 ON CONFLICT DO NOTHING RETURNING 1"
        "), gone_on AS ("
        "  UPDATE progress p SET version = m.version FROM moved m WHERE p.consumer = $1 AND p.source = m.source"
        "   AND p.stream_id = m.stream_id AND p.version = m.before RETURNING 1"
        ") SELECT (SELECT count(*) FROM begun) + (SELECT count(*) FROM gone_on)",
        (
            consumer,
            [source for source, _ in moved],
            [stream for _, stream in moved],
            list(moved.values()),
            [before.get(stream, 0) for stream in moved],
        ),
    )
    if rows.scalar_one() != len(moved):
        raise TakenElsewhere


def _readable(one: Held | None) -> tuple[Recorded, Record] | None:
    if one is None:
        return None
    try:
        return held.read(one.record), one.record
    except Unreadable:
        return None


def _told(tally: Tally, sorting: Sorting) -> Tally:
    tally.taken = sum(sorting.reached.get(s, 0) - sorting.before.get(s, 0) for s in sorting.moved())
    tally.dropped += sorting.dropped
    tally.kept = sorting.to_keep()
    return tally
