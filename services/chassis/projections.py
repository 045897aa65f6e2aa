"""Read models: rows folded from events, one table behind one view each, kept current batch by batch."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Table, Uuid
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.passing import Passing
from services.chassis.taken import Taken
from services.contracts.envelope import Recorded
from services.contracts.event import Event

Row = TypeVar("Row")

LIVE = "SELECT version, generation FROM read_model WHERE name = $1 FOR SHARE"
"""A switch waits for the transactions that hold the model's row."""

_DIALECT = postgresql.dialect()


class MisshapenModel(TypeError):
    """The row's class and the table of a read model do not fit each other."""


class RebuildDue(Passing):
    """The table behind the view is of another version than this code; it passes by a rebuild."""


def stream_of(recorded: Recorded, _event: Event) -> UUID:
    """One row for each stream."""
    return recorded.stream_id


@dataclass(frozen=True, slots=True)
class ReadModel(Generic[Row]):
    """One row for each key, folded from the events that concern it.

    Every event of one key lies in one stream id, and the fold must come to the same row however the events of
    different sources lie between each other: only the order within one source's stream is given.
    """

    name: str
    """Of the view that queries read, and of `table`."""
    version: int
    """Of shape and fold. Raise it with either: the new version is then filled beside the live one."""
    table: Table
    """Columns, in the order of the row's fields, scalars only; the first is the key, a uuid, the primary key.

    With a column `area` the rows are seen in scope only (row-level security); without one by every reader.
    """
    row: type[Row]
    """A frozen dataclass with slots."""
    evolve: Callable[[Row | None, Recorded, Event], Row | None]
    """Pure. None: there is no row (any more)."""
    types: frozenset[str]
    """The event types it folds; no other is ever decoded for it."""
    key_of: Callable[[Recorded, Event], UUID | None] = stream_of
    """None: the event concerns no row."""

    def __post_init__(self) -> None:
        columns = list(self.table.columns)
        if self.table.name != self.name:
            raise MisshapenModel(f"{self.name}: its table is called {self.table.name}")
        if [column.name for column in columns] != [field.name for field in fields(self.row)]:  # pyright: ignore
            raise MisshapenModel(f"{self.name}: the columns are not the row's fields, in their order")
        if not isinstance(columns[0].type, Uuid) or list(self.table.primary_key) != columns[:1]:
            raise MisshapenModel(f"{self.name}: the first column is not a uuid and the primary key")
        if any(isinstance(column.type, ARRAY) for column in columns):
            raise MisshapenModel(f"{self.name}: a column holds an array")


def types_of(*events: type[Event]) -> frozenset[str]:
    """The names of these events, for `ReadModel.types`."""
    return frozenset(event.type for event in events)


async def project(connection: AsyncConnection, model: ReadModel[Any], taken: Sequence[Taken]) -> None:
    """Fold a batch into the live table, inside the caller's transaction. For consumers the inbox does it.

    Call it for every batch, also for one without an event of the model's types: a switch waits for the
    transactions that hold the model's row, and so knows everything that they took.

    Raises:
        RebuildDue: the live table is of another version.
    """
    await store_of(model, await generation_of(connection, model)).fold(connection, taken)


async def generation_of(connection: AsyncConnection, model: ReadModel[Any]) -> int:
    """Of the live table, which stays that until the transaction ends.

    Raises:
        RebuildDue: it is of another version.
    """
    live = (await connection.exec_driver_sql(LIVE, (model.name,))).one_or_none()
    if live is None or live.version != model.version:
        raise RebuildDue(f"{model.name} needs version {model.version}: `rebuild` it (docs/operating/upgrade.md)")
    return live.generation


def physical_name(model: ReadModel[Any], generation: int) -> str:
    return f"{model.name}_{generation}"


@lru_cache(maxsize=256)
def store_of(model: ReadModel[Row], generation: int) -> "RowStore[Row]":
    return RowStore(model, physical_name(model, generation))


class RowStore(Generic[Row]):
    """The rows of one generation: read by key, folded, written back as one set."""

    def __init__(self, model: ReadModel[Row], table: str) -> None:
        self.model = model
        self.table = table
        self.columns = tuple(column.name for column in model.table.columns)
        self.values: Callable[[Row], tuple[Any, ...]] = attrgetter(*self.columns)
        key, *others = self.columns
        names = ", ".join(self.columns)
        types = [column.type.compile(_DIALECT) for column in model.table.columns]
        arrays = ", ".join(f"${nth}::{type_}[]" for nth, type_ in enumerate(types, 1))
        new = ", ".join(f"{name} = excluded.{name}" for name in others)
        self.read = f"SELECT {names} FROM {table} WHERE {key} = ANY($1::uuid[])"
        # Rows known to be new are spared the search for a conflict, which takes as long as writing them.
        self.add = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"
        self.write = f"{self.add} ON CONFLICT ({key}) DO " + (f"UPDATE SET {new}" if others else "NOTHING")
        self.delete = f"DELETE FROM {table} WHERE {key} = ANY($1::uuid[])"

    async def fold(self, connection: AsyncConnection, taken: Iterable[Taken]) -> None:
        """Fold a batch into the rows that it concerns: one read, then each way of writing once at most."""
        keyed = concerned(self.model, taken)
        if not keyed:
            return
        found = await connection.exec_driver_sql(self.read, (list({key for key, _ in keyed}),))
        before = {row[0]: self.model.row(*row) for row in found}
        after = fold(self.model, dict(before), keyed)
        added: list[Row] = []
        changed: list[Row] = []
        for key, row in after.items():
            old = before.get(key)
            if old is None:
                added.append(row)
            elif row != old:
                changed.append(row)
        gone = [key for key in before if key not in after]
        for statement, rows in ((self.add, added), (self.write, changed)):
            if rows:
                columns = zip(*map(self.values, rows), strict=True)
                await connection.exec_driver_sql(statement, tuple(map(list, columns)))
        if gone:
            await connection.exec_driver_sql(self.delete, (gone,))


def concerned(model: ReadModel[Any], taken: Iterable[Taken]) -> list[tuple[UUID, Taken]]:
    """Those events that the model folds, each with the key of its row."""
    types, key_of = model.types, model.key_of
    return [(key, t) for t in taken if t.recorded.type in types and (key := key_of(t.recorded, t.event)) is not None]


def fold(model: ReadModel[Row], rows: dict[UUID, Row], keyed: Iterable[tuple[UUID, Taken]]) -> dict[UUID, Row]:
    """Fold events into `rows`, which is changed and returned; a row that ends is no longer in it."""
    for key, taken in keyed:
        row = model.evolve(rows.get(key), taken.recorded, taken.event)
        if row is None:
            rows.pop(key, None)
        else:
            rows[key] = row
    return rows
