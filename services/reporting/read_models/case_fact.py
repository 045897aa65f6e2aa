"""What the indicators count: one row for each case, with the instant from which each fact was known."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, MetaData, Table, Text, Uuid

from services.chassis.projections import ReadModel, types_of
from services.contracts import cases
from services.contracts.envelope import Recorded
from services.contracts.event import Event

_INSTANT = DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class CaseFact:
    """`*_from` is when a fact became known: as recorded; for imported history, its business time.

    Fields of intake and of mediation are disjoint, so the two may arrive in any order; what both tell
    (kind, category, urgency) is as mediation opened it.
    """

    case_id: UUID
    area: str
    kind: str | None = None
    category: str | None = None
    urgency: str | None = None
    imported: bool = False
    reported_on: date | None = None
    reported_from: datetime | None = None
    withdrawn_from: datetime | None = None
    opened_from: datetime | None = None
    acknowledged_from: datetime | None = None
    escalated_from: datetime | None = None
    escalations: int = 0
    resolved_on: date | None = None
    resolved_from: datetime | None = None
    declined_from: datetime | None = None
    earlier: str | None = None
    """Outcomes that did not last, as JSON `[[from, until, resolved_on], …]`, for questions as of then.

    What was declined has no `resolved_on`.
    """


_NAMES = tuple(field.name for field in fields(CaseFact))
_values = attrgetter(*_NAMES)

TABLE = Table(
    "case_fact",
    MetaData(),
    Column("case_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("kind", Text),
    Column("category", Text),
    Column("urgency", Text),
    Column("imported", Boolean, nullable=False),
    Column("reported_on", Date),
    Column("reported_from", _INSTANT),
    Column("withdrawn_from", _INSTANT),
    Column("opened_from", _INSTANT),
    Column("acknowledged_from", _INSTANT),
    Column("escalated_from", _INSTANT),
    Column("escalations", Integer, nullable=False),
    Column("resolved_on", Date),
    Column("resolved_from", _INSTANT),
    Column("declined_from", _INSTANT),
    Column("earlier", Text),
    Index("case_fact_by_area", "area", "reported_on"),
    Index("case_fact_by_day", "reported_on", "case_id"),
)


def evolve(row: CaseFact | None, recorded: Recorded, event: Event) -> CaseFact | None:
    match event:
        case cases.CaseReported():
            return _reported(row, recorded, event)
        case cases.CaseWithdrawn():
            known = row.withdrawn_from if row else None
            return _with(row, recorded, withdrawn_from=known or recorded.recorded_at)
        case cases.CaseOpened():
            return _with(
                row,
                recorded,
                kind=event.kind.value,
                category=event.category,
                urgency=event.urgency.value,
                imported=event.imported or (row is not None and row.imported),
                opened_from=_known_from(recorded, event),
            )
        case cases.CaseAcknowledged():
            known = row.acknowledged_from if row else None
            return _with(row, recorded, acknowledged_from=known or recorded.recorded_at)
        case cases.CaseEscalated():
            known, before = (row.escalated_from, row.escalations) if row else (None, 0)
            return _with(row, recorded, escalated_from=known or recorded.recorded_at, escalations=before + 1)
        case cases.CaseResolved():
            return _with(row, recorded, resolved_on=event.resolved_on, resolved_from=_known_from(recorded, event))
        case cases.CaseDeclined():
            return _with(row, recorded, declined_from=recorded.recorded_at)
        case cases.CaseReopened():
            return _reopened(row, recorded)
        case _:
            return row


def _reported(row: CaseFact | None, recorded: Recorded, event: cases.CaseReported) -> CaseFact:
    known: dict[str, Any] = {
        "reported_on": event.reported_on,
        "reported_from": _known_from(recorded, event),
        "imported": event.imported or (row is not None and row.imported),
    }
    if row is None or row.opened_from is None:
        known |= {"kind": event.kind.value, "category": event.category, "urgency": event.urgency.value}
    return _with(row, recorded, **known)


def _reopened(row: CaseFact | None, recorded: Recorded) -> CaseFact | None:
    known_from = row and (row.resolved_from or row.declined_from)
    if row is None or known_from is None:
        return row
    spells: list[list[object]] = orjson.loads(row.earlier) if row.earlier else []
    spells.append([known_from, recorded.recorded_at, row.resolved_on])
    earlier = orjson.dumps(spells).decode()
    return _with(row, recorded, resolved_on=None, resolved_from=None, declined_from=None, earlier=earlier)


def _known_from(recorded: Recorded, event: cases.CaseReported | cases.CaseOpened | cases.CaseResolved) -> datetime:
    return recorded.occurred_at if event.imported else recorded.recorded_at


def _with(row: CaseFact | None, recorded: Recorded, **known: Any) -> CaseFact:
    """`dataclasses.replace`, at two thirds of its time: a rebuild does little else."""
    if row is None:
        return CaseFact(recorded.stream_id, recorded.area, **known)
    return CaseFact(**{**dict(zip(_NAMES, _values(row), strict=True)), **known})


CASE_FACT: ReadModel[CaseFact] = ReadModel(
    name="case_fact",
    version=2,
    table=TABLE,
    row=CaseFact,
    evolve=evolve,
    types=types_of(
        cases.CaseReported,
        cases.CaseWithdrawn,
        cases.CaseOpened,
        cases.CaseAcknowledged,
        cases.CaseEscalated,
        cases.CaseResolved,
        cases.CaseDeclined,
        cases.CaseReopened,
    ),
)
