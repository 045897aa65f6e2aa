"""Twins of reporting's own statements: its copy of the log, what follows it, and faults that were seen."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.reporting import left_out, patterns, public_log
from tests.simulation.connection import twin
from tests.simulation.tables import Transaction


class PublicEvent(NamedTuple):
    """In the order of `public_log.READ`; `data` is its bytes."""

    position: int
    source: str
    stream_id: UUID
    version: int
    source_position: int
    type: str
    schema_version: int
    area: str
    data: bytes
    occurred_at: datetime
    recorded_at: datetime
    command_key: str
    fingerprint: bytes
    actor: str
    traceparent: str | None


@twin(public_log.APPEND)
def append(transaction: Transaction, *columns: Sequence[Any]) -> int:
    transaction.lock("public_log", 0)
    base = transaction.get("public_log", 0) or 0
    rows = [PublicEvent(base + nth, *values) for nth, values in enumerate(zip(*columns, strict=True), 1)]
    for row in rows:
        transaction.insert("public_event identity", (row.stream_id, row.source, row.version), row.position)
        transaction.insert("public_event", row.position, row)
    transaction.put("public_log", 0, base + len(rows))
    return len(rows)


@twin(public_log.ENTER)
def enter(transaction: Transaction, model: str) -> None:
    if transaction.get("cursor", model) is None:
        transaction.lock("cursor", model)
        if transaction.get("cursor", model) is None:
            transaction.put("cursor", model, 0)


class Standing(NamedTuple):
    position: int
    head: int


@twin(public_log.LOCK_CURSOR)
def lock_cursor(transaction: Transaction, model: str) -> list[Standing]:
    """Who had to wait is told of a later head than PostgreSQL would: no schedule shows one behind the position."""
    if transaction.get("cursor", model) is None:
        return []
    transaction.lock("cursor", model)
    return [Standing(transaction.get("cursor", model) or 0, transaction.get("public_log", 0) or 0)]


@twin(public_log.ADVANCE)
def advance(transaction: Transaction, model: str, position: int) -> None:
    transaction.put("cursor", model, position)


@twin(public_log.BEHIND)
def behind(transaction: Transaction, after: int, upto: int, limit: int) -> list[PublicEvent]:
    found = (transaction.get("public_event", position) for position in range(after + 1, upto + 1))
    return [row for row in found if row is not None][:limit]


@twin(left_out.LEFT_OUT)
def of_model(transaction: Transaction, model: str) -> list[Any]:
    return [row for row in transaction.scan("left_out") if row.model == model]


# patterns


class Sighting(NamedTuple):
    case_id: UUID
    at: datetime
    area: str
    category: str


class Counted(NamedTuple):
    case_id: UUID
    cases: int
    since: datetime
    until: datetime


@twin(patterns.SEE)
def see(
    transaction: Transaction,
    ids: Sequence[UUID],
    at: Sequence[datetime],
    areas: Sequence[str],
    categories: Sequence[str],
) -> None:
    for row in zip(ids, at, areas, categories, strict=True):
        transaction.lock("fault_sighting", row[0])
        if transaction.get("fault_sighting", row[0]) is None:
            transaction.put("fault_sighting", row[0], Sighting(*row))


@twin(patterns.COUNT)
def count(
    transaction: Transaction,
    ids: Sequence[UUID],
    at: Sequence[datetime],
    areas: Sequence[str],
    categories: Sequence[str],
    window: timedelta,
    enough: int,
) -> Iterator[Counted]:
    seen: list[Sighting] = list(transaction.scan("fault_sighting"))
    for case_id, new_at, area, category in zip(ids, at, areas, categories, strict=True):
        like = [one for one in seen if (one.area, one.category) == (area, category)]
        for last in sorted(like, key=lambda one: one.at):
            if not new_at <= last.at < new_at + window:
                continue
            counted = [one.at for one in like if last.at - window < one.at <= last.at]
            if len(counted) >= enough:
                yield Counted(case_id, len(counted), min(counted), last.at)
                break


@twin(patterns.FORGET)
def forget(
    transaction: Transaction,
    at: Sequence[datetime],
    areas: Sequence[str],
    categories: Sequence[str],
    window: timedelta,
) -> None:
    earliest: dict[tuple[str, str], datetime] = {}
    for moment, *key in zip(at, areas, categories, strict=True):
        known = earliest.get((key[0], key[1]), moment)
        earliest[key[0], key[1]] = min(known, moment)
    gone = [
        row.case_id
        for row in transaction.scan("fault_sighting")
        if (row.area, row.category) in earliest and row.at <= earliest[row.area, row.category] - 2 * window
    ]
    for case_id in gone:
        transaction.remove("fault_sighting", case_id)
