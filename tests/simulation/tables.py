"""What a database holds, and transactions over it: READ COMMITTED, row locks, unique keys, no row written in place.

A statement is a function of a transaction and its parameters that runs without a pause. It takes its locks before it
writes; where another holds one it raises `Blocked`, and is run again from its beginning when that one has ended, as
PostgreSQL looks again at a row that it waited for.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

Key = Hashable
Row = Any
"""A named tuple of the columns that any statement asks for."""


class Blocked(Exception):
    """The statement must wait until this transaction ends."""

    def __init__(self, holder: "Transaction") -> None:
        super().__init__()
        self.holder = holder


class Deadlock(Exception):
    """Two wait for each other; this one gives way."""


class UniqueViolation(Exception):
    """Such a row is there already."""


class Call(NamedTuple):
    """A session's next word: `statement`, `begin`, `commit`, `rollback`, `savepoint`, `release`, `back`, `close`."""

    session: int
    role: str
    word: str
    statement: str = ""
    parameters: Sequence[Any] = ()
    told: Sequence[Any] | None = None


class Table:
    __slots__ = ("highest", "rows")

    def __init__(self) -> None:
        self.rows: dict[Any, Row] = {}
        self.highest = 0
        """Of whole numbers as keys: the greatest ever given, committed or not."""


class Database:
    """The tables of one service, and who works on them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tables: dict[str, Table] = {}
        self.locks: dict[Key, Transaction] = {}
        self.shared: dict[Key, dict[Transaction, None]] = {}
        self.open: dict[Transaction, None] = {}
        self.unflushed: list[list[tuple[Table, Any, Row | None]]] = []
        """What commits that did not wait for the disk have overwritten: gone when the server dies first."""
        self.serving = True
        self.sessions: dict[str, Any] = {}
        """Who holds a lock for as long as its session lasts."""
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.met = 0
        """Sessions so far."""
        self.script: list[Call] | None = None
        """What its sessions asked, and were told, where somebody keeps that."""

    def table(self, name: str) -> Table:
        found = self.tables.get(name)
        if found is None:
            found = self.tables[name] = Table()
        return found

    def rows(self, table: str) -> list[Row]:
        """What is committed."""
        return list(self.table(table).rows.values())

    def flush(self) -> None:
        self.unflushed.clear()

    def crash(self) -> None:
        """The server dies: nobody's transaction lives on, and commits that did not wait for the disk never were."""
        self.serving = False
        for transaction in list(self.open):
            transaction.abort()
        for overwritten in reversed(self.unflushed):
            for table, key, before in reversed(overwritten):
                if before is None:
                    table.rows.pop(key, None)
                else:
                    table.rows[key] = before
        self.unflushed.clear()


class Transaction:
    """One at work: it sees what was committed and what it wrote itself."""

    __slots__ = (
        "_ended", "_savepoints", "active", "connection", "database", "held", "held_shared", "notes", "scope",
        "waits_for", "waits_for_disk", "writes",
    )  # fmt: skip

    def __init__(self, database: Database) -> None:
        self.database = database
        self.writes: dict[str, dict[Any, Row | None]] = {}
        self.held: list[Key] = []
        self.held_shared: list[Key] = []
        self.active = True
        self.waits_for: Transaction | None = None
        self.waits_for_disk = True
        self.scope: tuple[str, ...] | None = None
        """The areas that it may see; none: all."""
        self.connection: Any = None
        self.notes: list[tuple[Any, ...]] = []
        """What a trace tells of it once it is committed."""
        self._ended: asyncio.Future[None] | None = None
        self._savepoints: list[dict[str, dict[Any, Row | None]]] = []
        database.open[self] = None

    # reading

    def get(self, table: str, key: Any) -> Row | None:
        own = self.writes.get(table)
        if own is not None and key in own:
            return own[key]
        return self.database.table(table).rows.get(key)

    def scan(self, table: str) -> Iterator[Row]:
        committed = self.database.table(table).rows
        own = self.writes.get(table)
        if not own:
            yield from list(committed.values())
            return
        for key, row in list(committed.items()):
            if key not in own:
                yield row
        for row in list(own.values()):
            if row is not None:
                yield row

    def sees(self, area: str) -> bool:
        """As row-level security lets it."""
        return self.scope is None or area.startswith(self.scope)

    # writing

    def lock(self, *key: Key) -> None:
        """As FOR UPDATE does, until the transaction ends."""
        holder = self.database.locks.get(key)
        if holder is self:
            return
        if holder is not None:
            raise Blocked(holder)
        for other in self.database.shared.get(key, ()):
            if other is not self:
                raise Blocked(other)
        self.database.locks[key] = self
        self.held.append(key)

    def try_lock(self, *key: Key) -> bool:
        """As SKIP LOCKED does."""
        try:
            self.lock(*key)
        except Blocked:
            return False
        return True

    def share(self, *key: Key) -> None:
        """As FOR SHARE does."""
        holder = self.database.locks.get(key)
        if holder is not None and holder is not self:
            raise Blocked(holder)
        holders = self.database.shared.setdefault(key, {})
        if self not in holders:
            holders[self] = None
            self.held_shared.append(key)

    def put(self, table: str, key: Any, row: Row) -> None:
        self.lock(table, key)
        self.writes.setdefault(table, {})[key] = row
        if isinstance(key, int):
            there = self.database.table(table)
            there.highest = max(there.highest, key)

    def insert(self, table: str, key: Any, row: Row) -> None:
        """Raises UniqueViolation: the key is there."""
        self.lock(table, key)
        if self.get(table, key) is not None:
            raise UniqueViolation
        self.put(table, key, row)

    def remove(self, table: str, key: Any) -> None:
        self.lock(table, key)
        self.writes.setdefault(table, {})[key] = None

    # ending

    def savepoint(self) -> None:
        self._savepoints.append({table: dict(rows) for table, rows in self.writes.items()})

    def release(self, *, back: bool) -> None:
        before = self._savepoints.pop()
        if back:
            self.writes = before

    def commit(self) -> None:
        overwritten: list[tuple[Table, Any, Row | None]] = []
        for name, written in self.writes.items():
            table = self.database.table(name)
            rows = table.rows
            for key, row in written.items():
                if not self.waits_for_disk:
                    overwritten.append((table, key, rows.get(key)))
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row
        if self.waits_for_disk:
            self.database.flush()
        elif overwritten:
            self.database.unflushed.append(overwritten)
        self._end()

    def abort(self) -> None:
        if self.active:
            self._end()

    def _end(self) -> None:
        self.active = False
        database = self.database
        del database.open[self]
        for key in self.held:
            del database.locks[key]
        for key in self.held_shared:
            database.shared[key].pop(self, None)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def wait_for(self, holder: "Transaction") -> None:
        """Until that one ends.

        Raises:
            Deadlock: it waits for this one.
        """
        self.waits_for = holder
        seen: Transaction | None = holder
        while seen is not None:
            seen = seen.waits_for
            if seen is self:
                self.waits_for = None
                raise Deadlock
        if holder.active:
            if holder._ended is None:
                holder._ended = asyncio.get_running_loop().create_future()
            await asyncio.shield(holder._ended)
        self.waits_for = None
