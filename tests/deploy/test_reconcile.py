"""The checker finds every planted bug, names it, and finds nothing in a world that is whole."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.evidence import (
    Clock,
    Digest,
    Facts,
    Lag,
    Log,
    Messages,
    Model,
    OnKafka,
    Span,
    Table,
    Text,
    Timers,
    Waiting,
    digest_of,
    event_hash,
    name_hash,
)
from deploy.reconcile import Finding, judge
from deploy.reconciling import HEALED_SECONDS, LOOKS, is_settled
from deploy.told import Told, WrongHistory, line, read

ALERTED = "every live opening, escalation and reopening has one first alert"
SOURCES = ("intake", "mediation", "notifications", "reporting")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRED, RUNNING = Clock("c1", "acknowledge", NOON), Clock("c2", "acknowledge", NOON + timedelta(hours=2))
TIMERS = Timers(
    "mediation",
    ever={FIRED, RUNNING, Clock("c3", "acknowledge", NOON)},
    running={RUNNING},
    waiting={RUNNING},
    fired={FIRED: NOON + timedelta(seconds=1)},
)
MESSAGES = Messages(
    may={"intake:c1:1": "m1", "notifications:c1:1": "m2", "mediation:c1:3": ""},
    must={"intake:c1:1"},
    kept=[("intake:c1:1", "m1"), ("mediation:c1:3", "m3")],
    letters={"m1": 1, "m3": 2},
    crashes=1,
)


@dataclass
class World:
    """Three live cases, one of them escalated, as each place should hold them; each test spoils one place."""

    logs: dict[str, dict[str, int]] = field(default_factory=dict)
    kafka: dict[str, dict[str, int]] = field(default_factory=dict)
    copy: dict[str, dict[str, int]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    @staticmethod
    def whole() -> "World":
        cases = ["c1", "c2", "c3"]
        events = {
            "intake": [_event("intake", case, 1, "case.reported") for case in cases],
            "mediation": [
                *(_event("mediation", case, 1, "case.opened") for case in cases),
                _event("mediation", "c1", 2, "case.escalated"),
            ],
            "notifications": [_event("notifications", case, 1, "alert.raised") for case in cases]
            + [_event("notifications", "c1", 2, "alert.raised")],
            "reporting": [],
        }
        logs = {source: dict(told) for source, told in events.items()}
        alerts = [*(f"{case} opened" for case in cases), "c1 escalated"]
        return World(
            logs,
            {source: dict(told) for source, told in logs.items()},
            {source: dict(told) for source, told in logs.items()},
            {"reported": cases[:], "opened": cases[:], "due alerts": alerts[:], "raised alerts": alerts[:]},
        )

    def facts(self) -> Facts:
        return Facts(
            logs={source: Log(len(told), {source: digest_of(told.values())}) for source, told in self.logs.items()},
            kafka={source: OnKafka(digest_of(told.values())) for source, told in self.kafka.items()},
            copy=Log(
                sum(len(told) for told in self.copy.values()),
                {source: digest_of(told.values()) for source, told in self.copy.items()},
            ),
            reported=_digest(self.names["reported"]),
            opened=_digest(self.names["opened"]),
            due_alerts=_digest(self.names["due alerts"]),
            raised_alerts=_digest(self.names["raised alerts"]),
            models=[Model("mediation", "caseload", 3)],
            lags=[Lag("intake", "relay", 0)],
            messages=MESSAGES,
            timers=[TIMERS],
            looked_at=NOON + timedelta(hours=1),
            tables=[Table("mediation", "event", 4), Table("mediation", "caseload")],
            erased={"c3"},
            ledger={"c3", "c0"},
            items=self.items(),
        )

    def items(self) -> dict[str, Mapping[str, int]]:
        places: dict[str, Mapping[str, int]] = {
            place: {name: name_hash(name) for name in names} for place, names in self.names.items()
        }
        for kind, sources in {"log": self.logs, "kafka": self.kafka, "copy": self.copy}.items():
            places |= {f"{kind} {source}": told for source, told in sources.items()}
        return places


def _event(source: str, case: str, version: int, type_: str) -> tuple[str, int]:
    return f"{case}:{version}", event_hash(source, case, version, type_, b"{}")


def _digest(names: Iterable[str]) -> Digest:
    return digest_of(map(name_hash, names))


def wrong(facts: Facts) -> dict[str, str]:
    """What was found wrong: each check with its first difference."""
    return {finding.check: finding.differences[0] for finding in judge(facts) if not finding.ok}


def test_a_whole_world_has_no_difference() -> None:
    assert wrong(World.whole().facts()) == {}
    assert {finding.invariant for finding in judge(World.whole().facts())} == {f"I{nth}" for nth in range(1, 10)}


Plant = Callable[[World], object]

PLANTED: dict[str, tuple[Plant, dict[str, str]]] = {
    "an event that never left its log": (
        lambda world: world.kafka["intake"].pop("c2:1"),
        {"intake's events are on Kafka, in order": "1 missing, e.g. c2:1"},
    ),
    "an event on Kafka that its log does not have": (
        lambda world: world.kafka["intake"].update([_event("intake", "c9", 1, "case.reported")]),
        {"intake's events are on Kafka, in order": "1 there without cause, e.g. c9:1"},
    ),
    "an event whose content changed on the way": (
        lambda world: world.kafka["mediation"].update({"c2:1": 7}),
        {"mediation's events are on Kafka, in order": "1 with other content, e.g. c2:1"},
    ),
    "an event that reporting lost": (
        lambda world: world.copy["mediation"].pop("c1:2"),
        {"mediation's events are in reporting's copy, once, unchanged": "1 missing, e.g. c1:2"},
    ),
    "a report without a case": (
        lambda world: world.names["opened"].remove("c3"),
        {"every report has one case": "1 missing, e.g. c3"},
    ),
    "a report with two cases": (
        lambda world: world.names["opened"].append("c3 again"),
        {"every report has one case": "1 there without cause, e.g. c3 again"},
    ),
    "one case in place of another": (
        lambda world: world.names.update(opened=["c1", "c2", "c9"]),
        {"every report has one case": "1 missing, e.g. c3"},
    ),
    "an alert that nobody got": (
        lambda world: world.names["raised alerts"].remove("c1 escalated"),
        {ALERTED: "1 missing, e.g. c1 escalated"},
    ),
    "an alert that was raised twice": (
        lambda world: world.names["raised alerts"].append("c1 escalated (2)"),
        {ALERTED: "1 there without cause, e.g. c1 escalated (2)"},
    ),
    "an alert under another id than its cause gives it": (
        lambda world: world.names.update({"raised alerts": ["c1 opened", "c2 opened", "c3 opened", "c1 escalated?"]}),
        {ALERTED: "1 missing, e.g. c1 escalated"},
    ),
    "a reopening of which nobody was told": (
        lambda world: world.names["due alerts"].append("c2 reopened"),
        {ALERTED: "1 missing, e.g. c2 reopened"},
    ),
    "an alert for imported history": (
        lambda world: world.names["raised alerts"].append("c8 opened"),
        {ALERTED: "1 there without cause, e.g. c8 opened"},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_in_the_events(name: str) -> None:
    plant, found = PLANTED[name]
    world = World.whole()
    plant(world)
    assert wrong(world.facts()) == found


def test_two_equal_differences_do_not_cancel_out() -> None:
    world = World.whole()
    world.copy["intake"] = {"c1:1": world.copy["intake"]["c1:1"], "c9:1": 1, "c8:1": 2}
    differences = _finding(world.facts(), "intake's events are in reporting's copy, once, unchanged").differences
    assert list(differences) == ["2 missing, e.g. c2:1, c3:1", "2 there without cause, e.g. c8:1, c9:1"]


def test_a_difference_is_told_before_anybody_looked_at_it_closely() -> None:
    world = World.whole()
    world.copy["intake"].pop("c1:1")
    facts = replace(world.facts(), items={})
    finding = _finding(facts, "intake's events are in reporting's copy, once, unchanged")
    assert list(finding.differences) == ["3 expected, 2 found"]
    assert finding.compared == ("log intake", "copy intake")


def test_positions_that_a_restore_told_as_lost_are_told_and_no_difference() -> None:
    facts = World.whole().facts()
    log = facts.logs["intake"]
    facts = replace(facts, logs={**facts.logs, "intake": replace(log, position=log.position + 2, lost=2)})
    assert wrong(facts) == {}
    assert _finding(facts, "intake's log has no gap").told == "3 events; 2 lost at a restore"


MESSAGED = "every event that asks for a message has one, to one reader"
LETTERS = "every letter was sent once, again only by a crash, under its own id"
WELL = Span(NOON - timedelta(hours=1), NOON + timedelta(hours=3))

SPOILT: dict[str, tuple[Callable[[Facts], Facts], str, str]] = {
    "a counter behind its log": (
        lambda facts: replace(facts, logs={**facts.logs, "intake": replace(facts.logs["intake"], position=9)}),
        "intake's log has no gap",
        "3 events, but its counter stands at 9",
    ),
    "a gap in the positions": (
        lambda facts: replace(facts, logs={**facts.logs, "intake": replace(facts.logs["intake"], position_gaps=["2"])}),
        "intake's log has no gap",
        "position 2",
    ),
    "a gap in a stream": (
        lambda facts: replace(facts, copy=replace(facts.copy, version_gaps=["c1:2"])),
        "reporting's copy has no gap",
        "version c1:2",
    ),
    "disorder on Kafka": (
        lambda facts: replace(facts, kafka={**facts.kafka, "intake": _kafka(facts, disorder=["c1:1 behind c2:1"])}),
        "intake's events are on Kafka, in order",
        "out of order: c1:1 behind c2:1",
    ),
    "a record sent again with other content": (
        lambda facts: replace(facts, kafka={**facts.kafka, "intake": _kafka(facts, altered=["c1:1"])}),
        "intake's events are on Kafka, in order",
        "came again with other content: c1:1",
    ),
    "a stranger on Kafka": (
        lambda facts: replace(facts, kafka={**facts.kafka, "billing": OnKafka(Digest(1, 1))}),
        "Kafka holds events of our services alone",
        "events of billing, which is no service of Doorstep",
    ),
    "a record that can't be read": (
        lambda facts: replace(facts, unreadable=["doorstep.cases.v1 3 at 17: a header is missing"]),
        "everything on Kafka can be read",
        "not an event of ours: doorstep.cases.v1 3 at 17: a header is missing",
    ),
    "a row that a read model lacks": (
        lambda facts: replace(facts, models=[Model("mediation", "caseload", 2, missing=1, examples=["c3"])]),
        "mediation: caseload has a row for each",
        "1 rows are missing, e.g. c3",
    ),
    "a row too many": (
        lambda facts: replace(facts, models=[Model("mediation", "caseload", 4, surplus=1, examples=["c9"])]),
        "mediation: caseload has a row for each",
        "1 rows have no event, e.g. c9",
    ),
    "a parked event": (
        lambda facts: replace(facts, waiting=[Waiting("intake", "intake-status", 2, "unknown event type", "c1:3")]),
        "nothing is parked",
        "intake-status: 2 × unknown event type, e.g. c1:3",
    ),
    "an event that waits for one before it": (
        lambda facts: replace(facts, waiting=[Waiting("intake", "intake-status", 1, None, "c1:3")]),
        "nothing waits for an event that is missing",
        "intake-status: 1 wait, e.g. c1:3",
    ),
    "a row that holds something else": (
        lambda facts: replace(facts, models=[Model("mediation", "caseload", 3, altered=1, examples=["c2"])]),
        "mediation: caseload has a row for each",
        "1 rows differ, e.g. c2",
    ),
    "a message that was never written": (
        lambda facts: replace(facts, messages=replace(MESSAGES, must={"intake:c1:1", "notifications:c1:1"})),
        MESSAGED,
        "1 missing, e.g. notifications:c1:1",
    ),
    "a message that no event asks for": (
        lambda facts: replace(facts, messages=replace(MESSAGES, kept=[*MESSAGES.kept, ("mediation:c9:1", "m9")])),
        MESSAGED,
        "1 there without cause, e.g. mediation:c9:1",
    ),
    "a message to somebody else": (
        lambda facts: replace(facts, messages=replace(MESSAGES, kept=[*MESSAGES.kept, ("notifications:c1:1", "m3")])),
        MESSAGED,
        "1 there without cause, e.g. notifications:c1:1",
    ),
    "two readers of one event": (
        lambda facts: replace(facts, messages=replace(MESSAGES, kept=[*MESSAGES.kept, ("mediation:c1:3", "m1")])),
        MESSAGED,
        "1 more than once, e.g. mediation:c1:3",
    ),
    "a letter sent again without a crash": (
        lambda facts: replace(facts, messages=replace(MESSAGES, crashes=0)),
        LETTERS,
        "1 sent again without a crash, e.g. m3 (2 times)",
    ),
    "a letter that no message stands for": (
        lambda facts: replace(facts, messages=replace(MESSAGES, letters={"m1": 1, "m9": 1})),
        LETTERS,
        "1 without a message, e.g. m9",
    ),
    "a date that nobody waits for": (
        lambda facts: replace(facts, timers=[replace(TIMERS, waiting=())]),
        "mediation: every date that runs has its timer",
        f"1 missing, e.g. {RUNNING}",
    ),
    "a timer whose date has ended": (
        lambda facts: replace(facts, timers=[replace(TIMERS, running=())]),
        "mediation: every date that runs has its timer",
        f"1 there without cause, e.g. {RUNNING}",
    ),
    "a timer that fired early": (
        lambda facts: replace(facts, timers=[replace(TIMERS, fired={FIRED: NOON - timedelta(microseconds=1)})]),
        "mediation: no timer fired early, or for a date that nothing set",
        f"1 early, e.g. {FIRED}, at 2026-03-01T11:59:59.999999+00:00",
    ),
    "a timer that fired for no date": (
        lambda facts: replace(facts, timers=[replace(TIMERS, ever={RUNNING})]),
        "mediation: no timer fired early, or for a date that nothing set",
        f"1 for no date, e.g. {FIRED}",
    ),
    "a timer that was late while all was well": (
        lambda facts: replace(
            facts, timers=[replace(TIMERS, fired={FIRED: NOON + timedelta(seconds=3)})], healthy=[WELL]
        ),
        "mediation: timers fire in time",
        f"1 late, e.g. {FIRED}",
    ),
    "a timer that stands still while all is well": (
        lambda facts: replace(facts, looked_at=RUNNING.due_at + timedelta(seconds=3), healthy=[WELL]),
        "mediation: timers fire in time",
        f"1 late, e.g. {RUNNING} still waits",
    ),
    "a row in another area than its stream": (
        lambda facts: replace(facts, tables=[Table("intake", "particulars", 3, 1, ["c1"])]),
        "every row lies in the area of its stream",
        "intake: 1 rows of particulars do not, e.g. c1",
    ),
    "a table that everybody may read": (
        lambda facts: replace(facts, tables=[Table("intake", "event", 3, guarded=False)]),
        "no table with an area shows its rows outside of it",
        "intake: event has no row-level security, or not for everybody",
    ),
    "a text that outlived its case": (
        lambda facts: replace(facts, texts=[Text("mediation", "particulars", 2, "c3")]),
        "nothing that was told of an erased case is left",
        "mediation: 2 rows of particulars, e.g. of c3",
    ),
    "an erasure that a restore would undo": (
        lambda facts: replace(facts, ledger={"c0"}),
        "every erased case is in the ledger that a restore goes by",
        "1 missing, e.g. c3",
    ),
    "a relay that stands still": (
        lambda facts: replace(facts, lags=[Lag("intake", "relay", 5)]),
        "nothing is behind",
        "intake: relay is 5 behind",
    ),
}


def _kafka(facts: Facts, disorder: Iterable[str] = (), altered: Iterable[str] = ()) -> OnKafka:
    return replace(facts.kafka["intake"], disorder=list(disorder), altered=list(altered))


@pytest.mark.parametrize("name", SPOILT)
def test_planted_in_the_facts(name: str) -> None:
    spoil, check, difference = SPOILT[name]
    assert wrong(spoil(World.whole().facts())) == {check: difference}


@pytest.mark.parametrize("name", [*PLANTED, *SPOILT])
def test_every_difference_has_a_remedy(name: str) -> None:
    world = World.whole()
    if name in PLANTED:
        PLANTED[name][0](world)
    facts = world.facts() if name in PLANTED else SPOILT[name][0](world.facts())
    assert all(finding.remedy for finding in judge(facts) if not finding.ok)


def test_what_came_too_late_for_an_alert_is_no_difference_as_long_as_it_was_counted() -> None:
    world = World.whole()
    world.names["raised alerts"].remove("c1 escalated")
    check = ALERTED
    assert _finding(replace(world.facts(), late_alerts=1), check).ok
    assert not _finding(replace(world.facts(), late_alerts=2), check).ok


@pytest.mark.parametrize(
    ("begin", "after", "ok"),
    [
        (timedelta(hours=-1), timedelta(seconds=2), True),
        (timedelta(minutes=1), timedelta(seconds=90), True),
        (timedelta(minutes=1), timedelta(seconds=91), False),
        (timedelta(seconds=-10), timedelta(seconds=20), True),
        (timedelta(seconds=-10), timedelta(seconds=21), False),
    ],
    ids=["in time", "due in an outage, soon after it", "too long after", "due while it heals", "too long after that"],
)
def test_what_an_outage_delayed_has_half_a_minute(begin: timedelta, after: timedelta, *, ok: bool) -> None:
    spans = [Span(NOON - timedelta(hours=3), NOON - timedelta(hours=2)), Span(NOON + begin, NOON + timedelta(hours=1))]
    timers = replace(TIMERS, fired={FIRED: NOON + after})
    facts = replace(World.whole().facts(), timers=[timers], healthy=spans, looked_at=None)
    assert _finding(facts, "mediation: timers fire in time").ok is ok


@pytest.mark.parametrize("spans", [[], [Span(NOON - timedelta(hours=1), NOON + timedelta(seconds=1))]])
def test_lateness_is_told_and_not_judged_where_nobody_knows_that_all_was_well(spans: list[Span]) -> None:
    timers = replace(TIMERS, fired={FIRED: NOON + timedelta(minutes=10)})
    finding = _finding(replace(World.whole().facts(), timers=[timers], healthy=spans), "mediation: timers fire in time")
    assert finding.ok
    assert finding.told.startswith("600.0 s late at most")


def test_without_a_mailbox_to_look_into_nothing_is_said_of_letters() -> None:
    facts = replace(World.whole().facts(), messages=replace(MESSAGES, letters=None))
    assert LETTERS not in {finding.check for finding in judge(facts)}


def test_an_event_sent_again_is_no_difference_but_is_told() -> None:
    facts = World.whole().facts()
    facts = replace(facts, kafka={**facts.kafka, "intake": replace(facts.kafka["intake"], again=2)})
    finding = _finding(facts, "intake's events are on Kafka, in order")
    assert finding.ok
    assert finding.told == "3 of 3, 2 of them sent again"


def _finding(facts: Facts, check: str) -> Finding:
    return next(finding for finding in judge(facts) if finding.check == check)


STORED = "every write that a client was told of is in its log"
ONCE = "every report that was answered is in intake's log, once"
HISTORY = [
    Told("report", "k1", "unknown"),
    Told("report", "k1", "ok", "intake:c1:1", "c1"),
    Told("report", "k2", "ok", "intake:c2:1", "c2"),
    Told("report", "k3", "unknown"),
    Told("report", "k4", "failed"),
    Told("take duty", "d1", "ok", "notifications:desk:1"),
]


def told(history: Iterable[Told], *stored: str, only_client: bool = True) -> Facts:
    """The whole world, which holds three reports, and what clients were told of it."""
    kept = set(stored) or {"intake:c1:1", "intake:c2:1", "notifications:desk:1"}
    return replace(World.whole().facts(), told=list(history), stored=kept, only_client=only_client)


def test_a_history_that_is_true_has_no_difference() -> None:
    assert wrong(told(HISTORY)) == {}
    assert _finding(told(HISTORY), STORED).told == "3 told, 3 refused or unanswered"


def test_without_a_history_nothing_is_said_of_one() -> None:
    assert not {STORED, ONCE} & {finding.check for finding in judge(World.whole().facts())}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ([Told("report", "k5", "ok", "intake:c3:1", "c3")], {STORED: "report intake:c3:1"}),
        ([Told("acknowledge", "a1", "ok")], {STORED: "acknowledge a1"}),
        ([Told("report", "k1", "ok", "intake:c2:1", "c2")], {ONCE: "k1 was answered with 2 cases"}),
        ([Told("report", "k5", "ok", "intake:c2:1", "c2")], {ONCE: "c2 answers 2 reports"}),
    ],
    ids=["lost", "without a position", "two cases for one key", "one case for two keys"],
)
def test_planted_in_the_history(more: list[Told], found: dict[str, str]) -> None:
    assert wrong(told([*HISTORY, *more])) == found


def test_a_report_that_nobody_sent_is_found_where_nobody_else_reports() -> None:
    fewer = [one for one in HISTORY if one.key != "k3"]
    assert wrong(told(fewer)) == {ONCE: "3 reports stored, of 2 that were sent"}
    assert wrong(told(fewer, only_client=False)) == {}


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "told.ndjson"
    path.write_bytes(b"".join(map(line, HISTORY)))
    assert read(path) == HISTORY


@pytest.mark.parametrize("broken", ["{", '{"what": "report"}', '{"what": "report", "key": "k", "outcome": "perhaps"}'])
def test_a_broken_history_names_its_line(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "told.ndjson"
    path.write_bytes(line(HISTORY[0]) + broken.encode())
    with pytest.raises(WrongHistory, match="line 2"):
        read(path)


RIGHT, BEHIND = Finding("I1", "nothing is lost", "7"), Finding("I9", "nothing is behind", "1", ["a consumer"])
LOST, FEWER = Finding("I1", "nothing is lost", "6", ["7"]), Finding("I1", "nothing is lost", "5", ["6", "7"])


@pytest.mark.parametrize(
    ("found", "seconds", "settled"),
    [
        ([[RIGHT]], 0.0, True),
        ([[LOST]], 0.0, False),
        ([[LOST], [LOST]], 3.0, True),
        ([[LOST], [FEWER]], 3.0, False),
        ([[LOST], [FEWER]] * LOOKS, 30.0, True),
        ([[LOST], [LOST, BEHIND]] * LOOKS, 30.0, False),
        ([[BEHIND], [BEHIND]], 3.0, False),
        ([[BEHIND], [BEHIND]], HEALED_SECONDS, True),
        ([[BEHIND], [BEHIND], [RIGHT]], 6.0, True),
    ],
)
def test_whoever_is_behind_is_given_the_time_to_come_to_the_end(
    found: list[list[Finding]], seconds: float, settled: bool
) -> None:
    """A consumer that stands still between two looks may only wait for its partitions."""
    assert is_settled(found, seconds) is settled
