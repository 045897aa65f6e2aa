"""What one says of how one is reached, for the API and the page alike."""

from datetime import UTC
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import StringConstraints

from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.forms import Form
from services.chassis.problems import ProblemError
from services.chassis.service import Service
from services.contracts.cases import Language, Urgency
from services.notifications.deliveries import channels, rows
from services.notifications.deliveries.channels import StaffChannels
from services.notifications.deliveries.planned import Audience, Planned, What
from services.notifications.deliveries.rows import Waits

_TESTS = UUID("c1b9a7a4-94a5-5c4e-8a51-0a9f4c7d2f6b")

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\x00]+@[^@\s\x00]+$", max_length=200)]
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+() /.-]{3,40}$")]


class Channels(Form):
    """Mail is used first, a short message where there is no address. `urgencies`: of which cases you want to hear."""

    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None
    urgencies: tuple[Urgency, ...] = tuple(Urgency)


async def read_own(parts: Service, staff: Staff) -> Channels:
    async with parts.worker.connect() as connection:
        found = await channels.channels_of(connection, parts.vault, staff.id)
    if found is None:
        return Channels()
    urgencies = tuple(Urgency(one) for one in found.urgencies)
    return Channels(email=found.email, phone=found.phone, language=found.language, urgencies=urgencies)


async def keep_own(parts: Service, staff: Staff, wanted: Channels) -> None:
    urgencies = tuple(one.value for one in wanted.urgencies)
    kept = StaffChannels(wanted.email, wanted.phone, wanted.language, urgencies)
    async with parts.worker.begin() as connection:
        await channels.keep(connection, parts.vault, staff.id, kept, now())


async def forget_own(parts: Service, staff: Staff) -> None:
    async with parts.worker.begin() as connection:
        await channels.forget(connection, staff.id)


async def ask_for_test(parts: Service, staff: Staff, waits: Waits) -> UUID:
    """Have a message sent to oneself: one a minute, however often it is asked for. The id of its delivery.

    Raises:
        ProblemError: 409, nothing was said of how to be reached.
    """
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
        if await channels.channels_of(connection, parts.vault, staff.id) is None:
            raise ProblemError(
                409, "no-channels", "There is no way to reach you yet", "Leave your address or number first."
            )
        await rows.write(connection, [test], waits, at)
    return test.delivery_id
