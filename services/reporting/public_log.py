"""Reporting's copy of the public log: filled from Kafka, followed by its read models, told again for a rebuild."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis.history import HistoryIncomplete, Page
from services.chassis.passing import passes
from services.chassis.projections import ReadModel, project
from services.chassis.rebuild import Placed
from services.chassis.taken import Taken
from services.chassis.telemetry import log
from services.contracts.envelope import Recorded
from services.reporting import left_out

LAG = Gauge("doorstep_projection_lag_events", "Events of the public log not yet in the read model.", ["model"])
LEFT_OUT = Gauge("doorstep_projection_left_out", "Streams at which the fold failed.", ["model"])

BATCH = 1000
PAGE = 20_000
SHORTEST_WAIT, LONGEST_WAIT, LONGEST_RETRY_WAIT = 0.02, 0.25, 5.0

# In the order of `Recorded`, so that a row of the one is a row of the other.
_COLUMNS = (
    "source, stream_id, version, source_position, type, schema_version, area, data, occurred_at, recorded_at,"
    " command_key, fingerprint, actor, traceparent"
)
READ = "position, " + _COLUMNS.replace("data", "convert_to(data::text, 'UTF8')")

# The counter is locked by the statement that moves it, the last but one of the batch's transaction.
APPEND = f"""
WITH moved AS (
    UPDATE public_log SET position = position + cardinality($2::uuid[])
    RETURNING position - cardinality($2::uuid[]) AS base
)
INSERT INTO public_event (position, {_COLUMNS})
SELECT moved.base + e.nth, e.source, e.stream_id, e.version, e.source_position, e.type, e.schema_version, e.area,
    convert_from(e.data, 'UTF8')::json, e.occurred_at, e.recorded_at,
    e.command_key, e.fingerprint, e.actor, e.traceparent
FROM moved, unnest($1::text[], $2::uuid[], $3::integer[], $4::bigint[], $5::text[], $6::smallint[], $7::text[],
    $8::bytea[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::bytea[], $13::text[], $14::text[])
    WITH ORDINALITY AS e ({_COLUMNS}, nth)
"""
ENTER = "INSERT INTO cursor (consumer, position) VALUES ($1, 0) ON CONFLICT DO NOTHING"
CURSOR = "SELECT position FROM cursor WHERE consumer = $1"
# Rows and cursor wait for no disk, as a consumer's batch does not (ADR 12): the log is there to fold them again.
LOCK_CURSOR = (
    "SELECT position, (SELECT position FROM public_log) AS head FROM cursor"
    " WHERE consumer = $1 AND set_config('synchronous_commit', 'off', true) = 'off' FOR UPDATE"
)
ADVANCE = "UPDATE cursor SET position = $2 WHERE consumer = $1"
BEHIND = f"SELECT {READ} FROM public_event WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3"
OF_STREAM = f"SELECT {READ} FROM public_event WHERE stream_id = $1 AND position BETWEEN $2 AND $3 ORDER BY position"


class PublicLog:
    """The log in its live use: a consumer fills it, and each read model follows it at its own pace."""

    def __init__(self, worker: AsyncEngine) -> None:
        self._worker = worker
        self._followers: list[asyncio.Event] = []

    async def take(self, connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        """The handle of the consumer that fills the log.

        Every body is decoded once here, so that what can't be read parks before it reaches any read model.
        """
        for one in taken:
            _ = one.event
        columns = zip(*(one.recorded for one in taken), strict=True)
        await connection.exec_driver_sql(APPEND, tuple(map(list, columns)))

    @contextmanager
    def watch(self) -> Generator[asyncio.Event]:
        """For the length of a block an event of the caller's own: set when this process filled the log."""
        wake = asyncio.Event()
        self._followers.append(wake)
        try:
            yield wake
        finally:
            self._followers.remove(wake)

    def stir(self) -> None:
        """Tell those who follow that a batch was committed."""
        for wake in self._followers:
            wake.set()

    async def follow(self, model: ReadModel[Any]) -> None:
        """Keep a read model current until cancelled; the cursor of its name is where it stands.

        A stream at which the fold fails is left out, and tried again when the next process starts to follow.
        """
        wake = asyncio.Event()
        self._followers.append(wake)
        readmitted = around = False
        wait = SHORTEST_WAIT
        try:
            while True:
                wake.clear()
                try:
                    if not readmitted:
                        await self._readmit_all(model)
                        readmitted = True
                    behind = await self._fold_next(model, around=around)
                except Exception as failed:
                    around = not passes(failed)
                    log.warning("projection is tried again", model=model.name, exc_info=failed)
                    wait = min(wait * 2, LONGEST_RETRY_WAIT)
                    await asyncio.sleep(wait)
                    continue
                around = False
                if behind:
                    wait = SHORTEST_WAIT
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await wake.wait()
                wait = min(wait * 2, LONGEST_WAIT)
        finally:
            self._followers.remove(wake)

    async def _fold_next(self, model: ReadModel[Any], *, around: bool) -> int:
        """Fold the next batch; how many events there were behind the cursor."""
        async with self._worker.begin() as connection:
            position, head = await _lock_cursor(connection, model)
            out = await left_out.of_model(connection, model)
            if position < head:
                rows = (await connection.exec_driver_sql(BEHIND, (position, head, BATCH))).all()
                events = [(row.position, taken_of(row)) for row in rows if row.stream_id not in out]
                if around:
                    await left_out.project_around(connection, model, events)
                else:
                    await project(connection, model, [taken for _, taken in events])
                position = rows[-1].position
                await connection.exec_driver_sql(ADVANCE, (model.name, position))
        # Who waited for the lock knows the head of before: it may lie behind where the others have come to.
        behind = max(head - position, 0)
        LAG.labels(model.name).set(behind)
        LEFT_OUT.labels(model.name).set(len(out))
        return behind

    async def _readmit_all(self, model: ReadModel[Any]) -> None:
        async with self._worker.connect() as connection:
            out = await left_out.of_model(connection, model)
        for stream_id, since in out.items():
            async with self._worker.begin() as connection:
                upto, _ = await _lock_cursor(connection, model)
                await left_out.readmit(connection, model, stream_id)
                rows = await connection.exec_driver_sql(OF_STREAM, (stream_id, since, upto))
                await left_out.project_around(connection, model, [(row.position, taken_of(row)) for row in rows])


async def _lock_cursor(connection: AsyncConnection, model: ReadModel[Any]) -> tuple[int, int]:
    """Where the model stands, and where the log ended when that was asked."""
    found = (await connection.exec_driver_sql(LOCK_CURSOR, (model.name,))).one_or_none()
    if found is None:
        await connection.exec_driver_sql(ENTER, (model.name,))
        found = (await connection.exec_driver_sql(LOCK_CURSOR, (model.name,))).one()
    return found.position, found.head


class LogHistory:
    """The history of a read model that follows the log: up to its cursor."""

    def __init__(self, model: ReadModel[Any]) -> None:
        self._model = model
        self._told = 0
        self._left_out: dict[UUID, int] = {}

    async def pages(self, connection: AsyncConnection, types: Collection[str]) -> AsyncGenerator[Page]:
        async with connection.begin():
            await self._begin_if_new(connection)
            self._told = await self._cursor(connection)
            self._left_out = await left_out.of_model(connection, self._model)
            # A plan for the first rows would walk an index in random order; here every row is wanted.
            await connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1.0")
            await connection.exec_driver_sql("SET LOCAL work_mem = '64MB'")
            rows = await connection.stream(
                text(
                    f"SELECT {READ} FROM public_event WHERE position <= :upto AND type = ANY(:types)"
                    " ORDER BY stream_id, source, version"
                ),
                {"upto": self._told, "types": list(types)},
                execution_options={"yield_per": PAGE},
            )
            of_last_stream: list[Taken] = []
            async for partition in rows.partitions():
                taken = of_last_stream + _told(partition, types, self._left_out)
                cut = len(taken)
                while cut and taken[cut - 1].recorded.stream_id == taken[-1].recorded.stream_id:
                    cut -= 1
                of_last_stream = taken[cut:]
                yield Page(taken[:cut], closed=True)
            yield Page(of_last_stream, closed=True)

    async def since(self, connection: AsyncConnection, types: Collection[str]) -> AsyncGenerator[Sequence[Taken]]:
        upto = await self._cursor(connection)
        out = await left_out.of_model(connection, self._model)
        while self._told < upto:
            rows = (await connection.exec_driver_sql(BEHIND, (self._told, upto, PAGE))).all()
            yield _told(rows, types, out)
            self._told = rows[-1].position

    async def require_whole(self, connection: AsyncConnection) -> None:
        counted = await connection.exec_driver_sql(
            "SELECT count(*) FROM public_event WHERE position <= $1", (self._told,)
        )
        if counted.scalar_one() != self._told:
            raise HistoryIncomplete(f"the public log has gaps below {self._told}")
        if self._left_out.keys() - (await left_out.of_model(connection, self._model)).keys():
            raise HistoryIncomplete("a stream that was left out was taken in again meanwhile: try again")

    async def _begin_if_new(self, connection: AsyncConnection) -> None:
        """A model that was never built stands nowhere yet: it begins where the log ends now."""
        await connection.exec_driver_sql(ENTER, (self._model.name,))
        await connection.exec_driver_sql(
            "UPDATE cursor SET position = log.position FROM read_model, public_log AS log"
            " WHERE cursor.consumer = $1 AND read_model.name = $1 AND read_model.version = 0",
            (self._model.name,),
        )

    async def _cursor(self, connection: AsyncConnection) -> int:
        return (await connection.exec_driver_sql(CURSOR, (self._model.name,))).scalar_one()


def from_log(models: Iterable[ReadModel[Any]]) -> list[Placed]:
    """Reporting's read models, told again from its own copy and not from Kafka."""
    return [Placed("reporting", model, lambda _kafka, model=model: LogHistory(model)) for model in models]


def _told(rows: Iterable[Any], types: Collection[str], out: Mapping[UUID, int]) -> list[Taken]:
    return [
        taken_of(row)
        for row in rows
        if row.type in types and not (row.stream_id in out and row.position >= out[row.stream_id])
    ]


async def shown(connection: AsyncConnection, model: ReadModel[Any], source: str, stream_id: UUID, version: int) -> bool:
    """Whether the read model has folded this version of a stream."""
    found = await connection.exec_driver_sql(
        "SELECT EXISTS (SELECT FROM public_event e JOIN cursor c ON c.consumer = $1 AND e.position <= c.position"
        " WHERE e.stream_id = $2 AND e.source = $3 AND e.version = $4)",
        (model.name, stream_id, source, version),
    )
    return found.scalar_one()


def taken_of(row: Any) -> Taken:
    """A row of `public_event`, columns as `READ`."""
    return Taken(Recorded._make(row[1:]))
