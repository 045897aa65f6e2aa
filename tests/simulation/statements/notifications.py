"""Twins of notifications' own statements: what is known of cases, what came too late, and messages on their way."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from services.notifications.deliveries import channels, rows, sender
from services.notifications.read_models import known_cases, late_cases, raised_alerts, told_cases
from tests.simulation.connection import twin
from tests.simulation.statements.rows import astuple
from tests.simulation.tables import Transaction


class Late(NamedTuple):
    area: str
    day: date
    cases: int
    oldest_at: datetime
    newest_at: datetime


class Delivery(NamedTuple):
    delivery_id: UUID
    source: str
    stream_id: UUID
    version: int
    audience: str
    recipient: str
    what: str
    area: str
    reference: str | None
    category: str | None
    urgency: str | None
    owner: str | None
    by_when: datetime | None
    recorded_at: datetime
    stale_at: datetime
    state: str
    next_at: datetime
    channel: str | None = None
    reason: str | None = None
    digest_of: int | None = None
    attempts: int = 0
    settled_at: datetime | None = None


class Place(NamedTuple):
    area: str
    name: str
    time_zone: str | None


@twin(known_cases.KNOWN)
def known(transaction: Transaction, case_ids: Sequence[UUID]) -> list[Any]:
    return [astuple(row) for case_id in case_ids if (row := transaction.get("known_case", case_id)) is not None]


@twin(told_cases.TOLD)
def told(transaction: Transaction, case_ids: Sequence[UUID]) -> list[Any]:
    return [astuple(row) for case_id in case_ids if (row := transaction.get("told_case", case_id)) is not None]


@twin(raised_alerts.CASE_OF)
def case_of(transaction: Transaction, alert: UUID, areas: Sequence[str]) -> list[tuple[UUID]]:
    row = transaction.get("raised_alert", alert)
    return [(row.case_id,)] if row is not None and row.area.startswith(tuple(areas)) else []


@twin(late_cases.COUNT)
def count_late(
    transaction: Transaction,
    day: date,
    areas: Sequence[str],
    cases: Sequence[int],
    oldest: Sequence[datetime],
    newest: Sequence[datetime],
) -> int:
    for area, number, oldest_at, newest_at in zip(areas, cases, oldest, newest, strict=True):
        transaction.lock("late_cases", (area, day))
        old: Late | None = transaction.get("late_cases", (area, day))
        row = Late(area, day, number, oldest_at, newest_at)
        if old is not None:
            row = Late(area, day, old.cases + number, min(old.oldest_at, oldest_at), max(old.newest_at, newest_at))
        transaction.put("late_cases", (area, day), row)
    return len(areas)


# deliveries


@twin(rows.WRITE)
def write(transaction: Transaction, *columns: Any) -> int:
    *planned, at = columns
    added = 0
    for values in zip(*planned, strict=True):
        row = Delivery(*values, state="waiting", next_at=at)
        transaction.lock("delivery", row.delivery_id)
        if transaction.get("delivery", row.delivery_id) is None:
            transaction.put("delivery", row.delivery_id, row)
            added += 1
    return added


@twin(rows.DOUBT)
def doubt(transaction: Transaction, at: datetime) -> int:
    """No database of a schedule was ever restored."""
    del transaction, at
    return 0


@twin(rows.VOID)
def void(
    transaction: Transaction,
    streams: Sequence[UUID],
    audiences: Sequence[str],
    reasons: Sequence[str],
    at: datetime,
    untils: Sequence[datetime | None],
    whats: Sequence[str | None],
) -> int:
    ends = list(zip(streams, audiences, reasons, untils, whats, strict=True))
    found = {
        row: reason
        for row in _waiting(transaction)
        for stream_id, audience, reason, until, ended in ends
        if (row.stream_id, row.audience) == (stream_id, audience)
        and (until is None or row.recorded_at <= until)
        and (ended is None or row.what in ended.split())
        and (row.digest_of in (None, 1) or row.audience == "resident")
    }
    _lock(transaction, list(found))
    for row, reason in found.items():
        _put(transaction, row, state="cancelled", reason=reason, settled_at=at)
    return len(found)


@twin(rows.CLAIM)
def claim(
    transaction: Transaction, at: datetime, lease: datetime, limit: int, too_late: datetime
) -> list[tuple[Any, ...]]:
    first: dict[tuple[UUID, str, str], Any] = {}
    for row in sorted(_waiting(transaction), key=lambda row: (row.recorded_at, row.version, row.delivery_id)):
        first.setdefault((row.stream_id, row.audience, row.recipient), row)
    due = sorted(
        (row for row in first.values() if row.next_at <= at or row.next_at > too_late),
        key=lambda row: (row.audience != "staff", row.next_at),
    )
    claimed: list[tuple[Any, ...]] = []
    for row in due:
        if len(claimed) == limit:
            break
        if transaction.try_lock("delivery", row.delivery_id):
            taken = _put(transaction, row, next_at=lease, attempts=row.attempts + 1, reason=None)
            claimed.append(tuple(getattr(taken, name) for name in _CLAIMED))
    return claimed


_CLAIMED = (
    *("delivery_id", "stream_id", "audience", "recipient", "what", "area", "reference", "category", "urgency"),
    *("owner", "by_when", "recorded_at", "attempts", "digest_of"),
)


@twin(rows.STILL_WAITS)
def still_waits(transaction: Transaction, delivery_id: UUID) -> list[tuple[int]]:
    row = transaction.get("delivery", delivery_id)
    return [(1,)] if row is not None and row.state == "waiting" else []


@twin(rows.SETTLE)
def settle(
    transaction: Transaction,
    delivery_id: UUID,
    state: str,
    reason: str | None,
    channel: str | None,
    at: datetime,
) -> int:
    transaction.lock("delivery", delivery_id)
    row = transaction.get("delivery", delivery_id)
    if row is None or not (row.state == "waiting" or state == "sent"):
        return 0
    _put(transaction, row, state=state, reason=reason, channel=channel, settled_at=at)
    return 1


@twin(rows.PUT_BACK)
def put_back(transaction: Transaction, deliveries: Sequence[UUID], next_at: datetime, reason: str, untried: int) -> int:
    found = [row for row in _waiting(transaction) if row.delivery_id in deliveries]
    _lock(transaction, found)
    for row in found:
        _put(transaction, row, next_at=next_at, reason=reason, attempts=row.attempts - untried)
    return len(found)


@twin(rows.EXPIRE)
def expire(transaction: Transaction, at: datetime) -> int:
    ends = [row for row in _waiting(transaction) if row.digest_of is not None or row.audience == "guest"]
    found = [row for row in ends if _is_late(row, at)]
    _lock(transaction, found)
    for row in found:
        _put(transaction, row, state="expired", reason="too_late", settled_at=at)
    return len(found)


class LateRow(NamedTuple):
    delivery_id: UUID
    audience: str
    recipient: str
    stream_id: UUID
    digest_of: int | None


@twin(rows.LATE)
def late(transaction: Transaction, at: datetime, limit: int) -> list[LateRow]:
    found = sorted(
        (
            row
            for row in _waiting(transaction)
            if row.digest_of is None and row.audience != "guest" and _is_late(row, at)
        ),
        key=lambda row: row.recorded_at,
        reverse=True,
    )
    free = (row for row in found if transaction.try_lock("delivery", row.delivery_id))
    return [_late_row(row) for row in islice(free, limit)]


@twin(rows.DIGESTS)
def digests(transaction: Transaction) -> list[LateRow]:
    found = sorted(
        (row for row in _waiting(transaction) if row.digest_of is not None), key=lambda row: row.delivery_id.bytes
    )
    _lock(transaction, found)
    return [_late_row(row) for row in found]


@twin(rows.SWALLOW)
def swallow(transaction: Transaction, deliveries: Sequence[UUID], at: datetime) -> int:
    for delivery_id in deliveries:
        _put(transaction, _delivery(transaction, delivery_id), state="expired", reason="in_digest", settled_at=at)
    return len(deliveries)


@twin(rows.GROW_DIGESTS)
def grow_digests(
    transaction: Transaction, deliveries: Sequence[UUID], numbers: Sequence[int], stale_at: datetime
) -> int:
    for delivery_id, number in zip(deliveries, numbers, strict=True):
        _put(transaction, _delivery(transaction, delivery_id), digest_of=number, stale_at=stale_at)
    return len(deliveries)


@twin(rows.STANDING)
def standing(transaction: Transaction) -> list[tuple[int, datetime | None]]:
    waiting = list(_waiting(transaction))
    return [(len(waiting), min((row.recorded_at for row in waiting), default=None))]


@twin(channels.CHANNELS)
def channels_of(transaction: Transaction, staff: str) -> list[Any]:
    row = transaction.get("contact_channel", staff)
    return [row] if row is not None else []


@twin(channels.KEEP)
def keep_channels(transaction: Transaction, staff: str, ref: UUID, key_id: int, sealed: bytes, at: datetime) -> int:
    del at
    transaction.put("contact_channel", staff, Contact(ref, key_id, sealed))
    return 1


class Contact(NamedTuple):
    ref: UUID
    key_id: int
    sealed: bytes


@twin(sender.PLACE)
def place(transaction: Transaction, area: str) -> list[Place]:
    found = [
        Place(row.area, row.name, row.time_zone)
        for row in transaction.scan("place")
        if row.area.startswith(area) and (row.area == area or row.time_zone is not None)
    ]
    return sorted(found, key=lambda row: (row.area != area, row.area))[:2]


def _delivery(transaction: Transaction, delivery_id: UUID) -> Delivery:
    row: Delivery | None = transaction.get("delivery", delivery_id)
    assert row is not None
    return row


def _waiting(transaction: Transaction) -> Iterator[Delivery]:
    return (row for row in transaction.scan("delivery") if row.state == "waiting")


def _is_late(row: Delivery, at: datetime) -> bool:
    return row.stale_at <= at and row.next_at <= at


def _late_row(row: Delivery) -> LateRow:
    return LateRow(row.delivery_id, row.audience, row.recipient, row.stream_id, row.digest_of)


def _lock(transaction: Transaction, found: Iterable[Delivery]) -> None:
    for row in found:
        transaction.lock("delivery", row.delivery_id)


def _put(transaction: Transaction, row: Delivery, **changed: Any) -> Delivery:
    changed_row = row._replace(**changed)
    transaction.put("delivery", row.delivery_id, changed_row)
    return changed_row
