"""The checker: judges what was found in the four services and on Kafka. It reports, it repairs nothing.

Pure: the facts come from wherever (facts.py collects those of a running Doorstep), so a simulation is judged alike.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from deploy.evidence import Digest, Facts, Log, OnKafka, Span, Timers, Waiting
from deploy.told import Told

SHOWN = 3
"""Examples told of each kind of difference."""

PROMPT = timedelta(seconds=2)
"""How late a timer may be while everything is well."""

HEALING = timedelta(seconds=30)
"""How long after everything is well again it may be late by what was missed."""


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
        *_messages(facts),
        *_models(facts),
        *_timers(facts),
        *_areas(facts),
        *_erased(facts),
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
        if model.altered:
            differences.append(f"{model.altered:,} rows differ, e.g. {', '.join(model.examples[:SHOWN])}")
        yield Finding(
            "I5",
            f"{model.service}: {model.name} has a row for each",
            f"{model.rows:,} rows",
            differences,
            f"doorstep verify {model.name}; then doorstep rebuild {model.name}",
        )


def _messages(facts: Facts) -> Iterator[Finding]:
    if (messages := facts.messages) is None:
        return
    rows = Counter(event for event, _ in messages.kept)
    unfounded = [event for event, delivery in messages.kept if messages.may.get(event) not in ("", delivery)]
    yield Finding(
        "I3",
        "every event that asks for a message has one, to one reader",
        f"{len(messages.kept):,} messages, of {len(messages.may):,} that were asked for",
        [
            *_named("missing", set(messages.must) - rows.keys()),
            *_named("there without cause", unfounded),
            *_named("more than once", (event for event, times in rows.items() if times > 1)),
        ],
        "doorstep parked list --service notifications; then doorstep republish mediation and notifications",
    )
    if messages.letters is None:
        return
    again = [f"{delivery} ({times} times)" for delivery, times in messages.letters.items() if times > 1]
    yield Finding(
        "I3",
        "every letter was sent once, again only by a crash, under its own id",
        f"{len(messages.letters):,} letters, {len(again):,} of them again in {messages.crashes:,} crashes",
        [
            *_named("without a message", messages.letters.keys() - {delivery for _, delivery in messages.kept}),
            *(_named("sent again without a crash", again) if len(again) > messages.crashes else ()),
        ],
        "look for two senders of notifications that run without each other's rows locked",
    )


def _timers(facts: Facts) -> Iterator[Finding]:
    for timers in facts.timers:
        running, waiting = set(timers.running), set(timers.waiting)
        yield Finding(
            "I6",
            f"{timers.service}: every date that runs has its timer",
            f"{len(waiting):,} wait",
            [
                *_named("missing", map(str, running - waiting)),
                *_named("there without cause", map(str, waiting - running)),
            ],
            f"delete the cursor `timers` of {timers.service}: the table is filled again from the log",
        )
        early = [f"{clock}, at {at.isoformat()}" for clock, at in timers.fired.items() if at < clock.due_at]
        yield Finding(
            "I6",
            f"{timers.service}: no timer fired early, or for a date that nothing set",
            f"{len(timers.fired):,} fired",
            [*_named("early", early), *_named("for no date", map(str, timers.fired.keys() - set(timers.ever)))],
            "compare the clocks of the service and its database; doorstep trace the case",
        )
        late = [name for name, due, at in _ends_of(timers, facts.looked_at) if _late(due, at, facts.healthy)]
        latest = max((at - clock.due_at for clock, at in timers.fired.items()), default=timedelta())
        yield Finding(
            "I6",
            f"{timers.service}: timers fire in time",
            f"{max(latest.total_seconds(), 0):.1f} s late at most{'' if facts.healthy else ', outages included'}",
            [*_named("late", late)],
            f"doorstep status, and the log of {timers.service}: its timers stand still or can't keep up",
        )


def _ends_of(timers: Timers, looked_at: datetime | None) -> Iterator[tuple[str, datetime, datetime]]:
    """Each clock, when it was due and when it had its effect; what still waits will not have it before now."""
    for clock, at in timers.fired.items():
        yield str(clock), clock.due_at, at
    if looked_at is not None:
        for clock in timers.waiting:
            yield f"{clock} still waits", clock.due_at, looked_at


def _late(due: datetime, at: datetime, healthy: Sequence[Span]) -> bool:
    """What was due in an outage has until a while after it; what nobody saw the time of is not judged."""
    span = next((span for span in healthy if span.end > due), None)
    if span is None:
        return False
    must = max(due + PROMPT, span.begin + HEALING)
    return at > must and must <= span.end


def _areas(facts: Facts) -> Iterator[Finding]:
    if not facts.tables:
        return
    yield Finding(
        "I7",
        "every row lies in the area of its stream",
        f"{sum(table.rows for table in facts.tables):,} rows in {len(facts.tables)} tables",
        [
            f"{table.service}: {table.astray:,} rows of {table.name} do not, e.g. {', '.join(table.examples[:SHOWN])}"
            for table in facts.tables
            if table.astray
        ],
        "doorstep verify and rebuild, where it is a read model; else restore that service from its backup",
    )
    yield Finding(
        "I7",
        "no table with an area shows its rows outside of it",
        f"{len(facts.tables)} tables and views",
        [
            f"{table.service}: {table.name} has no row-level security, or not for everybody"
            for table in facts.tables
            if not table.guarded
        ],
        "stop that service, and run its migrations on a database of this version: its schema was changed by hand",
    )


def _erased(facts: Facts) -> Iterator[Finding]:
    yield Finding(
        "I8",
        "nothing that was told of an erased case is left",
        f"{len(facts.erased):,} cases erased",
        [f"{left.service}: {left.rows:,} rows of {left.table}, e.g. of {left.example}" for left in facts.texts],
        "doorstep erase the case again; doorstep parked list if it is another service's",
    )
    yield Finding(
        "I8",
        "every erased case is in the ledger that a restore goes by",
        f"{len(facts.ledger):,} in the ledger",
        [*_named("missing", set(facts.erased) - set(facts.ledger))],
        "doorstep erase the case again",
    )


def _named(said: str, names: Iterable[str]) -> Iterator[str]:
    if found := sorted(names):
        yield f"{len(found):,} {said}, e.g. {', '.join(found[:SHOWN])}"


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
        yield from _named(said, names)


def _records(waiting: Sequence[Waiting]) -> str:
    return f"{sum(one.records for one in waiting):,} records"
