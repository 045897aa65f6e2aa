"""A read model made anew beside the live one: to take its place, or to prove that it is right."""

import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis import generations
from services.chassis.history import History, KafkaHistory, copy
from services.chassis.projections import ReadModel, RebuildDue, RowStore, concerned, fold, physical_name

Told = Callable[[int], None]
"""Hears how many events have been read so far."""

CHASES = 5
"""Times the live projector is followed before it is locked out for the rest."""


FEW = 1000
"""Events that may be left for the time in which the live projector waits."""

_ONE_AT_A_TIME = "SELECT pg_try_advisory_lock(hashtextextended('doorstep.rebuild.' || $1, 0))"
_LIVE = "SELECT version, generation FROM read_model WHERE name = $1"


class AlreadyRebuilding(Exception):
    """Another rebuild or verification of this read model is under way."""


class NotInstalled(Exception):
    """The database does not know this read model yet: `migrate` makes it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A read model of a service. `history` makes its history, given Kafka's address."""

    service: str
    model: ReadModel[Any]
    history: Callable[[str], History]

    @property
    def name(self) -> str:
        return f"{self.service}/{self.model.name}"


def from_kafka(service: str, fed: Mapping[str, Iterable[ReadModel[Any]]]) -> list[Placed]:
    """The read models of a service whose consumers, by name, feed them from Kafka."""
    return [
        Placed(service, model, lambda kafka, consumer=consumer: KafkaHistory(kafka, consumer))
        for consumer, models in fed.items()
        for model in models
    ]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    generation: int
    events: int
    seconds: float
    locked_seconds: float
    """For how long the live projector had to wait."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Equal for equal rows, in whatever order they lie."""

    rows: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verified:
    live: Digest
    rebuilt: Digest
    differing: Sequence[UUID]
    """Up to ten keys whose rows are not the same, or are in one of them only."""

    @property
    def equal(self) -> bool:
        return self.live == self.rebuilt


@dataclass(slots=True)
class Twin:
    """The table made anew, whole, in a transaction that keeps the live projector out."""

    connection: AsyncConnection
    live: int
    generation: int
    events: int
    locked_at: float


async def rebuild(
    owner: AsyncEngine, service: str, model: ReadModel[Any], history: History, told: Told = lambda _events: None
) -> Rebuilt:
    """Fill a new table from history and put it behind the view, while the old one serves and is kept current.

    Raises:
        HistoryIncomplete, SwitchBlocked, AlreadyRebuilding, NotInstalled: nothing has changed.
    """
    began = time.perf_counter()
    async with _twin(owner, service, model, history, told) as twin:
        await generations.switch(twin.connection, service, model, twin.generation)
    ended = time.perf_counter()
    async with owner.begin() as connection:
        await generations.drop_others(connection, model, twin.generation)
    return Rebuilt(twin.generation, twin.events, ended - began, ended - twin.locked_at)


async def verify(
    owner: AsyncEngine, service: str, model: ReadModel[Any], history: History, told: Told = lambda _events: None
) -> Verified:
    """Compare the live table with one made anew, both as they are at one instant.

    Raises:
        RebuildDue: the live table is of another version.
        HistoryIncomplete, AlreadyRebuilding, NotInstalled: nothing is known.
    """
    async with _twin(owner, service, model, history, told, same_version=True) as twin:
        live, rebuilt = physical_name(model, twin.live), physical_name(model, twin.generation)
        digests = [await _digest(twin.connection, table) for table in (live, rebuilt)]
        differing: Sequence[UUID] = ()
        if digests[0] != digests[1]:
            key = model.table.columns[0].name
            found = await twin.connection.exec_driver_sql(
                f"SELECT {key} FROM {live} l FULL JOIN {rebuilt} r USING ({key})"
                f" WHERE l::text IS DISTINCT FROM r::text ORDER BY {key} LIMIT 10"
            )
            differing = found.scalars().all()
        await twin.connection.exec_driver_sql(f"DROP TABLE {rebuilt}")
    return Verified(digests[0], digests[1], differing)


@asynccontextmanager
async def _twin(
    owner: AsyncEngine,
    service: str,
    model: ReadModel[Any],
    history: History,
    told: Told,
    *,
    same_version: bool = False,
) -> AsyncGenerator[Twin]:
    async with owner.connect() as connection:
        try:
            async with connection.begin():
                locked = await connection.exec_driver_sql(_ONE_AT_A_TIME, (model.name,))
                if not locked.scalar_one():
                    raise AlreadyRebuilding(model.name)
                live = (await connection.exec_driver_sql(_LIVE, (model.name,))).one_or_none()
                if live is None:
                    raise NotInstalled(model.name)
                if same_version and live.version != model.version:
                    raise RebuildDue(f"{model.name} is of version {live.version}, the code of {model.version}")
                generation: int = live.generation + 1
                await generations.create(connection, model, generation)
            rows = RowStore(model, physical_name(model, generation))
            events = await _fill(connection, rows, history, told)
            async with connection.begin():
                await generations.finish(connection, service, model, generation)
            for _ in range(CHASES):
                async with connection.begin():
                    await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    caught_up = await _chase(connection, rows, history)
                events += caught_up
                told(events)
                if caught_up < FEW:
                    break
            async with connection.begin():
                await connection.exec_driver_sql(_LIVE + " FOR UPDATE", (model.name,))
                locked_at = time.perf_counter()
                events += await _chase(connection, rows, history)
                await history.require_whole(connection)
                yield Twin(connection, live.generation, generation, events, locked_at)
        finally:
            # The session's lock and its temporary table end with the session.
            await connection.invalidate()


async def _fill(connection: AsyncConnection, rows: RowStore[Any], history: History, told: Told) -> int:
    events = 0
    model = rows.model
    open_rows: dict[UUID, Any] = {}
    async with aclosing(history.pages(connection, model.types)) as pages:
        async for page in pages:
            fold(model, open_rows, concerned(model, page.taken))
            events += len(page.taken)
            told(events)
            if page.closed:
                await copy(connection, rows.table, rows.columns, map(rows.values, open_rows.values()))
                open_rows = {}
    return events


async def _chase(connection: AsyncConnection, rows: RowStore[Any], history: History) -> int:
    events = 0
    async with aclosing(history.since(connection, rows.model.types)) as pages:
        async for taken in pages:
            await rows.fold(connection, taken)
            events += len(taken)
    return events


async def _digest(connection: AsyncConnection, table: str) -> Digest:
    found = await connection.exec_driver_sql(
        f"SELECT count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS hash FROM {table} t"
    )
    row = found.one()
    return Digest(row.rows, row.hash)
