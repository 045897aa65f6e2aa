"""How you are reached yourself: your own address and number, and nobody else's."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from services.notifications.deliveries.own_channels import Channels, ask_for_test, forget_own, keep_own, read_own
from services.notifications.deliveries.sending import waits
from services.notifications.endpoints.desk import Parts, Reader
from services.notifications.settings import NotificationsSettings

router = APIRouter()


async def _settings(request: Request) -> NotificationsSettings:
    return request.app.state.settings


Settings = Annotated[NotificationsSettings, Depends(_settings)]


class TestAsked(BaseModel):
    """Look it up under `deliveries/own`."""

    delivery_id: UUID


@router.get("/channels", operation_id="read_own_channels")
async def read_channels(parts: Parts, staff: Reader) -> Channels:
    """How you are reached; all empty until you say so."""
    return await read_own(parts, staff)


@router.put("/channels", operation_id="set_own_channels")
async def set_channels(parts: Parts, staff: Reader, wanted: Channels) -> Channels:
    """Say how you are reached, in place of what you said before. It is kept sealed."""
    await keep_own(parts, staff, wanted)
    return wanted


@router.delete("/channels", status_code=204, operation_id="forget_own_channels")
async def forget_channels(parts: Parts, staff: Reader) -> Response:
    """Be reached no more but by the page. What already waits for you is not sent."""
    await forget_own(parts, staff)
    return Response(status_code=204)


@router.post("/channels:test", status_code=202, operation_id="test_own_channels")
async def try_channels(parts: Parts, staff: Reader, settings: Settings) -> TestAsked:
    """Have a message sent to yourself; one a minute, however often you ask."""
    return TestAsked(delivery_id=await ask_for_test(parts, staff, waits(settings)))
