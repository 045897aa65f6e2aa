"""How the counter's pages look, and what is said on them when something can't be done."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from services.chassis.auth import Staff
from services.chassis.commands import UnknownStream
from services.chassis.database import scoped
from services.chassis.signin.page import page_staff_with
from services.chassis.web.marked import marked
from services.chassis.web.pages import Assets, Pages
from services.chassis.web.trouble import StaffFace
from services.intake.door import CASEWORKERS, Door
from services.intake.pages.rendering import INTAKE
from services.intake.read_models.places import CommunityRow, communities

FACE = "/counter"

assets = Assets(
    f"{FACE}/assets",
    INTAKE / "assets" / "resident.css",
    INTAKE / "assets" / "counter.css",
    INTAKE / "assets" / "receipt.js",
)
pages = Pages(INTAKE / "templates", assets, ("tokens.css", "base.css", "resident.css", "counter.css"), ("receipt.js",))

CounterRoute = StaffFace(pages, FACE, marked("To the counter")).route_class()

AtTheCounter = Annotated[Staff, Depends(page_staff_with(*CASEWORKERS))]


async def places_of(door: Door, staff: Staff) -> list[CommunityRow]:
    """The communities in the areas of whoever is at the counter, by name."""
    async with scoped(door.service.application, []) as connection:
        rows = await communities(connection)
    return sorted((row for row in rows if staff.may_see(row.path)), key=lambda row: row.name)


async def place_of(door: Door, staff: Staff, community: UUID) -> CommunityRow:
    """One of them.

    Raises:
        UnknownStream: there is none such in their areas.
    """
    for row in await places_of(door, staff):
        if row.community_id == community:
            return row
    raise UnknownStream
