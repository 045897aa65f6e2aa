"""What the checker judges by: the shape of what can be known of the four services and of Kafka."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from deploy.told import Told


@dataclass(frozen=True, slots=True)
class Digest:
    """How many, and the sum of their hashes: equal for equal collections, in whatever order; double ones count."""

    count: int = 0
    total: int = 0

    def with_(self, hash_: int) -> "Digest":
        return Digest(self.count + 1, self.total + hash_)


def digest_of(hashes: Iterable[int]) -> Digest:
    counted = list(hashes)
    return Digest(len(counted), sum(counted))


def event_hash(source: str, stream_id: str, version: int, type_: str, data: bytes) -> int:
    """Of an event's identity and content; the collector computes the same in SQL."""
    return _hash(b" ".join((source.encode(), stream_id.encode(), b"%d" % version, type_.encode(), data)))


def name_hash(name: str) -> int:
    return _hash(name.encode())


def _hash(told: bytes) -> int:
    return int.from_bytes(sha256(told).digest()[:7], "big")


@dataclass(frozen=True, slots=True)
class Log:
    """A log as its database holds it: a service's own, or reporting's copy of all."""

    position: int
    events: Mapping[str, Digest]
    """By source; a service's own has one."""
    lost: int = 0
    """Positions that a restore has told to be gone for good."""
    position_gaps: Sequence[str] = ()
    version_gaps: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class OnKafka:
    """One source's events on Kafka, each counted once, though it may lie there twice."""

    events: Digest
    again: int = 0
    altered: Sequence[str] = ()
    """Came again with other content."""
    disorder: Sequence[str] = ()
    """Came for the first time behind an event that its source stored later, in one partition."""


@dataclass(frozen=True, slots=True)
class Model:
    """A read model's keys against the events that it is made from."""

    service: str
    name: str
    rows: int
    missing: int = 0
    surplus: int = 0
    examples: Sequence[str] = ()
    altered: int = 0
    """Rows that hold something else than their events say; counted where somebody folded them anew."""


@dataclass(frozen=True, slots=True)
class Messages:
    """Mail and short messages. An event is named `source:stream:version`, and where it is told to each guest of a
    gathering, with the sign-up behind that; a delivery by its id."""

    may: Mapping[str, str]
    """Events that may have one, each with its delivery; empty where the reader is whoever was on duty."""
    must: Collection[str]
    """Those of them that nothing made pointless."""
    kept: Sequence[tuple[str, str]]
    """Notifications' rows: event and delivery. Tests of a channel, which no event causes, are left out."""
    letters: Mapping[str, int] | None = None
    """By delivery: how often the other side took it; none: nobody could be asked."""
    crashes: int = 0
    """Each may have sent one letter again, under its id: it came between the other side's answer and our commit."""


class Clock(NamedTuple):
    """A date that a stream waits for; in UTC, so that equal ones are equal."""

    stream: str
    name: str
    due_at: datetime

    @staticmethod
    def of(stream: UUID, name: str, due_at: datetime) -> "Clock":
        return Clock(str(stream), name, due_at.astimezone(UTC))

    def __str__(self) -> str:
        return f"{self.stream} {self.name} {self.due_at.isoformat()}"


@dataclass(frozen=True, slots=True)
class Timers:
    """One service's clocks."""

    service: str
    ever: Collection[Clock]
    """All that its events ever set."""
    running: Collection[Clock]
    """Those that nothing has ended, and that did not fire."""
    waiting: Collection[Clock]
    """Those in its table."""
    fired: Mapping[Clock, datetime]
    """Those that had an effect, and when it was recorded."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which everything was well."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view whose rows have an area."""

    service: str
    name: str
    rows: int = 0
    astray: int = 0
    """Rows that carry another area than their stream."""
    examples: Sequence[str] = ()
    guarded: bool = True
    """Row-level security is enabled and forced, by a policy; a view asks in its caller's name."""


@dataclass(frozen=True, slots=True)
class Text:
    """Sealed texts of cases that were erased: none may be left."""

    service: str
    table: str
    rows: int
    example: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Records that a consumer keeps aside. With a reason they wait for somebody to act, else for their turn."""

    service: str
    consumer: str
    records: int
    reason: str | None
    example: str


@dataclass(frozen=True, slots=True)
class Lag:
    """How far something is behind; in records."""

    service: str
    what: str
    behind: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found."""

    logs: Mapping[str, Log]
    kafka: Mapping[str, OnKafka]
    copy: Log
    reported: Digest
    """Case ids by case.reported in intake's log."""
    opened: Digest
    """Case ids by case.opened in mediation's log."""
    due_alerts: Digest
    """What must have alerted: each live opening, each escalation and reopening, in mediation's log.

    By case, cause and the id that its first alert must have.
    """
    raised_alerts: Digest
    """What did, in notifications' log; the further steps of a chain left out."""
    late_alerts: int = 0
    """What came too late for one, and stands in notifications' digest instead."""
    models: Sequence[Model] = ()
    waiting: Sequence[Waiting] = ()
    lags: Sequence[Lag] = ()
    conflicts: int = 0
    unreadable: Sequence[str] = ()
    """Records on Kafka that are no events of ours."""
    told: Sequence[Told] = ()
    """What clients were told of their writes, where they kept a history."""
    stored: Collection[str] = frozenset()
    """Of the positions in that history, those that their logs hold."""
    only_client: bool = False
    """Nobody but the clients of the history has reported anything."""
    messages: Messages | None = None
    timers: Sequence[Timers] = ()
    healthy: Sequence[Span] = ()
    """When everything was well, in order; where nobody can say, lateness is told and not judged."""
    looked_at: datetime | None = None
    """When the timers were looked at."""
    tables: Sequence[Table] = ()
    erased: Collection[str] = frozenset()
    """Cases of which case.erased is in intake's log."""
    ledger: Collection[str] = frozenset()
    """Cases that are in the list which a restore applies again."""
    texts: Sequence[Text] = ()
    items: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    """What lies in a place in full, each name with its hash; only needed where a finding compared two that differ.

    Places are `log intake`, `kafka intake`, `copy intake` and so for each service, `reported`, `opened`, `due alerts`
    and `raised alerts`. What is there for the second time has a name of its own.
    """
