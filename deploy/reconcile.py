"""The checker: judges what was found in the four services and on Kafka. It reports, it repairs nothing.

Pure: the facts come from wherever (facts.py collects those of a running Doorstep), so a simulation is judged alike.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from deploy.told import Told

SHOWN = 3
"""Examples told of each kind of difference."""


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
    items: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    """What lies in a place in full, each name with its hash; only needed where a finding compared two that differ.

    Places are `log intake`, `kafka intake`, `copy intake` and so for each service, `reported`, `opened`, `due alerts`
    and `raised alerts`. What is there for the second time has a name of its own.
    """


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked. With differences it is wrong, and `remedy` says what to do."""

    invariant: str
    check: str
    told: str
    differences: Sequence[str] = ()
    remedy: str = ""
    compared: Sequence[str] = ()
    """The places of two digests."""

    @property
    def ok(self) -> bool:
        return not self.differences


def judge(facts: Facts) -> list[Finding]:
    """Everything that was checked, in the way an event goes."""
    return [
        *_logs(facts),
        *_kafka(facts),
        *_copies(facts),
        _cases(facts),
        _alerts(facts),
        *_models(facts),
        _parked(facts),
        _held(facts),
        _lags(facts),
        Finding("I1", "conflicts kept aside by intake", f"{facts.conflicts:,} for review"),
        *_history(facts),
    ]


def _logs(facts: Facts) -> Iterator[Finding]:
    for service, log in facts.logs.items():
        yield _whole(f"{_of(service)} log has no gap", log, f"restore {service} from its backup: its log was changed")


def _copies(facts: Facts) -> Iterator[Finding]:
    yield _whole(
        "reporting's copy has no gap",
        facts.copy,
        "restore reporting from its backup, or empty it and let it read Kafka",
    )
    for source, log in facts.logs.items():
        yield _equal(
            facts,
            ("I4", f"{_of(source)} events are in reporting's copy, once, unchanged"),
            (f"log {source}", log.events.get(source, Digest())),
            (f"copy {source}", facts.copy.events.get(source, Digest())),
            f"doorstep parked list --service reporting; then doorstep republish {source}",
        )
    for source in facts.copy.events.keys() - facts.logs.keys():
        yield _stranger("reporting's copy", source)


def _kafka(facts: Facts) -> Iterator[Finding]:
    for source, log in facts.logs.items():
        found = facts.kafka.get(source, OnKafka(Digest()))
        equal = _equal(
            facts,
            ("I4", f"{_of(source)} events are on Kafka, in order"),
            (f"log {source}", log.events.get(source, Digest())),
            (f"kafka {source}", found.events),
            f"doorstep republish {source}",
        )
        disorder = [f"out of order: {example}" for example in found.disorder[:SHOWN]]
        altered = [f"came again with other content: {example}" for example in found.altered[:SHOWN]]
        told = f"{equal.told}, {found.again:,} of them sent again" if found.again else equal.told
        yield replace(equal, told=told, differences=[*equal.differences, *disorder, *altered])
    if facts.unreadable:
        told = f"{len(facts.unreadable):,} records"
        examples = [f"not an event of ours: {example}" for example in facts.unreadable[:SHOWN]]
        yield Finding("I4", "everything on Kafka can be read", told, examples, "doorstep parked list")
    for source in facts.kafka.keys() - facts.logs.keys():
        yield _stranger("Kafka", source)


def _stranger(place: str, source: str) -> Finding:
    return Finding(
        "I4",
        f"{place} holds events of our services alone",
        source,
        [f"events of {source}, which is no service of Doorstep"],
        "find out who else writes to Doorstep's topics, and keep them out",
    )


def _cases(facts: Facts) -> Finding:
    return _equal(
        facts,
        ("I2", "every report has one case"),
        ("reported", facts.reported),
        ("opened", facts.opened),
        "doorstep parked list --service mediation; then doorstep republish intake",
    )


def _alerts(facts: Facts) -> Finding:
    finding = _equal(
        facts,
        ("I3", "every live opening, escalation and reopening has one first alert"),
        ("due alerts", facts.due_alerts),
        ("raised alerts", facts.raised_alerts),
        "doorstep parked list --service notifications; then doorstep republish mediation",
    )
    due, raised = (facts.items.get(place, {}).keys() for place in finding.compared)
    if facts.late_alerts and raised <= due and len(due - raised) == facts.late_alerts:
        told = f"{finding.told}; {facts.late_alerts:,} came too late and stand in the digest"
        return replace(finding, told=told, differences=())
    return finding


def _history(facts: Facts) -> Iterator[Finding]:
    """What clients were told against what is there: what was acknowledged is, once, whatever died meanwhile."""
    if not facts.told:
        return
    ok = [told for told in facts.told if told.outcome == "ok"]
    yield Finding(
        "I1",
        "every write that a client was told of is in its log",
        f"{len(ok):,} told, {len(facts.told) - len(ok):,} refused or unanswered",
        list(_some(f"{told.what} {told.position or told.key}" for told in ok if told.position not in facts.stored)),
        "restore that service from its backup: an acknowledged write is gone",
    )
    reports: dict[str, set[str]] = {}
    for told in facts.told:
        if told.what == "report":
            reports.setdefault(told.key, set()).update([told.case] if told.outcome == "ok" else [])
    differences = [f"{key} was answered with {len(cases)} cases" for key, cases in reports.items() if len(cases) > 1]
    keys_of: dict[str, list[str]] = {}
    for key, cases in reports.items():
        for case in cases:
            keys_of.setdefault(case, []).append(key)
    differences += [f"{case} answers {len(keys)} reports" for case, keys in keys_of.items() if len(keys) > 1]
    if facts.only_client:
        may_be = sum(any(t.outcome != "failed" for t in told) for told in _by_key(facts.told).values())
        if not len(keys_of) <= facts.reported.count <= may_be:
            differences.append(f"{facts.reported.count:,} reports stored, of {may_be:,} that were sent")
    yield Finding(
        "I1",
        "every report that was answered is in intake's log, once",
        f"{len(keys_of):,} answered",
        list(_some(differences)),
        "doorstep trace the case; two cases for one key are a defect of intake",
    )


def _by_key(told: Iterable[Told]) -> Mapping[str, list[Told]]:
    by_key: dict[str, list[Told]] = {}
    for one in told:
        if one.what == "report":
            by_key.setdefault(one.key, []).append(one)
    return by_key


def _some(differences: Iterable[str]) -> Iterator[str]:
    found = list(differences)
    yield from found[:SHOWN]
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN:,} more"


def _models(facts: Facts) -> Iterator[Finding]:
    for model in facts.models:
        differences: list[str] = []
        if model.missing:
            differences.append(f"{model.missing:,} rows are missing, e.g. {', '.join(model.examples[:SHOWN])}")
        if model.surplus:
            differences.append(f"{model.surplus:,} rows have no event, e.g. {', '.join(model.examples[:SHOWN])}")
        yield Finding(
            "I5",
            f"{model.service}: {model.name} has a row for each",
            f"{model.rows:,} rows",
            differences,
            f"doorstep verify {model.name}; then doorstep rebuild {model.name}",
        )


def _parked(facts: Facts) -> Finding:
    parked = [waiting for waiting in facts.waiting if waiting.reason is not None]
    return Finding(
        "I4",
        "nothing is parked",
        _records(parked),
        [f"{one.consumer}: {one.records:,} × {one.reason}, e.g. {one.example}" for one in parked],
        "doorstep parked list; mend the cause; doorstep parked replay",
    )


def _held(facts: Facts) -> Finding:
    held = [waiting for waiting in facts.waiting if waiting.reason is None]
    return Finding(
        "I4",
        "nothing waits for an event that is missing",
        _records(held),
        [f"{one.consumer}: {one.records:,} wait, e.g. {one.example}" for one in held],
        "doorstep parked list for what they wait behind; else doorstep republish the service that they come from",
    )


def _lags(facts: Facts) -> Finding:
    behind = [lag for lag in facts.lags if lag.behind]
    return Finding(
        "I9",
        "nothing is behind",
        f"{sum(lag.behind for lag in behind):,} records behind, of {len(facts.lags)} cursors and offsets",
        [f"{lag.service}: {lag.what} is {lag.behind:,} behind" for lag in behind],
        "wait and run it again; if it stays: doorstep doctor, and the log of that service",
    )


def _of(service: str) -> str:
    return f"{service}'" if service.endswith("s") else f"{service}'s"


def _whole(check: str, log: Log, remedy: str) -> Finding:
    count = sum(events.count for events in log.events.values())
    differences = [f"position {gap}" for gap in log.position_gaps[:SHOWN]]
    differences += [f"version {gap}" for gap in log.version_gaps[:SHOWN]]
    if count + log.lost != log.position:
        differences.insert(0, f"{count:,} events, but its counter stands at {log.position:,}")
    told = f"{count:,} events; {log.lost:,} lost at a restore" if log.lost else f"{count:,} events"
    return Finding("I4", check, told, differences, remedy)


def _equal(
    facts: Facts, what: tuple[str, str], expected: tuple[str, Digest], found: tuple[str, Digest], remedy: str
) -> Finding:
    invariant, check = what
    differences: list[str] = []
    if expected[1] != found[1]:
        should, there = facts.items.get(expected[0], {}), facts.items.get(found[0], {})
        differences = list(_differing(should, there)) or [f"{expected[1].count:,} expected, {found[1].count:,} found"]
    told = f"{found[1].count:,} of {expected[1].count:,}"
    return Finding(invariant, check, told, differences, remedy, (expected[0], found[0]))


def _differing(should: Mapping[str, int], there: Mapping[str, int]) -> Iterator[str]:
    for said, names in (
        ("missing", should.keys() - there.keys()),
        ("there without cause", there.keys() - should.keys()),
        ("with other content", {name for name in should.keys() & there.keys() if should[name] != there[name]}),
    ):
        if names:
            yield f"{len(names):,} {said}, e.g. {', '.join(sorted(names)[:SHOWN])}"


def _records(waiting: Sequence[Waiting]) -> str:
    return f"{sum(one.records for one in waiting):,} records"
