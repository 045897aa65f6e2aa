"""A read model for tests: what is known of a case, from two sources whose order is not given."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import Column, Date, Index, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis.projections import ReadModel, types_of
from services.contracts.cases import CaseAssigned, CaseConfirmed, CaseErased, CaseResolved, CaseWithdrawn, Resolution
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from tests.chassis.events import AT


@dataclass(frozen=True, slots=True)
class Visit:
    case_id: UUID
    area: str
    withdrawals: int = 0
    confirmed: int | None = None
    owner: str | None = None
    resolved_on: date | None = None


def evolve(row: Visit | None, recorded: Recorded, event: Event) -> Visit | None:
    visit = row or Visit(recorded.stream_id, recorded.area)
    match event:
        case CaseWithdrawn():
            return replace(visit, withdrawals=visit.withdrawals + 1)
        case CaseConfirmed():
            return replace(visit, confirmed=event.resolution_version)
        case CaseAssigned():
            return replace(visit, owner=event.owner)
        case CaseResolved():
            return replace(visit, resolved_on=event.resolved_on)
        case CaseErased():
            return None
        case _:
            return row


VISIT_TABLE = Table(
    "visit",
    MetaData(),
    Column("case_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("withdrawals", Integer, nullable=False),
    Column("confirmed", Integer),
    Column("owner", Text),
    Column("resolved_on", Date),
    Index("visit_by_owner", "owner"),
)

VISITS = ReadModel(
    "visit",
    1,
    VISIT_TABLE,
    Visit,
    evolve,
    types_of(CaseWithdrawn, CaseConfirmed, CaseAssigned, CaseResolved, CaseErased),
)


def of_intake(stream: UUID, version: int, area: str = "/lakeside/") -> Recorded:
    event = CaseWithdrawn() if version % 2 else CaseConfirmed(resolution_version=version)
    return recorded("intake", stream, version, event, area)


def of_mediation(stream: UUID, version: int, area: str = "/lakeside/") -> Recorded:
    if version % 2:
        return recorded("mediation", stream, version, CaseAssigned(owner=f"cadre-{version}"), area)
    resolved = CaseResolved(resolution=Resolution.EXPLAINED, resolved_on=date(2026, 3, version % 28 + 1))
    return recorded("mediation", stream, version, resolved, area)


def recorded(source: str, stream: UUID, version: int, event: Event, area: str = "/lakeside/") -> Recorded:
    return Recorded(
        source=source,
        stream_id=stream,
        version=version,
        position=version,
        type=event.type,
        schema_version=event.schema_version,
        area=area,
        data=event.model_dump_json(exclude_defaults=True).encode(),
        occurred_at=AT,
        recorded_at=AT,
        command_key=f"{source}:{stream}:{version}",
        fingerprint=b"a fingerprint",
        actor="somebody",
    )


@dataclass(frozen=True, slots=True)
class Count:
    case_id: UUID
    events: int


def count(row: Count | None, recorded: Recorded, _event: Event) -> Count:
    return Count(recorded.stream_id, row.events + 1 if row else 1)


COUNT_TABLE = Table("visit", MetaData(), Column("case_id", Uuid, primary_key=True), Column("events", Integer))
COUNTS = ReadModel("visit", 2, COUNT_TABLE, Count, count, VISITS.types)
"""The next version of VISITS, with other columns."""


async def visits(pool: AsyncEngine) -> dict[UUID, Visit]:
    async with pool.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT * FROM visit")
        return {row.case_id: Visit(*row) for row in rows}
