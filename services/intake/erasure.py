"""Erasing: `case.erased` first, then the rows; if this process dies between, whoever takes the event deletes them."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.intake import set_aside
from services.intake.attachments import rows as attachments
from services.intake.door import Door

DROP_ASIDE = "DELETE FROM set_aside WHERE case_id = $1"
DROP_CONTACT = "DELETE FROM particulars WHERE ref = $1"
NOTE_ERASED = "INSERT INTO erased (case_id) VALUES ($1) ON CONFLICT DO NOTHING"


async def erase_rows(connection: AsyncConnection, case_id: UUID) -> None:
    """Delete all that intake holds of a case, and note it in the ledger; again does nothing.

    The pictures of its photos are doomed with their rows: the next sweep deletes them.
    """
    await set_aside.hold(connection, [case_id])
    await particulars.erase(connection, case_id)
    await attachments.erase(connection, case_id)
    await connection.exec_driver_sql(DROP_ASIDE, (case_id,))
    await connection.exec_driver_sql(NOTE_ERASED, (case_id,))


async def erase_now(door: Door, case_id: UUID) -> None:
    """The rows of a case whose `case.erased` was appended, and the pictures of its photos."""
    async with door.service.worker.begin() as connection:
        await erase_rows(connection, case_id)
    await door.album.clear()


async def erase_contact(connection: AsyncConnection, sign_up: UUID) -> None:
    """Delete what somebody left with a sign-up, by which they are reached; again does nothing."""
    await connection.exec_driver_sql(DROP_CONTACT, (sign_up,))
