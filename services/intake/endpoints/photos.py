"""Photos of a case: added and taken back by whoever holds its receipt, seen by staff, on record."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.chassis.auth import Forbidden
from services.chassis.clock import now
from services.chassis.forms import Form
from services.chassis.http import CallingService
from services.chassis.problems import TOO_MANY, Problem
from services.contracts.event import Code
from services.intake.attachments.refusals import MOST_BYTES, MOST_PHOTOS
from services.intake.attachments.showing import LinkedPhoto, for_staff, linked
from services.intake.endpoints.door import CASEWORKERS, Caseworker, ResidentsCase, TheDoor

LIST = "/internal/photos:list"

router = APIRouter(responses=TOO_MANY)
between_services = APIRouter(include_in_schema=False)

_PICTURE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"One picture of at most {MOST_BYTES // 1_000_000} MB; a case takes {MOST_PHOTOS}.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("image/jpeg", "image/png", "image/webp", "image/heic", "application/octet-stream")
        },
    }
}


class RemovePhoto(Form):
    photo: UUID


class Removed(BaseModel):
    photo: UUID


class Photos(BaseModel):
    photos: list[LinkedPhoto]


class Asked(Form):
    case_id: UUID
    purpose: Code


@router.post(
    "/case:add-photo",
    status_code=201,
    operation_id="add_photo",
    openapi_extra=_PICTURE,
    responses={413: {"model": Problem, "description": "The picture is too large"}},
)
async def add(request: Request, door: TheDoor, case_id: ResidentsCase) -> LinkedPhoto:
    """Add a photo to the case. It is written anew: where and when it was taken is left out. The same one is kept once.

    What it is, is found by looking at it, whatever Content-Type says.
    """
    async with door.uploads.picture(request) as content:
        photo = await door.album.keep_for_case(case_id, content)
    return linked(photo, door.album.links, now())


@router.post("/case:remove-photo", operation_id="remove_photo")
async def remove(door: TheDoor, case_id: ResidentsCase, form: RemovePhoto) -> Removed:
    """Take a photo back; nothing of it is left. Again changes nothing."""
    await door.album.remove(case_id, form.photo)
    return Removed(photo=form.photo)


@router.get("/cases/{case_id}/photos", operation_id="read_photos")
async def read_photos(
    door: TheDoor,
    staff: Caseworker,
    case_id: UUID,
    purpose: Annotated[Code, Query(description="Why you look; the resident can read it.")],
) -> Photos:
    """The photos of a case, each by a link for you, for ten minutes. That you followed it is recorded first."""
    return Photos(photos=await for_staff(door, staff, CASEWORKERS, case_id, purpose))


@between_services.post(LIST)
async def list_photos(caller: CallingService, door: TheDoor, asked: Asked) -> Photos:
    """For a member of staff at another service's pages, by that service's word: it is given links, and no picture."""
    if caller.staff is None or not caller.staff.roles.intersection(CASEWORKERS):
        raise Forbidden(CASEWORKERS)
    return Photos(photos=await for_staff(door, caller.staff, CASEWORKERS, asked.case_id, asked.purpose))
