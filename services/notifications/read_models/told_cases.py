"""What a message about a case may say, and whether its resident is to be told at all."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, Column, DateTime, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.cases import (
    Amendment,
    CaseAcknowledged,
    CaseAmended,
    CaseAssigned,
    CaseDelayExplained,
    CaseErased,
    CaseEscalated,
    CaseMediated,
    CaseOpened,
    CaseReopened,
    CaseReported,
)
from services.contracts.deadlines import Deadline, Rule
from services.contracts.envelope import Recorded
from services.contracts.event import Event

_PROMISED = frozenset({Rule.DONE, Rule.MEDIATE})
"""The clocks that a resident waits for; the others are staff's own."""


@dataclass(frozen=True, slots=True)
class ToldCase:
    """`particulars` names intake's sealed row, in which an address may be; `due_at` is what the resident is promised.

    What intake and what mediation tell lies in fields of its own, since they come in any order.
    """

    case_id: UUID
    area: str
    particulars: UUID | None = None
    imported: bool = False
    erased: bool = False
    reference: str | None = None
    category: str | None = None
    urgency: str | None = None
    owner: str | None = None
    due_at: datetime | None = None


TABLE = Table(
    "told_case",
    MetaData(),
    Column("case_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("particulars", Uuid),
    Column("imported", Boolean, nullable=False),
    Column("erased", Boolean, nullable=False),
    Column("reference", Text),
    Column("category", Text),
    Column("urgency", Text),
    Column("owner", Text),
    Column("due_at", DateTime(timezone=True)),
)


def evolve(row: ToldCase | None, recorded: Recorded, event: Event) -> ToldCase | None:
    case = row or ToldCase(recorded.stream_id, recorded.area)
    match event:
        case CaseReported():
            return replace(case, particulars=event.particulars, imported=event.imported, reference=event.reference)
        case CaseAmended(amendment=Amendment.CORRECTION):
            return replace(case, particulars=event.particulars)
        case CaseErased():
            # Each service says it of itself: the resident's address was intake's.
            return replace(case, erased=True) if recorded.source == "intake" else case
        case CaseOpened():
            due_at, owner = promised(event.deadlines) or case.due_at, event.answered_by or case.owner
            return replace(case, category=event.category, urgency=event.urgency.value, due_at=due_at, owner=owner)
        case CaseAssigned() | CaseAcknowledged():
            return replace(case, owner=event.owner)
        case CaseEscalated():
            return replace(case, owner=event.owner, due_at=promised(event.deadlines) or case.due_at)
        case CaseReopened():
            return replace(case, owner=None, due_at=promised(event.deadlines) or case.due_at)
        case CaseMediated():
            return replace(case, due_at=promised(event.deadlines) or case.due_at)
        case CaseDelayExplained():
            return replace(case, due_at=event.due_at)
        case _:
            return row


def promised(deadlines: Collection[Deadline]) -> datetime | None:
    """By when the resident may expect it done, if one of these says so."""
    return next((one.due_at for one in deadlines if one.rule in _PROMISED), None)


TOLD_CASES: ReadModel[ToldCase] = ReadModel(
    name="told_case",
    version=2,
    table=TABLE,
    row=ToldCase,
    evolve=evolve,
    types=types_of(
        CaseReported,
        CaseAmended,
        CaseErased,
        CaseOpened,
        CaseAssigned,
        CaseAcknowledged,
        CaseEscalated,
        CaseReopened,
        CaseMediated,
        CaseDelayExplained,
    ),
)

_COLUMNS = ", ".join(column.name for column in TABLE.columns)


TOLD = f"SELECT {_COLUMNS} FROM told_case WHERE case_id = ANY($1::uuid[])"


async def told_cases(connection: AsyncConnection, cases: Collection[UUID]) -> dict[UUID, ToldCase]:
    """Those of `cases` that were heard of."""
    rows = await connection.exec_driver_sql(TOLD, (list(cases),))
    return {row[0]: ToldCase(*row) for row in rows}
