"""Which case an alert was raised for: every alert there ever was, also those that a newer one followed."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.alerts import AlertRaised
from services.contracts.envelope import Recorded
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    alert: UUID
    area: str
    case_id: UUID


TABLE = Table(
    "raised_alert",
    MetaData(),
    Column("alert", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("case_id", Uuid, nullable=False),
)


def evolve(row: RaisedAlert | None, recorded: Recorded, event: Event) -> RaisedAlert | None:
    match event:
        case AlertRaised():
            return RaisedAlert(event.alert, recorded.area, recorded.stream_id)
        case _:
            return row


def alert_of(_recorded: Recorded, event: Event) -> UUID:
    assert isinstance(event, AlertRaised)
    return event.alert


RAISED_ALERTS: ReadModel[RaisedAlert] = ReadModel(
    name="raised_alert",
    version=1,
    table=TABLE,
    row=RaisedAlert,
    evolve=evolve,
    types=types_of(AlertRaised),
    key_of=alert_of,
)


CASE_OF = "SELECT case_id FROM raised_alert WHERE alert = $1 AND area ^@ ANY ($2::text[])"


async def case_of(connection: AsyncConnection, areas: Sequence[str], alert: UUID) -> UUID | None:
    """The alert's case, if it lies in these areas."""
    found = await connection.exec_driver_sql(CASE_OF, (alert, list(areas)))
    return found.scalar_one_or_none()
