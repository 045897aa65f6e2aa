"""How a member of staff wants to be reached: one sealed row each, theirs alone."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.eventstore import Sealed
from services.chassis.ids import new_id
from services.chassis.particulars import Vault
from services.contracts.cases import Urgency

ALL_URGENCIES = tuple(urgency.value for urgency in Urgency)


@dataclass(frozen=True, slots=True, repr=False)
class StaffChannels:
    """`urgencies`: of which cases they want to be told this way."""

    email: str | None = None
    phone: str | None = None
    language: str | None = None
    urgencies: tuple[str, ...] = ALL_URGENCIES


KEEP = (
    "INSERT INTO contact_channel (staff_id, ref, key_id, sealed, changed_at) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (staff_id) DO UPDATE SET ref = excluded.ref, key_id = excluded.key_id,"
    "  sealed = excluded.sealed, changed_at = excluded.changed_at"
)
CHANNELS = "SELECT ref, key_id, sealed FROM contact_channel WHERE staff_id = $1"
FORGET = "DELETE FROM contact_channel WHERE staff_id = $1"


async def keep(connection: AsyncConnection, vault: Vault, staff: str, channels: StaffChannels, at: datetime) -> None:
    sealed = vault.seal(
        new_id(),
        {
            "email": channels.email,
            "phone": channels.phone,
            "language": channels.language,
            "urgencies": channels.urgencies,
        },
    )
    await connection.exec_driver_sql(
        KEEP,
        (staff, sealed.ref, sealed.key_id, sealed.body, at),
    )


async def channels_of(connection: AsyncConnection, vault: Vault, staff: str) -> StaffChannels | None:
    """None: they have left no way to reach them."""
    found = await connection.exec_driver_sql(CHANNELS, (staff,))
    row = found.one_or_none()
    if row is None:
        return None
    ref: UUID = row.ref
    kept = vault.open(Sealed(ref, row.key_id, row.sealed))
    return StaffChannels(kept["email"], kept["phone"], kept["language"], tuple(kept["urgencies"]))


async def forget(connection: AsyncConnection, staff: str) -> None:
    await connection.exec_driver_sql(FORGET, (staff,))
