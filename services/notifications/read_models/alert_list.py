"""The alerts as staff see them: for each case its last one, and whether it still waits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    Index,
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
from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered
from services.contracts.cases import CaseAcknowledged, CaseClosed, CaseEscalated, CaseReopened, CaseResolved
from services.contracts.envelope import Recorded
from services.contracts.event import Event


class AlertState(StrEnum):
    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class AlertRow:
    """`looked_after` is mediation's word: somebody has acknowledged, resolved or closed the case itself.

    A row without an alert is a case of which mediation told more than we have told of it yet.
    """

    case_id: UUID
    area: str
    looked_after: bool = False
    alert: UUID | None = None
    state: str | None = None
    cause: str | None = None
    level: str | None = None
    recipient: str | None = None
    reference: str | None = None
    category: str | None = None
    urgency: str | None = None
    raised_at: datetime | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None

    @property
    def open(self) -> bool:
        return self.state == AlertState.WAITING and not self.looked_after


TABLE = Table(
    "alert_list",
    MetaData(),
    Column("case_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("looked_after", Boolean, nullable=False),
    Column("alert", Uuid),
    Column("state", Text),
    Column("cause", Text),
    Column("level", Text),
    Column("recipient", Text),
    Column("reference", Text),
    Column("category", Text),
    Column("urgency", Text),
    Column("raised_at", DateTime(timezone=True)),
    Column("answered_by", Text),
    Column("answered_at", DateTime(timezone=True)),
)
_RAISED = text("alert IS NOT NULL")
_OPEN = text("state = 'waiting' AND NOT looked_after")  # as text: a parameter would hide the index
Index("alert_list_newest", TABLE.c.raised_at.desc(), TABLE.c.case_id.desc(), postgresql_where=_RAISED)
Index("alert_list_open", TABLE.c.raised_at.desc(), TABLE.c.case_id.desc(), postgresql_where=_OPEN)


def evolve(row: AlertRow | None, recorded: Recorded, event: Event) -> AlertRow | None:
    """Our word and mediation's may come in either order; each sets only what is its own to say.

    An outcome that history brings closes nothing: imported history alerted nobody.
    """
    if isinstance(event, CaseResolved) and event.imported:
        return row
    row = row or AlertRow(recorded.stream_id, recorded.area)
    match event:
        case AlertRaised():
            return AlertRow(
                case_id=row.case_id,
                area=row.area,
                looked_after=row.looked_after,
                alert=event.alert,
                state=AlertState.WAITING,
                cause=event.cause,
                level=event.level,
                recipient=event.recipient,
                reference=event.reference,
                category=event.category,
                urgency=event.urgency,
                raised_at=recorded.occurred_at,
            )
        case AlertAcknowledged():
            at = recorded.occurred_at
            return replace(row, state=AlertState.ACKNOWLEDGED, answered_by=event.by, answered_at=at)
        case AlertUnanswered():
            return replace(row, state=AlertState.UNANSWERED)
        case CaseAcknowledged() | CaseResolved() | CaseClosed():
            return replace(row, looked_after=True)
        case CaseEscalated() | CaseReopened():
            return replace(row, looked_after=False)
        case _:
            return row


ALERT_LIST: ReadModel[AlertRow] = ReadModel(
    name="alert_list",
    version=1,
    table=TABLE,
    row=AlertRow,
    evolve=evolve,
    types=types_of(
        AlertRaised,
        AlertAcknowledged,
        AlertUnanswered,
        CaseAcknowledged,
        CaseResolved,
        CaseClosed,
        CaseEscalated,
        CaseReopened,
    ),
)


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
    query = select(TABLE).where(_RAISED, seen).order_by(t.raised_at.desc(), t.case_id.desc()).limit(limit)
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
