"""Twins of what timers and the relay keep: clocks that run, and how far a log was followed."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from services.chassis import relay, sole, timers
from services.chassis.timers import Standing, Timer
from tests.simulation.connection import twin
from tests.simulation.statements.store import Event, log_position
from tests.simulation.tables import Transaction


@twin(timers.SETTINGS)
def settings(transaction: Transaction) -> None:
    del transaction


@twin(timers.LOOK)
def look(transaction: Transaction) -> list[Standing]:
    next_due = min((row.due_at for row in transaction.scan("timer")), default=None)
    reached = transaction.get("cursor", "timers") or 0
    return [Standing(reached, log_position(transaction), next_due, transaction.database.clock())]


@twin(timers.BEGIN)
def begin(transaction: Transaction) -> None:
    transaction.lock("cursor", "timers")
    if transaction.get("cursor", "timers") is None:
        transaction.put("cursor", "timers", 0)


@twin(timers.LOCK)
def lock(transaction: Transaction) -> list[tuple[int]]:
    if transaction.get("cursor", "timers") is None:
        return []
    transaction.lock("cursor", "timers")
    return [(transaction.get("cursor", "timers") or 0,)]


@twin(timers.ADVANCE)
def advance(transaction: Transaction, position: int) -> None:
    transaction.put("cursor", "timers", position)


@twin(timers.READ_OF_TYPES)
def read(transaction: Transaction, after: int, upto: int, types: Sequence[str]) -> list[Event]:
    wanted = set(types)
    found = (transaction.get("event", position) for position in range(after + 1, upto + 1))
    return [row for row in found if row is not None and row.type in wanted]


@twin(timers.CLEAR_ALL)
def clear_all(transaction: Transaction, streams: Sequence[UUID]) -> None:
    wanted = set(streams)
    _remove(transaction, [row for row in transaction.scan("timer") if row.stream_id in wanted])


@twin(timers.CLEAR)
def clear(transaction: Transaction, streams: Sequence[UUID], names: Sequence[str]) -> None:
    wanted = set(zip(streams, names, strict=True))
    _remove(transaction, [row for row in transaction.scan("timer") if (row.stream_id, row.name) in wanted])


@twin(timers.SET)
def set_(
    transaction: Transaction,
    streams: Sequence[UUID],
    names: Sequence[str],
    dues: Sequence[datetime],
    areas: Sequence[str],
    traceparents: Sequence[str | None],
) -> None:
    rows = [Timer(*row) for row in zip(streams, names, dues, areas, traceparents, strict=True)]
    for row in rows:
        transaction.lock("timer", (row.stream_id, row.name))
    for row in rows:
        transaction.put("timer", (row.stream_id, row.name), row)


@twin(timers.CLAIM)
def claim(transaction: Transaction, at: datetime, aside: Sequence[UUID], most: int) -> list[Timer]:
    due = sorted(
        (row for row in transaction.scan("timer") if row.due_at <= at and row.stream_id not in aside),
        key=lambda row: row.due_at,
    )
    free = (row for row in due if transaction.try_lock("timer", (row.stream_id, row.name)))
    return list(islice(free, most))


@twin(timers.GONE)
def gone(transaction: Transaction, streams: Sequence[UUID], names: Sequence[str], dues: Sequence[datetime]) -> None:
    fired = set(zip(streams, names, dues, strict=True))
    _remove(transaction, [row for row in transaction.scan("timer") if tuple(row[:3]) in fired])


@twin(timers.COUNT)
def count(transaction: Transaction) -> list[tuple[int]]:
    return [(sum(1 for _ in transaction.scan("timer")),)]


def _remove(transaction: Transaction, rows: Sequence[Timer]) -> None:
    for row in rows:
        transaction.lock("timer", (row.stream_id, row.name))
    for row in rows:
        transaction.remove("timer", (row.stream_id, row.name))


# the relay


@twin(sole.KEEPALIVES)
def keepalives(transaction: Transaction) -> None:
    del transaction


@twin(relay.LOCK)
def lock_relay(transaction: Transaction) -> list[tuple[bool]]:
    """A session's lock: whoever held it and is no more has let go of it."""
    sessions = transaction.database.sessions
    holder, asks = sessions.get("relay"), transaction.connection
    if holder is None or not holder.alive or holder is asks:
        sessions["relay"] = asks
        return [(True,)]
    asks.engine.probes.met("relay waited for its lock")
    return [(False,)]


@twin(relay.ADVANCE)
def advance_relay(transaction: Transaction, position: int) -> None:
    transaction.lock("cursor", "relay")
    if (transaction.get("cursor", "relay") or 0) < position:
        transaction.put("cursor", "relay", position)
        transaction.notes.append(("published up to", position))


@twin(relay.CURSOR)
def cursor(transaction: Transaction) -> list[tuple[int]]:
    reached = transaction.get("cursor", "relay")
    return [] if reached is None else [(reached,)]
