"""What became of messages: what staff must know of those that did not reach anybody, without anybody's address."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.chassis.database import scoped
from services.contracts.event import AreaPath
from services.notifications.deliveries.planned import Audience
from services.notifications.deliveries.rows import Channel, State, Wanted, deliveries_of
from services.notifications.endpoints.desk import Parts, Reader

router = APIRouter()

NOT_BROUGHT = (State.REFUSED, State.UNDELIVERABLE, State.EXPIRED, State.UNKNOWN_AFTER_RESTORE)


class Delivery(BaseModel):
    """One message to one reader. `recipient` is staff; a resident is known by the case alone. `reason` is a code: why
    it waits, or did not go out."""

    delivery_id: UUID
    case_id: UUID
    area: str
    audience: Audience
    recipient: str | None
    what: str
    state: State
    channel: Channel | None
    reason: str | None
    attempts: int
    recorded_at: datetime
    """When that happened of which it tells."""
    settled_at: datetime | None


class DeliveryList(BaseModel):
    """The newest first."""

    deliveries: list[Delivery]


Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("/deliveries", operation_id="read_deliveries")
async def read_deliveries(
    parts: Parts,
    staff: Reader,
    state: Annotated[list[State] | None, Query()] = None,
    case_id: UUID | None = None,
    area: AreaPath = "/",
    limit: Limit = 100,
) -> DeliveryList:
    """Messages about cases in your areas; unless you ask otherwise, those that did not get through."""
    return await _read(parts, staff.areas, Wanted(tuple(state or NOT_BROUGHT), area, case_id), limit)


@router.get("/deliveries/own", operation_id="read_own_deliveries")
async def read_own_deliveries(parts: Parts, staff: Reader, limit: Limit = 100) -> DeliveryList:
    """Messages to you."""
    return await _read(parts, staff.areas, Wanted(tuple(State), recipient=staff.id), limit)


async def _read(parts: Parts, areas: tuple[str, ...], wanted: Wanted, limit: int) -> DeliveryList:
    async with scoped(parts.application, areas) as connection:
        found = await deliveries_of(connection, wanted, limit)
    return DeliveryList(deliveries=[Delivery.model_validate(one, from_attributes=True) for one in found])
