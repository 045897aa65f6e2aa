"""The rows of deliveries: written with the batch that causes them, claimed, settled, and what became of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.deliveries.planned import Audience, Planned, Void

LEASE = timedelta(seconds=75)
"""Longer than a turn and an attempt last: after it, whoever had the row is taken for dead."""
TURN = timedelta(seconds=5)
"""Begins no attempt after it; what is left of the rows goes back."""

LONGEST_WAIT = timedelta(hours=1)
"""No row is told to wait so long: one that does was written by a clock that was wrong, and is due."""

FORGOTTEN_AFTER = timedelta(days=7)
"""News older than this, met when an old log is read for the first time, is no news to anybody."""

REVIEWED_TOGETHER = 5_000


class State(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    """The other side says that it will never take it."""
    UNDELIVERABLE = "undeliverable"
    """There is no way to this reader."""
    EXPIRED = "expired"
    """It came too late; a digest may have said so."""
    CANCELLED = "cancelled"
    """It need not be sent, or must not."""
    UNKNOWN_AFTER_RESTORE = "unknown_after_restore"
    """It may have been sent in the time that a restore took back."""


class Channel(StrEnum):
    MAIL = "mail"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that is ours for the length of `LEASE`. `digest_of`: how many late ones it stands for."""

    delivery_id: UUID
    stream_id: UUID
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
    attempts: int
    digest_of: int | None


class Settled(NamedTuple):
    """How an attempt ended for good."""

    state: State
    reason: str | None = None
    channel: Channel | None = None


_CLAIMED = (
    "delivery_id, stream_id, audience, recipient, what, area, reference, category, urgency, owner, by_when,"
    " recorded_at, attempts, digest_of"
)


@dataclass(frozen=True, slots=True)
class Waits:
    """How long news may wait before it is told no more one by one."""

    staff: timedelta
    resident: timedelta

    def until(self, planned: Planned) -> datetime:
        match planned.audience:
            case Audience.STAFF:
                return planned.recorded_at + self.staff
            case Audience.RESIDENT:
                return planned.recorded_at + self.resident
            case Audience.GUEST:
                assert planned.by_when is not None
                return planned.by_when  # when it has begun nobody need be told any more


WRITE = (
    "INSERT INTO delivery (delivery_id, source, stream_id, version, audience, recipient, what, area, reference,"
    "  category, urgency, owner, by_when, recorded_at, stale_at, state, next_at)"
    " SELECT n.*, 'waiting', $16"
    " FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[],"
    "  $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[],"
    "  $15::timestamptz[]) AS n"
    " ON CONFLICT DO NOTHING"
)
DOUBT = (
    "UPDATE delivery SET state = 'unknown_after_restore', reason = 'restored', settled_at = $1"
    " WHERE state = 'waiting' AND recorded_at < (SELECT max(restored_at) FROM restored)"
)
# A digest of staff's speaks for other cases too; a resident's is of this one.
VOID = (
    "UPDATE delivery d SET state = 'cancelled', reason = v.reason, settled_at = $4"
    " FROM unnest($1::uuid[], $2::text[], $3::text[], $5::timestamptz[], $6::text[])"
    "  AS v (stream_id, audience, reason, until, whats)"
    " WHERE d.state = 'waiting' AND d.stream_id = v.stream_id AND d.audience = v.audience"
    "  AND (v.until IS NULL OR d.recorded_at <= v.until)"
    "  AND (v.whats IS NULL OR d.what = ANY (string_to_array(v.whats, ' ')))"
    "  AND (coalesce(d.digest_of, 1) = 1 OR d.audience = 'resident')"
)
# What one reader hears of one case goes out in the order in which it happened, whoever sends it.
CLAIM = (
    "UPDATE delivery d SET next_at = $2, attempts = attempts + 1, reason = NULL"
    " FROM (SELECT delivery_id FROM delivery one WHERE state = 'waiting' AND (next_at <= $1 OR next_at > $4)"
    "  AND NOT EXISTS (SELECT 1 FROM delivery before WHERE before.state = 'waiting'"
    "   AND (before.stream_id, before.audience, before.recipient) = (one.stream_id, one.audience, one.recipient)"
    "   AND (before.recorded_at, before.version, before.delivery_id)"
    "    < (one.recorded_at, one.version, one.delivery_id))"
    "  ORDER BY audience DESC, next_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS due"
    f" WHERE d.delivery_id = due.delivery_id RETURNING d.{_CLAIMED.replace(', ', ', d.')}"
)
STILL_WAITS = "SELECT 1 FROM delivery WHERE delivery_id = $1 AND state = 'waiting'"
SETTLE = (
    "UPDATE delivery SET state = $2, reason = $3, channel = $4, settled_at = $5"
    " WHERE delivery_id = $1 AND (state = 'waiting' OR $2 = 'sent')"
)
PUT_BACK = (
    "UPDATE delivery SET next_at = $2, reason = $3, attempts = attempts - $4::integer"
    " WHERE delivery_id = ANY ($1::uuid[]) AND state = 'waiting'"
)
EXPIRE = (
    "UPDATE delivery SET state = 'expired', reason = 'too_late', settled_at = $1"
    " WHERE state = 'waiting' AND (digest_of IS NOT NULL OR audience = 'guest') AND stale_at <= $1 AND next_at <= $1"
)
LATE = (
    "SELECT delivery_id, audience, recipient, stream_id, digest_of FROM delivery"
    " WHERE state = 'waiting' AND digest_of IS NULL AND audience <> 'guest' AND stale_at <= $1 AND next_at <= $1"
    " ORDER BY recorded_at DESC LIMIT $2 FOR UPDATE SKIP LOCKED"
)
DIGESTS = (
    "SELECT delivery_id, audience, recipient, stream_id, digest_of FROM delivery"
    " WHERE state = 'waiting' AND digest_of IS NOT NULL ORDER BY delivery_id FOR UPDATE"
)
SWALLOW = (
    "UPDATE delivery SET state = 'expired', reason = 'in_digest', settled_at = $2 WHERE delivery_id = ANY ($1::uuid[])"
)
GROW_DIGESTS = (
    "UPDATE delivery d SET digest_of = n.number, stale_at = $3"
    " FROM unnest($1::uuid[], $2::integer[]) AS n (delivery_id, number) WHERE d.delivery_id = n.delivery_id"
)
STANDING = "SELECT count(*), min(recorded_at) FROM delivery WHERE state = 'waiting'"


async def write(connection: AsyncConnection, plan: Sequence[Planned], waits: Waits, at: datetime) -> None:
    """Add rows that are not there yet, to be sent at once.

    What was recorded before this database was last restored may have been sent in the time that was lost: nobody
    is told twice of it, and staff can see that it is not known.
    """
    if not plan:
        return
    columns = (
        [one.delivery_id for one in plan],
        [one.source for one in plan],
        [one.stream_id for one in plan],
        [one.version for one in plan],
        [one.audience.value for one in plan],
        [one.recipient for one in plan],
        [one.what.value for one in plan],
        [one.area for one in plan],
        [one.reference for one in plan],
        [one.category for one in plan],
        [one.urgency for one in plan],
        [one.owner for one in plan],
        [one.by_when for one in plan],
        [one.recorded_at for one in plan],
        [waits.until(one) for one in plan],
    )
    await connection.exec_driver_sql(
        WRITE,
        (*columns, at),
    )
    await doubt_what_was_restored(connection, at)


async def doubt_what_was_restored(connection: AsyncConnection, at: datetime) -> None:
    """Set aside what waits although it may have been sent before this database was brought back to an earlier time."""
    await connection.exec_driver_sql(
        DOUBT,
        (at,),
    )


async def void(connection: AsyncConnection, voids: Collection[tuple[UUID, Void]], at: datetime) -> None:
    """Let go what still waits for these readers of these cases."""
    if not voids:
        return
    await connection.exec_driver_sql(
        VOID,
        (
            [stream_id for stream_id, _ in voids],
            [one.audience.value for _, one in voids],
            [one.reason for _, one in voids],
            at,
            [one.until for _, one in voids],
            [None if one.whats is None else " ".join(sorted(one.whats)) for _, one in voids],
        ),
    )


async def claim(connection: AsyncConnection, at: datetime, limit: int) -> list[Claimed]:
    """Rows that are due, staff's first; for the length of the lease nobody else is given them.

    Of what one reader is to hear of one case the earliest alone: the next waits until it has gone out, or has ended.
    """
    rows = await connection.exec_driver_sql(
        CLAIM,
        (at, at + LEASE, limit, at + LONGEST_WAIT),
    )
    claimed = [Claimed(*row) for row in rows]
    return sorted(claimed, key=lambda one: (one.audience != Audience.STAFF, one.recorded_at))


async def still_waits(connection: AsyncConnection, delivery_id: UUID) -> bool:
    """Whether a claimed row was not let go meanwhile."""
    found = await connection.exec_driver_sql(STILL_WAITS, (delivery_id,))
    return found.first() is not None


async def settle(connection: AsyncConnection, delivery_id: UUID, settled: Settled, at: datetime) -> None:
    """Say how it ended. What was let go while it was on its way was sent nevertheless, and says so."""
    await connection.exec_driver_sql(
        SETTLE,
        (delivery_id, settled.state.value, settled.reason, settled.channel and settled.channel.value, at),
    )


async def put_back(
    connection: AsyncConnection, deliveries: Sequence[UUID], reason: str, next_at: datetime, *, tried: bool
) -> None:
    """They wait for their next attempt; what was not tried is as it was before it was claimed."""
    await connection.exec_driver_sql(
        PUT_BACK,
        (list(deliveries), next_at, reason, 0 if tried else 1),
    )


class _Late(NamedTuple):
    delivery_id: UUID
    audience: str
    recipient: str
    stream_id: UUID
    digest_of: int | None


async def gather_late(connection: AsyncConnection, at: datetime) -> None:
    """After an outage: what waits too long becomes one message for each reader; the others are not sent.

    A resident's reader is the case. A digest itself has a day, then it is given up; so is what a guest was to be told
    of a gathering that has begun.
    """
    await connection.exec_driver_sql(
        EXPIRE,
        (at,),
    )
    rows = await connection.exec_driver_sql(
        LATE,
        (at, REVIEWED_TOGETHER),
    )
    late = [_Late(*row) for row in rows]
    if not late:
        return
    digests = await connection.exec_driver_sql(DIGESTS)
    keepers: dict[tuple[str, object], _Late] = {}
    counts: dict[UUID, int] = {}
    swallowed: list[UUID] = []
    for one in (*(_Late(*row) for row in digests), *late):
        reader = (one.audience, one.recipient or one.stream_id)
        keeper = keepers.setdefault(reader, one)
        counts[keeper.delivery_id] = counts.get(keeper.delivery_id, 0) + (one.digest_of or 1)
        if keeper is not one:
            swallowed.append(one.delivery_id)
    await connection.exec_driver_sql(
        SWALLOW,
        (swallowed, at),
    )
    await connection.exec_driver_sql(
        GROW_DIGESTS,
        (list(counts), list(counts.values()), at + timedelta(days=1)),
    )


class Standing(NamedTuple):
    """`oldest` is when the event of the longest waiting row was recorded."""

    waiting: int
    oldest: datetime | None


async def standing(connection: AsyncConnection) -> Standing:
    rows = await connection.exec_driver_sql(STANDING)
    return Standing(*rows.one())


@dataclass(frozen=True, slots=True)
class Wanted:
    states: tuple[State, ...]
    area: str = "/"
    case_id: UUID | None = None
    recipient: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One message as staff may see it."""

    delivery_id: UUID
    case_id: UUID
    area: str
    audience: str
    recipient: str | None
    what: str
    state: str
    channel: str | None
    reason: str | None
    attempts: int
    recorded_at: datetime
    settled_at: datetime | None


async def deliveries_of(connection: AsyncConnection, wanted: Wanted, limit: int) -> list[Told]:
    """Those in the connection's scope, the newest first."""
    found = await connection.exec_driver_sql(
        "SELECT delivery_id, stream_id, area, audience, CASE audience WHEN 'staff' THEN recipient END, what, state,"
        "  channel, reason, attempts, recorded_at, settled_at FROM delivery"
        " WHERE state = ANY ($1::text[]) AND area ^@ $2 AND ($3::uuid IS NULL OR stream_id = $3)"
        "  AND ($4::text IS NULL OR recipient = $4)"
        " ORDER BY recorded_at DESC, delivery_id LIMIT $5",
        ([state.value for state in wanted.states], wanted.area, wanted.case_id, wanted.recipient, limit),
    )
    return [Told(*row) for row in found]
