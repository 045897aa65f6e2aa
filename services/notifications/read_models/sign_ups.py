"""Who means to come to which gathering: sign-ups, each by an id that joins nothing else."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, Index, MetaData, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel, types_of
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.gatherings import GatheringSignedOff, GatheringSignedUp


@dataclass(frozen=True, slots=True)
class SignUp:
    sign_up: UUID
    area: str
    gathering: UUID


TABLE = Table(
    "sign_up",
    MetaData(),
    Column("sign_up", Uuid, primary_key=True),
    Column("area", Text, nullable=False),
    Column("gathering", Uuid, nullable=False),
)
Index("sign_up_by_gathering", TABLE.c.gathering)


def evolve(row: SignUp | None, recorded: Recorded, event: Event) -> SignUp | None:
    match event:
        case GatheringSignedUp():
            return SignUp(event.sign_up, recorded.area, recorded.stream_id)
        case GatheringSignedOff():
            return None
        case _:
            return row


def sign_up_of(_recorded: Recorded, event: Event) -> UUID:
    assert isinstance(event, GatheringSignedUp | GatheringSignedOff)
    return event.sign_up


SIGN_UPS: ReadModel[SignUp] = ReadModel(
    name="sign_up",
    version=1,
    table=TABLE,
    row=SignUp,
    evolve=evolve,
    types=types_of(GatheringSignedUp, GatheringSignedOff),
    key_of=sign_up_of,
)

GUESTS = "SELECT gathering, sign_up FROM sign_up WHERE gathering = ANY($1::uuid[])"


async def guests_of(connection: AsyncConnection, gatherings: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """The sign-ups of these gatherings that were not taken back."""
    guests: dict[UUID, set[UUID]] = {}
    for row in await connection.exec_driver_sql(GUESTS, (list(gatherings),)):
        guests.setdefault(row.gathering, set()).add(row.sign_up)
    return guests
