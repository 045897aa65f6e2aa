"""What an operator does about parked events: list them, ask for another try, or give one up.

A running consumer looks for what is asked here once a second, and tries by itself what only an older version could not
read; one that starts tries everything parked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.envelope import was_unreadable

PARKED = (
    "SELECT id, consumer, source, stream_id, version, topic, partition, record_offset, reason, held_at, retry,"
    " (SELECT count(*) FROM held w WHERE w.consumer = h.consumer AND w.source = h.source"
    "   AND w.stream_id = h.stream_id AND w.version > h.version)"
    " FROM held h WHERE reason IS NOT NULL AND consumer = coalesce($1, consumer) ORDER BY id LIMIT $2"
)
REPLAY = (
    "UPDATE held SET retry = true WHERE reason IS NOT NULL AND consumer = coalesce($1, consumer)"
    " AND id = coalesce($2, id)"
)
REPLAY_READABLE = "UPDATE held SET retry = true WHERE consumer = $1 AND reason = ANY ($2::text[]) AND retry IS NOT TRUE"
OFFSET_OF = (
    "SELECT FROM consumer_offset o JOIN held h USING (consumer, topic, partition)"
    " WHERE h.id = $1 AND h.reason IS NOT NULL FOR UPDATE OF o"
)
DISCARD = "DELETE FROM held WHERE id = $1 AND reason IS NOT NULL RETURNING consumer, source, stream_id, version"
STEP_OVER = (
    "INSERT INTO progress AS p (consumer, source, stream_id, version) SELECT $1, $2, $3, $4"
    " WHERE $4 = 1 OR EXISTS (SELECT FROM progress WHERE consumer = $1 AND source = $2 AND stream_id = $3)"
    " ON CONFLICT (stream_id, source, consumer) DO UPDATE SET version = excluded.version"
    " WHERE p.version = excluded.version - 1"
)
GO_ON = "UPDATE held SET retry = true WHERE consumer = $1 AND source = $2 AND stream_id = $3 AND version = $4"
ACCEPT_LOSS = (
    "UPDATE consumer_offset SET next_offset = $4, last_timestamp = NULL, last_hash = NULL,"
    " anchor_offset = NULL, anchor_timestamp = NULL, anchor_hash = NULL"
    " WHERE consumer = $1 AND topic = $2 AND partition = $3 AND next_offset < $4"
)


class NotParked(Exception):
    """There is no such parked record, or its stream has not come that far: what is before it comes first."""


@dataclass(frozen=True, slots=True)
class Parked:
    """`waiting` counts the later events of the stream that wait behind it. No stream: its headers can't be read."""

    id: int
    consumer: str
    source: str | None
    stream_id: UUID | None
    version: int | None
    topic: str
    partition: int
    offset: int
    reason: str
    held_at: datetime
    asked: bool
    waiting: int


async def parked(connection: AsyncConnection, consumer: str | None = None, limit: int = 100) -> Sequence[Parked]:
    """The longest parked first."""
    rows = await connection.exec_driver_sql(PARKED, (consumer, limit))
    return [Parked(*row) for row in rows]


async def replay(connection: AsyncConnection, consumer: str | None = None, id_: int | None = None) -> int:
    """Ask for another try of one, of a consumer's, or of all; how many were asked for."""
    asked = await connection.exec_driver_sql(REPLAY, (consumer, id_))
    return asked.rowcount


async def replay_readable(connection: AsyncConnection, consumer: str) -> int:
    """Ask for another try of what an older instance parked because it did not know its type; how many."""
    asked = await connection.exec_driver_sql(REPLAY_READABLE, (consumer, list(was_unreadable())))
    return asked.rowcount


async def discard(connection: AsyncConnection, id_: int) -> None:
    """Give one up: its consumer never takes it, and the events behind it go on.

    Raises:
        NotParked: see there.
    """
    # As a batch does: from here on nobody else moves this stream.
    await connection.exec_driver_sql(OFFSET_OF, (id_,))
    row = (await connection.exec_driver_sql(DISCARD, (id_,))).one_or_none()
    if row is None:
        raise NotParked
    if row.stream_id is None:
        return
    stepped = await connection.exec_driver_sql(STEP_OVER, (row.consumer, row.source, row.stream_id, row.version))
    if stepped.rowcount != 1:
        raise NotParked
    await connection.exec_driver_sql(GO_ON, (row.consumer, row.source, row.stream_id, row.version + 1))


async def accept_loss(connection: AsyncConnection, consumer: str, topic: str, partition: int, begin: int) -> bool:
    """Let a partition that lost records go on where its log begins now; republish what was lost. False: not behind.

    Events that depend on lost ones wait for the republished ones, so nothing is taken out of order.
    """
    moved = await connection.exec_driver_sql(ACCEPT_LOSS, (consumer, topic, partition, begin))
    return moved.rowcount == 1
