"""The first statement of a batch's transaction and its last: what was taken before, and what is from now on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.held import Partition, Record, Stream, digest
from services.chassis.passing import Passing
from services.chassis.projections import ReadModel, generation_of

BEGIN = (
    "SELECT begun.*, ARRAY(SELECT live.generation FROM read_model live"
    " JOIN unnest($6::text[], $7::integer[]) WITH ORDINALITY AS wanted (name, version, nth) USING (name, version)"
    " ORDER BY nth FOR SHARE OF live) AS generations FROM begin_batch($1, $2, $3, $4, $5) AS begun"
)
"""A switch waits for the transactions that hold a model's row, and so knows everything that they took."""

END = "SELECT end_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"


class TakenElsewhere(Passing):
    """Another transaction moved a stream of this batch: events of one stream came by way of two partitions."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the consumer stands, in the order asked; none: a partition not met yet, 0: a stream not begun."""

    next_offsets: Sequence[int | None]
    versions: Sequence[int]
    any_held: bool
    generations: Sequence[int]
    """Of the consumer's read models."""


class Move(Protocol):
    """A stream that a batch takes from one version to another."""

    stream: Stream
    before: int
    reached: int


async def begin(
    connection: AsyncConnection,
    consumer: str,
    partitions: Collection[Partition],
    streams: Collection[Stream],
    models: Collection[ReadModel[Any]] = (),
) -> Begun:
    """From now to the end of the transaction nobody else moves the offsets of these partitions, or switches a model.

    The commit waits for no disk (ADR 12). Handlers' commands go through the store, on a connection of its own, and do.

    Raises:
        RebuildDue: the live table of a model is of another version.
    """
    topics, numbers = _columns(partitions, 2)
    sources, ids = _columns(streams, 2)
    names, versions = [model.name for model in models], [model.version for model in models]
    found = await connection.exec_driver_sql(BEGIN, (consumer, topics, numbers, sources, ids, names, versions))
    begun = Begun(*found.one())
    if len(begun.generations) == len(models):
        return begun
    # One was of another version when this was asked; who switches it now is waited for.
    return replace(begun, generations=[await generation_of(connection, model) for model in models])


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
