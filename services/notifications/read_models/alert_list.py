"""The alerts as staff see them: for each case its last one, and whether it still waits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered, AlertWithdrawn
from services.contracts.cases import Urgency
from services.contracts.envelope import Recorded
from services.contracts.event import Event


class AlertState(StrEnum):
    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    UNANSWERED = "unanswered"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class AlertRow:
    """The last alert of a case: who was told, up to when they may answer, and what came of it."""

    case_id: UUID
    area: str
    alert: UUID
    state: str
    cause: str
    level: str
    recipient: str | None
    step: int
    reference: str | None
    kind: str
    category: str
    urgency: str
    raised_at: datetime
    answer_by: datetime | None
    answered_by: str | None = None
    answered_at: datetime | None = None

    @property
    def open(self) -> bool:
        return self.state == AlertState.WAITING


TABLE = Table(
    "alert_list",
    MetaData(),
    Column("case_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("alert", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("recipient", Text),
    Column("step", Integer, nullable=False),
    Column("reference", Text),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    Column("answer_by", DateTime(timezone=True)),
    Column("answered_by", Text),
    Column("answered_at", DateTime(timezone=True)),
)
_OPEN = text("state = 'waiting'")  # as text: a parameter would hide the index
Index("alert_list_newest", TABLE.c.raised_at.desc(), TABLE.c.case_id.desc())
Index("alert_list_open", TABLE.c.raised_at.desc(), TABLE.c.case_id.desc(), postgresql_where=_OPEN)


def evolve(row: AlertRow | None, recorded: Recorded, event: Event) -> AlertRow | None:
    match event:
        case AlertRaised():
            return AlertRow(
                case_id=recorded.stream_id,
                area=recorded.area,
                alert=event.alert,
                state=AlertState.WAITING,
                cause=event.cause,
                level=event.level,
                recipient=event.recipient,
                step=event.step,
                reference=event.reference,
                kind=event.kind,
                category=event.category,
                urgency=event.urgency,
                raised_at=recorded.occurred_at,
                answer_by=event.answer_by,
            )
        case AlertAcknowledged() if row:
            at = recorded.occurred_at
            return replace(row, state=AlertState.ACKNOWLEDGED, answered_by=event.by, answered_at=at)
        case AlertUnanswered() if row:
            return replace(row, state=AlertState.UNANSWERED)
        case AlertWithdrawn() if row:
            return replace(row, state=AlertState.WITHDRAWN)
        case _:
            return row


ALERT_LIST: ReadModel[AlertRow] = ReadModel(
    name="alert_list",
    version=2,
    table=TABLE,
    row=AlertRow,
    evolve=evolve,
    types=types_of(AlertRaised, AlertAcknowledged, AlertUnanswered, AlertWithdrawn),
)


FURTHEST_BEHIND = 2_000
"""Positions; a list that lags by more than this is told of by `doorstep status`, not made up for here."""

_SHOWN_UPTO = """
SELECT coalesce(min(e.position) FILTER (WHERE e.version > coalesce(p.version, 0)) - 1, max(l.position))
FROM log l
LEFT JOIN event e ON e.position > l.position - $3 AND e.position <= l.position AND e.type LIKE 'alert.%'
LEFT JOIN progress p ON p.consumer = $1 AND p.source = $2 AND p.stream_id = e.stream_id
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; nothing set is nothing asked."""

    open_only: bool = False
    area: str | None = None
    recipient: str | None = None
    or_nobodys: bool = False
    """With `recipient`: also what nobody on duty was there for."""


@dataclass(frozen=True, slots=True)
class After:
    """The last row of the page before."""

    raised_at: datetime
    case_id: UUID


async def alerts_of(
    connection: AsyncConnection, areas: Sequence[str], wanted: Wanted, after: After | None, limit: int
) -> list[AlertRow]:
    """The newest alerts in these areas, at most `limit`."""
    t = TABLE.c
    seen = t.area.op("^@")(func.any(literal(list(areas), ARRAY(Text))))
    query = select(TABLE).where(seen).order_by(t.raised_at.desc(), t.case_id.desc()).limit(limit)
    if wanted.open_only:
        query = query.where(_OPEN)
    if wanted.area:
        query = query.where(t.area.op("^@")(wanted.area))
    if wanted.recipient:
        mine = t.recipient == wanted.recipient
        query = query.where(or_(mine, t.recipient.is_(None)) if wanted.or_nobodys else mine)
    if after:
        query = query.where(tuple_(t.raised_at, t.case_id) < (after.raised_at, after.case_id))
    return [AlertRow(*row) for row in await connection.execute(query)]


async def waiting_in(connection: AsyncConnection, areas: Sequence[str], limit: int) -> list[AlertRow]:
    """What waits for an answer in these areas, at most `limit`: urgent first, then what has the least time left."""
    t = TABLE.c
    seen = t.area.op("^@")(func.any(literal(list(areas), ARRAY(Text))))
    order = ((t.urgency == Urgency.URGENT).desc(), t.answer_by.asc().nulls_last(), t.raised_at, t.case_id)
    rows = await connection.execute(select(TABLE).where(_OPEN, seen).order_by(*order).limit(limit))
    return [AlertRow(*row) for row in rows]


async def shown_upto(connection: AsyncConnection, consumer: str, source: str) -> int:
    """A position of our own log up to which the list holds all that the connection may see.

    Asked before the list is read: what is told behind it, whoever reads both misses nothing.
    """
    found = await connection.exec_driver_sql(_SHOWN_UPTO, (consumer, source, FURTHEST_BEHIND))
    return found.scalar_one()
