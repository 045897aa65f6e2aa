"""What the checker judges, taken from the stand-ins: the same facts as `deploy.facts` collects of a running stack."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from deploy.evidence import (
    Clock,
    Facts,
    Lag,
    Log,
    Model,
    OnKafka,
    Table,
    Text,
    Timers,
    Waiting,
    digest_of,
    event_hash,
    name_hash,
)
from deploy.on_kafka import Contents, Known, note
from deploy.on_time import RULES
from deploy.owed import clock_of, clocks_owed, key_of, messages_owed
from deploy.reconcile import judge
from services.chassis.eventstore import recorded_of
from services.chassis.projections import concerned, fold
from services.chassis.taken import Taken
from services.contracts.alerts import first_alert_of
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from tests.simulation.services import MODELS, NAMES
from tests.simulation.tables import Database
from tests.simulation.world import World

SEALED = {"particulars": "stream_id", "set_aside": "case_id"}
IN_AREAS = ("event", "particulars", "timer", "delivery")


def facts_of(world: World) -> Facts:
    """Everything that the checker asks for, at this instant."""
    logs = {name: _recorded(name, database) for name, database in world.databases.items()}
    contents = _contents(world)
    copied = [Recorded._make(row[1:]) for row in _by_position(world.databases["reporting"], "public_event")]
    told = world.town.told
    positions = {f"{one.source}:{one.stream_id}:{one.version}" for log in logs.values() for one in log}
    erased = {str(one.stream_id) for one in logs["intake"] if one.type == "case.erased"}
    happened = _happened(logs)
    facts = Facts(
        logs={name: _log(world.databases[name], logs[name]) for name in NAMES},
        kafka={source: _on_kafka(world, found.told()) for source, found in contents.sources.items()},
        copy=_copy(world.databases["reporting"], copied),
        reported=digest_of(happened["reported"].values()),
        opened=digest_of(happened["opened"].values()),
        due_alerts=digest_of(happened["due alerts"].values()),
        raised_alerts=digest_of(happened["raised alerts"].values()),
        late_alerts=sum(row.cases for row in world.databases["notifications"].rows("late_cases")),
        models=[model for name in NAMES for model in _models(name, world, logs)],
        waiting=[waiting for name in NAMES for waiting in _waiting(name, world.databases[name])],
        lags=[Lag(what.partition(":")[0], what, 1) for what in world.behind()],
        unreadable=contents.unreadable,
        told=told,
        stored={one.position for one in told if one.position in positions},
        only_client=True,
        messages=replace(
            messages_owed(
                _asking(world),
                [
                    (f"{row.source}:{row.stream_id}:{row.version}", str(row.delivery_id))
                    for row in world.databases["notifications"].rows("delivery")
                ],
                world.scheduler.wall_clock(),
            ),
            letters=Counter(str(letter.message_id) for letter in world.letters.taken),
            crashes=world.letters.rightly_again(),
        ),
        timers=[_timers(name, world, logs[name]) for name in RULES],
        tables=[table for name in NAMES for table in _tables(name, world.databases[name])],
        erased=erased,
        ledger={str(case) for (case,) in world.databases["intake"].rows("erased")},
        texts=[text for name in NAMES for text in _texts(name, world.databases[name], erased)],
    )
    if all(finding.ok for finding in judge(facts)):
        return facts
    items: dict[str, Mapping[str, int]] = dict(happened)
    for name in NAMES:
        items[f"log {name}"] = _items(logs[name])
        items[f"copy {name}"] = _items(one for one in copied if one.source == name)
        items[f"kafka {name}"] = _contents(world, name).items
    return replace(facts, items=items)


def _recorded(name: str, database: Database) -> list[Recorded]:
    return [recorded_of(name, row) for row in _by_position(database, "event")]


def _by_position(database: Database, table: str) -> list[Any]:
    rows = database.table(table).rows
    return [rows[position] for position in sorted(rows)]


def _contents(world: World, items_of: str | None = None) -> Contents:
    contents = Contents()
    for log in world.bus.logs.values():
        known = Known()
        for record in log.records:
            note(contents, known, record, items_of)
    return contents


def _on_kafka(world: World, found: OnKafka) -> OnKafka:
    """What is published again after a log was lost comes behind what is new, and consumers hold that until then."""
    return replace(found, disorder=()) if world.lost_a_log else found


def _hash_of(one: Recorded) -> int:
    return event_hash(one.source, str(one.stream_id), one.version, one.type, one.data)


def _items(events: Iterable[Recorded]) -> dict[str, int]:
    return {f"{one.stream_id}:{one.version}": _hash_of(one) for one in events}


def _log(database: Database, events: list[Recorded]) -> Log:
    streams = Counter(one.stream_id for one in events)
    last = {row.stream_id: row.version for row in database.rows("stream")}
    return Log(
        position=database.table("log").rows.get(0, 0),
        events={database.name: digest_of(map(_hash_of, events))},
        position_gaps=_gaps([one.position for one in events]),
        version_gaps=[str(stream) for stream, count in streams.items() if last.get(stream) != count],
    )


def _copy(database: Database, events: list[Recorded]) -> Log:
    of_source = {source: digest_of(_hash_of(one) for one in events if one.source == source) for source in NAMES}
    versions = Counter((one.source, one.stream_id) for one in events)
    highest: dict[tuple[str, Any], int] = {}
    for one in events:
        key = one.source, one.stream_id
        highest[key] = max(highest.get(key, 0), one.version)
    return Log(
        position=database.table("public_log").rows.get(0, 0),
        events={source: digest for source, digest in of_source.items() if digest.count},
        position_gaps=_gaps(sorted(database.table("public_event").rows)),
        version_gaps=[str(key) for key, count in versions.items() if highest[key] != count],
    )


def _gaps(positions: list[int]) -> list[str]:
    return [
        f"{before + 1} to {position - 1}"
        for before, position in zip([0, *positions], positions, strict=False)
        if position != before + 1
    ]


def _happened(logs: Mapping[str, list[Recorded]]) -> dict[str, dict[str, int]]:
    return {
        "reported": _named(str(one.stream_id) for one in logs["intake"] if one.type == "case.reported"),
        "opened": _named(str(one.stream_id) for one in logs["mediation"] if one.type == "case.opened"),
        "due alerts": _named(
            f"{one.stream_id} {one.type.removeprefix('case.')} "
            f"{first_alert_of('mediation', one.stream_id, one.version)}"
            for one in logs["mediation"]
            if _asks_for_an_alert(one)
        ),
        "raised alerts": _named(
            f"{one.stream_id} {event.cause} {event.alert}"
            for one in logs["notifications"]
            if one.type == "alert.raised" and not (event := _alert(one)).step
        ),
    }


def _asks_for_an_alert(recorded: Recorded) -> bool:
    match recorded.type:
        case "case.escalated" | "case.reopened":
            return True
        case "case.opened":
            return getattr(recorded.event(), "answered_by", None) is None
        case "case.assigned":
            return getattr(recorded.event(), "level", None) is not None
        case _:
            return False


def _alert(recorded: Recorded) -> Any:
    event: Event = recorded.event()
    return event


def _named(names: Iterable[str]) -> dict[str, int]:
    seen: Counter[str] = Counter()
    named: dict[str, int] = {}
    for name in names:
        seen[name] += 1
        told = name if seen[name] == 1 else f"{name} ({seen[name]})"
        named[told] = name_hash(told)
    return named


def _asking(world: World) -> list[Recorded]:
    """All events in the order in which they were stored."""
    events = [one for name in NAMES for one in _recorded(name, world.databases[name])]
    return sorted(events, key=lambda one: one.recorded_at)


def _models(name: str, world: World, logs: Mapping[str, list[Recorded]]) -> Iterator[Model]:
    """Each read model against one folded from nothing, from every log that its consumers hear of."""
    heard = [Taken(one) for log in logs.values() for one in log]
    for model in MODELS[name]:
        expected = fold(model, {}, concerned(model, heard))
        live = world.databases[name].table(model.name).rows
        differing = [str(key) for key in dict.fromkeys((*expected, *live)) if expected.get(key) != live.get(key)]
        missing = [str(key) for key in expected if key not in live]
        yield Model(name, model.name, len(live), len(missing), len(differing) - len(missing), differing)


def _waiting(name: str, database: Database) -> list[Waiting]:
    kept = Counter((row.consumer, row.reason) for row in database.rows("held"))
    example = {
        (row.consumer, row.reason): f"{row.source}:{row.stream_id}:{row.version}" for row in database.rows("held")
    }
    return [Waiting(name, *key[:1], count, key[1], example[key]) for key, count in kept.items()]


def _timers(name: str, world: World, events: list[Recorded]) -> Timers:
    rules, database = RULES[name], world.databases[name]
    followed = database.table("cursor").rows.get("timers", 0)
    asking = [one for one in events if one.type in rules.types and one.position <= followed]
    ever, running = clocks_owed(asking, rules.set_by)
    commands = database.table("command").rows
    known = {clock for clock in running if key_of(clock) in commands}
    fired: dict[Clock, Any] = {}
    for one in events:
        if one.command_key.startswith("timer:"):
            fired.setdefault(clock_of(one.command_key), one.recorded_at)
    return Timers(
        name,
        ever=ever,
        running=running - known,
        waiting={Clock.of(*row[:3]) for row in database.rows("timer")} - known,
        fired=fired,
    )


def _tables(name: str, database: Database) -> Iterator[Table]:
    home = {row.stream_id: row.area for row in database.rows("stream")}
    for table in IN_AREAS:
        rows = database.rows(table)
        astray = [row for row in rows if row.stream_id in home and row.area != home[row.stream_id]]
        yield Table(name, table, len(rows), len(astray), [str(row.stream_id) for row in astray[:3]])


def _texts(name: str, database: Database, erased: set[str]) -> Iterator[Text]:
    for table, key in SEALED.items():
        left = [row for row in database.rows(table) if str(getattr(row, key)) in erased]
        if left:
            yield Text(name, table, len(left), str(getattr(left[0], key)))
