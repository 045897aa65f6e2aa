"""What an alert may say of a case, remembered from its opening; and whoever had it before it was reopened."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Column, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.cases import CaseOpened, CaseReopened
from services.contracts.envelope import Recorded
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class KnownCase:
    case_id: UUID
    area: str
    reference: str | None
    kind: str
    category: str
    urgency: str
    protection: str | None = None
    """In danger, the desk that is told first."""
    previous_owners: str = ""
    """By name, apart by spaces, which no name holds."""

    @property
    def barred(self) -> frozenset[str]:
        return frozenset(self.previous_owners.split())


TABLE = Table(
    "known_case",
    MetaData(),
    Column("case_id", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("reference", Text),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("protection", Text),
    Column("previous_owners", Text, nullable=False),
)


def evolve(row: KnownCase | None, recorded: Recorded, event: Event) -> KnownCase | None:
    match event:
        case CaseOpened():
            return KnownCase(
                case_id=recorded.stream_id,
                area=recorded.area,
                reference=event.reference,
                kind=event.kind,
                category=event.category,
                urgency=event.urgency,
                protection=event.protection if event.danger else None,
            )
        case CaseReopened(previous_owner=str(previous)):
            return replace(row, previous_owners=" ".join(sorted(row.barred | {previous}))) if row else None
        case _:
            return row


KNOWN_CASES: ReadModel[KnownCase] = ReadModel(
    name="known_case", version=3, table=TABLE, row=KnownCase, evolve=evolve, types=types_of(CaseOpened, CaseReopened)
)


KNOWN = (
    "SELECT case_id, area, reference, kind, category, urgency, protection, previous_owners FROM known_case"
    " WHERE case_id = ANY($1::uuid[])"
)


async def known_cases(connection: AsyncConnection, case_ids: Collection[UUID]) -> dict[UUID, KnownCase]:
    if not case_ids:
        return {}
    rows = await connection.exec_driver_sql(
        KNOWN,
        (list(case_ids),),
    )
    return {row[0]: KnownCase(*row) for row in rows}
