"""The first statement of a batch's transaction and its last: what was taken before, and what is from now on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.held import Partition, Record, Stream, digest
from services.chassis.passing import Passing

BEGIN = "SELECT next_offsets, versions, any_held FROM begin_batch($1, $2, $3, $4, $5)"
END = "SELECT end_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"


class TakenElsewhere(Passing):
    """Another transaction moved a stream of this batch: events of one stream came by way of two partitions."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the consumer stands, in the order asked; none: a partition not met yet, 0: a stream not begun."""

    next_offsets: Sequence[int | None]
    versions: Sequence[int]
    any_held: bool


class Move(Protocol):
    """A stream that a batch takes from one version to another."""

    stream: Stream
    before: int
    reached: int


async def begin(
    connection: AsyncConnection, consumer: str, partitions: Collection[Partition], streams: Collection[Stream]
) -> Begun:
    """From now to the end of the transaction nobody else moves the offsets of these partitions.

    The commit waits for no disk (ADR 12). Handlers' commands go through the store, on a connection of its own, and do.
    """
    topics, numbers = _columns(partitions, 2)
    sources, ids = _columns(streams, 2)
    found = await connection.exec_driver_sql(BEGIN, (consumer, topics, numbers, sources, ids))
    return Begun(*found.one())


async def end(connection: AsyncConnection, consumer: str, moves: Collection[Move], last: Collection[Record]) -> None:
    """Remember what the streams have reached, and the last record taken of each partition.

    Raises:
        TakenElsewhere: roll back.
    """
    sources, ids = _columns([move.stream for move in moves], 2)
    rows = [(r.topic, r.partition, r.offset + 1, r.timestamp, digest(r)) for r in last]
    before, reached = [move.before for move in moves], [move.reached for move in moves]
    try:
        ended = await connection.exec_driver_sql(END, (consumer, sources, ids, before, reached, *_columns(rows, 5)))
    except IntegrityError:
        raise TakenElsewhere from None
    if not ended.scalar_one():
        raise TakenElsewhere


def _columns(rows: Collection[tuple[object, ...]], width: int) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
