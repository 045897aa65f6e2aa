"""What production calls instead of PostgreSQL: engines, connections and results over `tables`.

Each statement that production sends is answered by its twin (see `statements/`); one without a twin is an error.
"""

import asyncio
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, cast

from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.engine import Compiled
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.elements import ClauseElement

from tests.simulation.faults import Faults, Probes
from tests.simulation.scheduler import Process
from tests.simulation.tables import Blocked, Call, Database, Deadlock, Transaction, UniqueViolation

Twin = Callable[..., Iterable[Any] | int | None]
"""A statement in Python: the rows that it returns, or how many it changed."""

TWINS: dict[str, Twin] = {}


def twin(*statements: str) -> Callable[[Twin], Twin]:
    """The function stands for these statements, its arguments behind the transaction for their parameters."""

    def kept(function: Twin) -> Twin:
        for statement in statements:
            assert statement not in TWINS, f"two twins of {statement}"
            TWINS[statement] = function
        return function

    return kept


_DIALECT = asyncpg.dialect()


def as_sent(statement: ClauseElement) -> Compiled:
    """A statement of SQLAlchemy's as it is sent: its text is what a twin is known by."""
    return statement.compile(dialect=_DIALECT)


class Trace(Protocol):
    def __call__(self, process: Process | None, what: str, /, *told: object) -> None: ...


def untraced(_process: Process | None, _what: str, *_told: object) -> None:
    """For those who tell no story."""


class Turn:
    """Let others go on."""

    __slots__ = ()

    def __await__(self) -> Generator[None]:
        yield


TURN = Turn()


async def nevermore() -> Any:
    """Where a process that was just killed stands for ever."""
    await asyncio.get_running_loop().create_future()


class _ServerError(Exception):
    """What the driver would raise, with PostgreSQL's code."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def disconnected() -> DBAPIError:
    return DBAPIError("a statement", None, _ServerError("08006"), connection_invalidated=True)


class Unanswered(Exception):
    """No twin: write one, beside those of the module that the statement comes from."""


class Engine:
    """A pool of one process to one database, in one role."""

    def __init__(
        self, process: Process, database: Database, role: str, faults: Faults, probes: Probes, trace: Trace
    ) -> None:
        self.process = process
        self.database = database
        self.role = role
        self.faults = faults
        self.probes = probes
        self.trace = trace
        self.pick = faults.draw.random
        self.autocommit = False
        self.cut: set[tuple[Process, str]] = set()

    def execution_options(self, *, isolation_level: str) -> AsyncEngine:
        assert isolation_level == "AUTOCOMMIT"
        statements = Engine(self.process, self.database, self.role, self.faults, self.probes, self.trace)
        statements.autocommit = True
        statements.cut = self.cut
        return cast("AsyncEngine", statements)

    def connect(self) -> "Connection":
        return Connection(self)

    def begin(self) -> "Connection":
        return Connection(self, commits=True)

    async def dispose(self) -> None:
        pass


class Result:
    """Rows as SQLAlchemy hands them out."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, told: Iterable[Any] | int | None) -> None:
        self._rows: Sequence[Any] = () if told is None or isinstance(told, int) else list(told)
        self.rowcount = told if isinstance(told, int) else len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> Sequence[Any]:
        return self._rows

    def first(self) -> Any:
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        [row] = self._rows
        return row

    def one_or_none(self) -> Any:
        assert len(self._rows) < 2
        return self.first()

    def scalar_one(self) -> Any:
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        row = self.one_or_none()
        return None if row is None else row[0]


class Connection:
    """One session; without `commits` what it did ends with it."""

    __slots__ = ("_commits", "_number", "ended", "engine", "transaction")

    def __init__(self, engine: Engine, *, commits: bool = False) -> None:
        self.engine = engine
        self._commits = commits
        self.transaction: Transaction | None = None
        self.ended = False
        engine.database.met += 1
        self._number = engine.database.met

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> Self:
        await self._reach()
        return self

    async def get_raw_connection(self) -> "Connection":
        return self

    @property
    def driver_connection(self) -> "Driver":
        return Driver(self)

    async def close(self) -> None:
        self._close()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._commits and kind is None and self.transaction is not None:
            await self._commit(self.transaction)
        self._close()

    async def exec_driver_sql(self, statement: str, parameters: Sequence[Any] = ()) -> Result:
        """Answer a statement; a list of parameters is one after the other, as the driver does."""
        answer = TWINS.get(statement)
        if answer is None:
            raise Unanswered(statement)
        engine = self.engine
        if engine.faults.hurry < engine.pick():
            await TURN
        self._check()
        transaction = self.transaction or self._begin()
        told: Iterable[Any] | int | None = None
        each = cast("list[Sequence[Any]]", parameters) if isinstance(parameters, list) else (parameters,)
        for one in each:
            while True:
                try:
                    told = answer(transaction, *one)
                    break
                except Blocked as blocked:
                    await self._wait(transaction, blocked.holder)
                except UniqueViolation:
                    raise IntegrityError("a statement", None, _ServerError("23505")) from None
        result = Result(told)
        if engine.database.script is not None:
            self._note("statement", statement, each, None if told is None or isinstance(told, int) else result.all())
        if engine.autocommit:
            await self._commit(transaction)
        return result

    async def execute(self, statement: ClauseElement) -> Result:
        """One that SQLAlchemy made, as the driver would be given it."""
        compiled = as_sent(statement)
        return await self.exec_driver_sql(str(compiled), tuple((compiled.params or {}).values()))

    async def rollback(self) -> None:
        self._drop()

    async def commit(self) -> None:
        if self.transaction is not None:
            await self._commit(self.transaction)

    async def invalidate(self) -> None:
        self.ended = True
        self._close()

    def begin_nested(self) -> "Savepoint":
        return Savepoint(self.transaction or self._begin(), self._note)

    @property
    def alive(self) -> bool:
        """Whether what belongs to the session is still its own."""
        return not self.ended and self.engine.process.alive and self.engine.database.serving

    def _note(
        self, word: str, statement: str = "", parameters: Sequence[Any] = (), told: Sequence[Any] | None = None
    ) -> None:
        script = self.engine.database.script
        if script is not None:
            script.append(Call(self._number, self.engine.role, word, statement, parameters, told))

    def _begin(self) -> Transaction:
        self._note("begin")
        transaction = self.transaction = Transaction(self.engine.database)
        transaction.connection = self
        return transaction

    def _close(self) -> None:
        self._drop()
        self._note("close")

    def _drop(self) -> None:
        if self.transaction is not None:
            if self.transaction.active:
                self._note("rollback")
            self.transaction.abort()
            self.transaction = None

    async def _reach(self) -> None:
        """A way to the server; whoever has none waits in vain for a while."""
        engine = self.engine
        if not engine.database.serving or (engine.process, "PostgreSQL") in engine.cut:
            await asyncio.sleep(0.05 + engine.pick())
        self._check()

    def _check(self) -> None:
        """Whoever can't reach the server, or was cut off in the middle, is told so."""
        engine = self.engine
        if (
            not engine.database.serving
            or (engine.cut and (engine.process, "PostgreSQL") in engine.cut)
            or (self.transaction is not None and not self.transaction.active)
        ):
            self._lost()
        if engine.faults.active and engine.faults.strikes("statement failed"):
            engine.trace(engine.process, "statement failed")
            self._lost()

    def _lost(self) -> None:
        self.ended = True
        self._drop()
        raise disconnected()

    async def _wait(self, transaction: Transaction, holder: Transaction) -> None:
        try:
            await transaction.wait_for(holder)
        except Deadlock:
            self._drop()
            raise DBAPIError("a statement", None, _ServerError("40P01")) from None
        if not transaction.active:
            self._lost()

    async def _commit(self, transaction: Transaction) -> None:
        """The commit, and its answer: either may be lost."""
        engine, faults = self.engine, self.engine.faults
        await TURN
        if not transaction.active or not engine.database.serving:
            self._lost()
        if faults.active and transaction.writes:
            if faults.strikes("crash before commit"):
                engine.trace(engine.process, "crash before commit")
                engine.process.kill()
                await nevermore()
            if faults.strikes("commit refused"):
                engine.trace(engine.process, "commit refused")
                self._lost()
        transaction.commit()
        self._note("commit")
        self.transaction = None
        for note in transaction.notes:
            engine.trace(engine.process, *note)
        if faults.active and transaction.writes:
            if faults.strikes("crash after commit"):
                engine.trace(engine.process, "crash after commit")
                engine.process.kill()
                await nevermore()
            if faults.strikes("commit answer lost"):
                engine.trace(engine.process, "commit answer lost")
                self._lost()


class Driver:
    """The driver under SQLAlchemy, for those who call it without."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[Any]:
        return (await self._connection.exec_driver_sql(statement, arguments)).all()


class Savepoint:
    """A part that can be taken back alone."""

    def __init__(self, transaction: Transaction, note: Callable[[str], None]) -> None:
        self._transaction = transaction
        self._note = note

    async def __aenter__(self) -> None:
        self._note("savepoint")
        self._transaction.savepoint()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transaction.active:
            self._note("release" if kind is None else "back")
            self._transaction.release(back=kind is not None)
