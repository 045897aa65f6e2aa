"""How you are reached yourself: your own address and number, and nobody else's."""

from datetime import UTC
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, StringConstraints

from services.chassis.clock import now
from services.chassis.forms import Form
from services.chassis.problems import ProblemError
from services.contracts.cases import Language, Urgency
from services.notifications.deliveries import channels as kept
from services.notifications.deliveries import rows
from services.notifications.deliveries.channels import StaffChannels
from services.notifications.deliveries.planned import Audience, Planned, What
from services.notifications.deliveries.sending import waits
from services.notifications.endpoints.desk import Parts, Reader
from services.notifications.settings import NotificationsSettings

router = APIRouter()


def _settings(request: Request) -> NotificationsSettings:
    return request.app.state.settings


Settings = Annotated[NotificationsSettings, Depends(_settings)]

_TESTS = UUID("c1b9a7a4-94a5-5c4e-8a51-0a9f4c7d2f6b")

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\x00]+@[^@\s\x00]+$", max_length=200)]
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+() /.-]{3,40}$")]


class Channels(Form):
    """Mail is used first, a short message where there is no address. `urgencies`: of which cases you want to hear."""

    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None
    urgencies: tuple[Urgency, ...] = tuple(Urgency)


class TestAsked(BaseModel):
    """Look it up under `deliveries/own`."""

    delivery_id: UUID


@router.get("/channels", operation_id="read_own_channels")
async def read_channels(parts: Parts, staff: Reader) -> Channels:
    """How you are reached; all empty until you say so."""
    async with parts.worker.connect() as connection:
        found = await kept.channels_of(connection, parts.vault, staff.id)
    if found is None:
        return Channels()
    urgencies = tuple(Urgency(one) for one in found.urgencies)
    return Channels(email=found.email, phone=found.phone, language=found.language, urgencies=urgencies)


@router.put("/channels", operation_id="set_own_channels")
async def set_channels(parts: Parts, staff: Reader, wanted: Channels) -> Channels:
    """Say how you are reached, in place of what you said before. It is kept sealed."""
    urgencies = tuple(one.value for one in wanted.urgencies)
    channels = StaffChannels(wanted.email, wanted.phone, wanted.language, urgencies)
    async with parts.worker.begin() as connection:
        await kept.keep(connection, parts.vault, staff.id, channels, now())
    return wanted


@router.delete("/channels", status_code=204, operation_id="forget_own_channels")
async def forget_channels(parts: Parts, staff: Reader) -> Response:
    """Be reached no more but by the page. What already waits for you is not sent."""
    async with parts.worker.begin() as connection:
        await kept.forget(connection, staff.id)
    return Response(status_code=204)


@router.post("/channels:test", status_code=202, operation_id="test_own_channels")
async def try_channels(parts: Parts, staff: Reader, settings: Settings) -> TestAsked:
    """Have a message sent to yourself; one a minute, however often you ask."""
    at = now()
    minute = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
    test = Planned(
        parts.name,
        uuid5(_TESTS, f"{staff.id} {minute}"),
        1,
        Audience.STAFF,
        staff.id,
        What.TEST,
        min(staff.areas, default="/"),
        at,
    )
    async with parts.worker.begin() as connection:
        if await kept.channels_of(connection, parts.vault, staff.id) is None:
            raise ProblemError(
                409,
                "no-channels",
                "There is no way to reach you yet",
                "PUT your address or number to `channels` first.",
            )
        await rows.write(connection, [test], waits(settings), at)
    return TestAsked(delivery_id=test.delivery_id)
