"""Records of a batch, sorted by how far their streams have come: what is next, what came before, what is too early."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.chassis import held
from services.chassis.held import Held, Record, Stream
from services.chassis.taken import Taken
from services.contracts.envelope import Recorded, Unreadable


@dataclass(frozen=True, slots=True)
class Fault:
    """The event at which a stream stops."""

    version: int
    reason: str


class Line:
    """One stream of one source on its way through a batch: where it stood, where it stands, what came too early."""

    __slots__ = ("before", "early", "reached", "stream")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.before = 0
        self.reached = 0
        self.early: dict[int, Held] = {}

    def hold(self, one: Held, version: int) -> None:
        """Keep it for its turn; a sound record before one that can't be read."""
        known = self.early.get(version)
        if known is None or known.reason is not None:
            self.early[version] = one


class Sorting:
    """Records told apart by the version that their stream has reached: the next, a repeat, or too early."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, int], Line] = {}
        self.arrived: list[tuple[Line, Recorded, Record]] = []
        self.refused: list[Held] = []
        self.taken: list[Taken] = []
        self.records: list[Record] = []
        self.nameless: list[Held] = []
        self.dropped = 0
        self.any_early = False

    def read(self, record: Record) -> None:
        """See which event a record carries, and of which stream; its turn comes when that stream's version is known."""
        try:
            recorded = held.read(record)
            self.arrived.append((self.line(recorded.source, recorded.stream_id), recorded, record))
        except Unreadable as unreadable:
            one = Held(record, held.identity(record), unreadable.reason)
            self.refused.append(one)
            if one.identity is not None:
                self.line(*one.identity[:2])

    def only(self, fresh: Collection[Record]) -> None:
        """Leave out what was read and is not to be taken."""
        wanted = set(map(id, fresh))
        self.arrived = [one for one in self.arrived if id(one[2]) in wanted]
        self.refused = [one for one in self.refused if id(one.record) in wanted]

    @property
    def streams(self) -> list[Stream]:
        return [line.stream for line in self.lines.values()]

    def sort(self, versions: Sequence[int]) -> None:
        """Now the versions are known that `streams` had reached."""
        for line, version in zip(self.lines.values(), versions, strict=True):
            line.before = line.reached = version
        for one in self.arrived:
            self.arrive(*one)
        for one in self.refused:
            self.refuse(one)

    def line(self, source: str, stream_id: UUID) -> Line:
        key = key_of(source, stream_id)
        line = self.lines.get(key)
        if line is None:
            line = self.lines[key] = Line((source, stream_id))
        return line

    def arrive(self, line: Line, recorded: Recorded, record: Record) -> None:
        ahead = recorded.version - line.reached
        if ahead == 1:
            line.reached = recorded.version
            self.taken.append(Taken(recorded))
            self.records.append(record)
        elif ahead < 1:
            self.dropped += 1
        else:
            self.any_early = True
            line.hold(Held(record, (*line.stream, recorded.version), None), recorded.version)

    def refuse(self, refused: Held) -> None:
        if refused.identity is None:
            self.nameless.append(refused)
            return
        source, stream_id, version = refused.identity
        line = self.line(source, stream_id)
        if version <= line.reached:
            self.dropped += 1
        else:
            self.any_early = True
            line.hold(refused, version)

    def go_on(self, lines: Iterable[Line], kept: Iterable[Held]) -> None:
        """Take what waited for what these lines took: from this batch, or `kept` from before."""
        before: dict[tuple[Line, int], Held] = {}
        for one in kept:
            assert one.identity is not None
            source, stream_id, version = one.identity
            before[self.line(source, stream_id), version] = one
        for line in lines:
            while True:
                version = line.reached + 1
                waiting = (line.early.get(version), before.get((line, version)))
                found = next(filter(None, map(_readable, waiting)), None)
                if found is None:
                    break
                self.arrive(line, *found)

    def stop_at(self, faults: Mapping[Stream, Fault]) -> None:
        """Give back what was to be taken of these streams, from the fault on."""
        for taken, record in zip(self.taken, self.records, strict=True):
            recorded = taken.recorded
            line = self.line(recorded.source, recorded.stream_id)
            fault = faults.get(line.stream)
            if fault is not None and recorded.version >= fault.version:
                line.reached = fault.version - 1
                reason = fault.reason if recorded.version == fault.version else None
                line.early[recorded.version] = Held(record, (*line.stream, recorded.version), reason)

    def moved(self) -> list[Line]:
        return [line for line in self.lines.values() if line.reached != line.before]

    def to_keep(self) -> list[Held]:
        waiting = [
            one
            for line in self.lines.values()
            if line.early
            for version, one in line.early.items()
            if version > line.reached
        ]
        return self.nameless + waiting


def key_of(source: str, stream_id: UUID) -> tuple[str, int]:
    """A stream as a key; a UUID's own hash is slow, and one is asked for with every record."""
    return source, stream_id.int


def _readable(one: Held | None) -> tuple[Recorded, Record] | None:
    if one is None:
        return None
    try:
        return held.read(one.record), one.record
    except Unreadable:
        return None
