"""The caseload: a row for each case, as lists and filters of the desk want it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypedDict
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Index,
    MetaData,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    false,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.cases import (
    CaseAcknowledged,
    CaseAmended,
    CaseAppealed,
    CaseAssigned,
    CaseClosed,
    CaseDispatchAccepted,
    CaseDispatchDone,
    CaseDispatched,
    CaseDispatchReturned,
    CaseEscalated,
    CaseMediated,
    CaseMerged,
    CaseMessageWritten,
    CaseOpened,
    CaseReminded,
    CaseReopened,
    CaseReported,
    CaseResolved,
)
from services.contracts.deadlines import Deadline, Rule
from services.contracts.envelope import Recorded
from services.contracts.event import Event


class State(StrEnum):
    REPORTED = "reported"
    OPENED = "opened"
    ASSIGNED = "assigned"
    ACKNOWLEDGED = "acknowledged"
    IN_MEDIATION = "in_mediation"
    DISPATCHED = "dispatched"
    MERGED = "merged"
    RESOLVED = "resolved"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class CaseRow:
    """`area` is the community's, `level` the area that answers now; `reported_at` is business time."""

    case_id: UUID
    area: str
    level: str
    state: str
    owner: str | None
    reference: str | None
    kind: str
    category: str
    urgency: str
    imported: bool
    reported_at: datetime
    opened_at: datetime | None
    resolved_on: date | None
    last_at: datetime
    unit: str | None = None
    into_case: UUID | None = None
    acknowledge_by: datetime | None = None
    accept_by: datetime | None = None
    done_by: datetime | None = None
    due_at: datetime | None = None
    """The first of these dates; none when nothing is promised any more."""
    heard_at: datetime | None = None
    """When the resident wrote last."""
    answered_at: datetime | None = None
    """When somebody wrote to them, solved it or ended it last."""
    danger: bool = False
    minor: bool = False
    protection: str | None = None

    @property
    def waits_for_word(self) -> bool:
        """The resident wrote, and has had no answer."""
        return self.heard_at is not None and (self.answered_at is None or self.answered_at < self.heard_at)


WAITING = "state IN ('dispatched', 'merged', 'resolved') AND NOT imported"
"""It is somebody else's turn. In these very words, so that a query is served by the index over them."""

UNDATED = "due_at IS NULL AND state IN ('reported', 'opened', 'assigned', 'acknowledged', 'in_mediation')"

TABLE = Table(
    "caseload",
    MetaData(),
    Column("case_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text),
    Column("reference", Text),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("imported", Boolean, nullable=False),
    Column("reported_at", DateTime(timezone=True), nullable=False),
    Column("opened_at", DateTime(timezone=True)),
    Column("resolved_on", Date),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("unit", Text),
    Column("into_case", Uuid),
    Column("acknowledge_by", DateTime(timezone=True)),
    Column("accept_by", DateTime(timezone=True)),
    Column("done_by", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True)),
    Column("heard_at", DateTime(timezone=True)),
    Column("answered_at", DateTime(timezone=True)),
    Column("danger", Boolean, nullable=False),
    Column("minor", Boolean, nullable=False),
    Column("protection", Text),
)
Index("caseload_newest", TABLE.c.reported_at.desc(), TABLE.c.case_id.desc())
Index("caseload_by_area", TABLE.c.area, TABLE.c.reported_at.desc(), TABLE.c.case_id.desc())
Index("caseload_by_state", TABLE.c.state, TABLE.c.reported_at.desc(), TABLE.c.case_id.desc())
Index(
    "caseload_by_owner",
    TABLE.c.owner,
    TABLE.c.reported_at.desc(),
    TABLE.c.case_id.desc(),
    postgresql_where=TABLE.c.owner.is_not(None),
)
Index("caseload_due", TABLE.c.due_at, TABLE.c.case_id, postgresql_where=TABLE.c.due_at.is_not(None))
Index("caseload_waiting", TABLE.c.due_at, TABLE.c.case_id, postgresql_where=text(WAITING))
Index("caseload_undated", TABLE.c.reported_at.desc(), TABLE.c.case_id.desc(), postgresql_where=text(UNDATED))
Index("caseload_by_reference", TABLE.c.reference, postgresql_where=TABLE.c.reference.is_not(None))


def evolve(row: CaseRow | None, recorded: Recorded, event: Event) -> CaseRow | None:
    """Intake's word and mediation's may come in either order; each sets only what is its own to say."""
    match event:
        case CaseReported():
            return _reported(row, recorded, event)
        case CaseOpened():
            return _opened(row, recorded, event)
        case CaseAmended() | CaseAppealed():
            return None if row is None else replace(row, heard_at=recorded.occurred_at)
        case _:
            return None if row is None else _moved(row, recorded, event)


def _reported(row: CaseRow | None, recorded: Recorded, event: CaseReported) -> CaseRow:
    if row is not None:
        last_at = max(row.last_at, recorded.occurred_at)
        return replace(row, area=recorded.area, reported_at=recorded.occurred_at, last_at=last_at)
    return CaseRow(
        case_id=recorded.stream_id,
        area=recorded.area,
        level=recorded.area,
        state=State.REPORTED,
        owner=None,
        reference=event.reference,
        kind=event.kind,
        category=event.category,
        urgency=event.urgency,
        imported=event.imported,
        reported_at=recorded.occurred_at,
        opened_at=None,
        resolved_on=None,
        last_at=recorded.occurred_at,
    )


def _opened(row: CaseRow | None, recorded: Recorded, event: CaseOpened) -> CaseRow:
    at = recorded.occurred_at
    return CaseRow(
        case_id=recorded.stream_id,
        area=row.area if row else recorded.area,
        level=event.level,
        state=State.OPENED,
        owner=None,
        reference=event.reference,
        kind=event.kind,
        category=event.category,
        urgency=event.urgency,
        imported=event.imported,
        heard_at=row.heard_at if row else None,
        danger=event.danger,
        minor=event.minor,
        protection=event.protection,
        reported_at=row.reported_at if row else at,
        opened_at=at,
        resolved_on=None,
        last_at=max(row.last_at, at) if row else at,
        **_dates(None, event.deadlines),
    )


def _moved(row: CaseRow, recorded: Recorded, event: Event) -> CaseRow:
    """One `replace`, in every case: it takes longer than all that decides on it."""
    at = max(row.last_at, recorded.occurred_at)
    match event:
        case CaseAssigned():
            dates = _dates(row, event.deadlines, ended=Rule.ACCEPT)
            return replace(row, last_at=at, state=State.ASSIGNED, owner=event.owner, unit=None, **dates)
        case CaseAcknowledged():
            state = row.state if row.state == State.DISPATCHED else State.ACKNOWLEDGED
            return replace(row, last_at=at, state=state, owner=event.owner, **_dates(row, ended=Rule.ACKNOWLEDGE))
        case CaseMediated():
            dates = _dates(row, event.deadlines, ended=Rule.ACCEPT)
            return replace(row, last_at=at, state=State.IN_MEDIATION, unit=None, **dates)
        case CaseDispatched():
            dates = _dates(row, event.deadlines)
            return replace(row, last_at=at, state=State.DISPATCHED, owner=event.tracker, unit=event.unit, **dates)
        case CaseDispatchAccepted():
            return replace(row, last_at=at, **_dates(row, ended=Rule.ACCEPT))
        case CaseDispatchReturned() | CaseDispatchDone():
            dates = _dates(row, ended=Rule.ACCEPT)
            return replace(row, last_at=at, state=State.ACKNOWLEDGED, unit=None, **dates)
        case CaseReminded():
            return replace(row, last_at=at, **_dates(row, event.deadlines))
        case CaseEscalated():
            state = State.ASSIGNED if event.owner else State.OPENED
            dates = _dates(row, event.deadlines, ended=Rule.ACCEPT)
            return replace(row, last_at=at, state=state, owner=event.owner, level=event.to_level, unit=None, **dates)
        case CaseMerged():
            return replace(row, last_at=at, state=State.MERGED, into_case=event.into, **_AT_REST)
        case CaseResolved():
            ended = replace(row, state=State.RESOLVED, resolved_on=event.resolved_on, **_AT_REST)
            return replace(ended, last_at=at, answered_at=recorded.occurred_at)
        case CaseMessageWritten():
            return replace(row, last_at=at, answered_at=recorded.occurred_at)
        case CaseReopened():
            return replace(
                row,
                last_at=at,
                state=State.OPENED,
                owner=None,
                level=event.level,
                resolved_on=None,
                into_case=None,
                **_dates(row, event.deadlines),
            )
        case CaseClosed():
            return replace(row, last_at=at, answered_at=recorded.occurred_at, state=State.CLOSED, **_AT_REST)
        case _:
            return replace(row, last_at=at)


class _Dates(TypedDict):
    acknowledge_by: datetime | None
    accept_by: datetime | None
    done_by: datetime | None
    due_at: datetime | None


def _dates(row: CaseRow | None, deadlines: Sequence[Deadline] = (), *, ended: Rule | None = None) -> _Dates:
    """A row's dates without that of the rule that ended, and with new ones. The time for mediation takes the place of
    the time to be done."""
    acknowledge_by = row.acknowledge_by if row and ended is not Rule.ACKNOWLEDGE else None
    accept_by = row.accept_by if row and ended is not Rule.ACCEPT else None
    done_by = row.done_by if row else None
    for deadline in deadlines:
        match deadline.rule:
            case Rule.ACKNOWLEDGE:
                acknowledge_by = deadline.due_at
            case Rule.ACCEPT:
                accept_by = deadline.due_at
            case Rule.DONE | Rule.MEDIATE:
                done_by = deadline.due_at
            case _:
                pass
    promised = [at for at in (acknowledge_by, accept_by, done_by) if at is not None]
    return {
        "acknowledge_by": acknowledge_by,
        "accept_by": accept_by,
        "done_by": done_by,
        "due_at": min(promised, default=None),
    }


class _AtRest(_Dates):
    unit: None


_AT_REST: _AtRest = {"unit": None, "acknowledge_by": None, "accept_by": None, "done_by": None, "due_at": None}


CASELOAD: ReadModel[CaseRow] = ReadModel(
    name="caseload",
    version=6,
    table=TABLE,
    row=CaseRow,
    evolve=evolve,
    types=types_of(
        CaseReported,
        CaseAmended,
        CaseAppealed,
        CaseMessageWritten,
        CaseOpened,
        CaseAssigned,
        CaseAcknowledged,
        CaseMediated,
        CaseDispatched,
        CaseDispatchAccepted,
        CaseDispatchReturned,
        CaseDispatchDone,
        CaseReminded,
        CaseEscalated,
        CaseMerged,
        CaseResolved,
        CaseReopened,
        CaseClosed,
    ),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; nothing set is nothing asked."""

    state: Sequence[State] = ()
    area: str | None = None
    owner: str | None = None
    kind: str | None = None
    category: str | None = None
    reference: str | None = None
    due_before: datetime | None = None
    """Only what is promised for before that moment, the most urgent date first."""


@dataclass(frozen=True, slots=True)
class After:
    """The last row of the page before."""

    reported_at: datetime
    case_id: UUID

    @staticmethod
    def last_of(rows: Sequence[CaseRow]) -> "After":
        return After(rows[-1].reported_at, rows[-1].case_id)

    @property
    def mark(self) -> str:
        """As it goes into an address."""
        return urlsafe_b64encode(f"{self.reported_at.isoformat()}|{self.case_id}".encode()).decode()

    @staticmethod
    def of(mark: str) -> "After":
        """The row that a mark names.

        Raises:
            ValueError: it is none.
        """
        reported_at, case_id = urlsafe_b64decode(mark).decode().split("|")
        after = After(datetime.fromisoformat(reported_at), UUID(case_id))
        if after.reported_at.tzinfo is None:
            raise ValueError("a mark says when by which clock")
        return after


async def cases_of(
    connection: AsyncConnection, areas: Sequence[str], wanted: Wanted, after: After | None, limit: int
) -> list[CaseRow]:
    """The newest cases in these areas, at most `limit`.

    The connection's scope says the same of the areas again, as a policy; said here, an index can serve it.
    """
    t = TABLE.c
    query = select(TABLE).order_by(t.reported_at.desc(), t.case_id.desc()).limit(limit)
    if "/" not in areas:
        query = query.where(under_any(areas))
    if wanted.state:
        query = query.where(t.state.in_([state.value for state in wanted.state]))
    if wanted.area:
        query = query.where(under(wanted.area))
    for column, value in (
        (t.owner, wanted.owner),
        (t.kind, wanted.kind),
        (t.category, wanted.category),
        (t.reference, wanted.reference),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.due_before:
        query = query.where(t.due_at < wanted.due_before).order_by(None).order_by(t.due_at, t.case_id)
    if after:
        query = query.where(tuple_(t.reported_at, t.case_id) < (after.reported_at, after.case_id))
    return await rows_of(connection, query)


def under_any(areas: Sequence[str]) -> ColumnElement[bool]:
    return or_(false(), *map(under, areas))


def under(area: str) -> ColumnElement[bool]:
    """Rendered into the statement: of a parameter the planner can't tell a village from a city."""
    return TABLE.c.area.op("^@", is_comparison=True)(bindparam(None, area, Text, literal_execute=True))


async def case_of(connection: AsyncConnection, case_id: UUID) -> CaseRow | None:
    """One case in the connection's scope."""
    found = await rows_of(connection, select(TABLE).where(TABLE.c.case_id == case_id))
    return found[0] if found else None


async def rows_of(connection: AsyncConnection, query: Select[tuple[object, ...]]) -> list[CaseRow]:
    return [CaseRow(*row) for row in await connection.execute(query)]
