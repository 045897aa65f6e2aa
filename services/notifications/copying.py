"""Notifications' part of the copy that a resident may take of their case: who was alerted, what was sent to them."""

from datetime import datetime

from pydantic import BaseModel

from services.chassis.copies import AskedCopy, Happened, happened
from services.chassis.service import Service

SENT_TO_RESIDENT = (
    "SELECT what, state, channel, recorded_at, settled_at FROM delivery"
    " WHERE stream_id = $1 AND audience = 'resident' ORDER BY recorded_at"
)


class Message(BaseModel):
    """No address is kept with it, and none of its words."""

    what: str
    state: str
    channel: str | None
    recorded_at: datetime
    settled_at: datetime | None


class NotificationsCopy(BaseModel):
    events: list[Happened]
    messages: list[Message]


async def copy_of(service: Service, asked: AskedCopy) -> NotificationsCopy:
    async with service.worker.connect() as connection:
        recorded = await service.store.read_stream(connection, asked.case_id)
        found = await connection.exec_driver_sql(SENT_TO_RESIDENT, (asked.case_id,))
        messages = [Message.model_validate(row, from_attributes=True) for row in found]
    return NotificationsCopy(events=[happened(one) for one in recorded], messages=messages)
