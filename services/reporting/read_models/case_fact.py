"""What the indicators count: one row for each case, with the instant from which each fact was known."""

from dataclasses import dataclass, replace
from datetime import date, datetime
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
    earlier: str | None = None
    """Resolutions that did not last, as JSON `[[from, until, resolved_on], …]`, for questions as of then."""


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
    Column("earlier", Text),
    Index("case_fact_by_area", "area", "reported_on"),
    Index("case_fact_by_day", "reported_on", "case_id"),
)


def evolve(row: CaseFact | None, recorded: Recorded, event: Event) -> CaseFact:
    fact = row or CaseFact(recorded.stream_id, recorded.area)
    match event:
        case cases.CaseReported():
            triaged = fact.opened_from is not None
            return replace(
                fact,
                kind=fact.kind if triaged else event.kind.value,
                category=fact.category if triaged else event.category,
                urgency=fact.urgency if triaged else event.urgency.value,
                imported=fact.imported or event.imported,
                reported_on=event.reported_on,
                reported_from=recorded.occurred_at if event.imported else recorded.recorded_at,
            )
        case cases.CaseWithdrawn():
            return replace(fact, withdrawn_from=fact.withdrawn_from or recorded.recorded_at)
        case cases.CaseOpened():
            return replace(
                fact,
                kind=event.kind.value,
                category=event.category,
                urgency=event.urgency.value,
                imported=fact.imported or event.imported,
                opened_from=recorded.occurred_at if event.imported else recorded.recorded_at,
            )
        case cases.CaseAcknowledged():
            return replace(fact, acknowledged_from=fact.acknowledged_from or recorded.recorded_at)
        case cases.CaseEscalated():
            first = fact.escalated_from or recorded.recorded_at
            return replace(fact, escalated_from=first, escalations=fact.escalations + 1)
        case cases.CaseResolved():
            known_from = recorded.occurred_at if event.imported else recorded.recorded_at
            return replace(fact, resolved_on=event.resolved_on, resolved_from=known_from)
        case cases.CaseReopened():
            return _reopened(fact, recorded.recorded_at)
        case _:
            return fact


def _reopened(fact: CaseFact, at: datetime) -> CaseFact:
    if fact.resolved_on is None:
        return fact
    spells: list[list[object]] = orjson.loads(fact.earlier) if fact.earlier else []
    spells.append([fact.resolved_from, at, fact.resolved_on])
    return replace(fact, resolved_on=None, resolved_from=None, earlier=orjson.dumps(spells).decode())


CASE_FACT: ReadModel[CaseFact] = ReadModel(
    name="case_fact",
    version=1,
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
        cases.CaseReopened,
    ),
)
