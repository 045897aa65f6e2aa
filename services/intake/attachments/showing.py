"""What a link to a photo shows, and the links that staff are given."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import UnknownStream
from services.chassis.database import scoped
from services.intake.attachments import rows
from services.intake.attachments.links import LIFE, PhotoLinks, Reader
from services.intake.attachments.rows import Photo
from services.intake.door import Door


class LinkedPhoto(BaseModel):
    """`link` and `thumbnail` are paths; JPEG, until `until`. Bytes and pixels are those of the photo as it is kept."""

    photo: UUID
    at: datetime
    bytes: int
    width: int
    height: int
    link: str
    thumbnail: str
    until: datetime


async def picture_of(door: Door, token: str) -> bytes | None:
    """JPEG; none when the link was not made here, its time is over, or the photo is gone.

    A look of staff is recorded before this returns.
    """
    asked = door.album.links.read(token, now())
    if asked is None:
        return None
    if asked.reader is None:
        return await door.album.content(asked.ref, thumbnail=asked.thumbnail)
    return await door.album.content_for(asked.ref, asked.reader, asked.issued_at, thumbnail=asked.thumbnail)


def linked(photo: Photo, links: PhotoLinks, at: datetime, reader: Reader | None = None) -> LinkedPhoto:
    return LinkedPhoto(
        photo=photo.ref,
        at=photo.at,
        bytes=photo.bytes,
        width=photo.width,
        height=photo.height,
        link=links.issue(photo.ref, at, thumbnail=False, reader=reader),
        thumbnail=links.issue(photo.ref, at, thumbnail=True, reader=reader),
        until=at.replace(microsecond=0) + LIFE,
    )


async def for_staff(door: Door, staff: Staff, roles: Sequence[str], case_id: UUID, purpose: str) -> list[LinkedPhoto]:
    """The photos of a case, by links that record who follows them, and why.

    Raises:
        UnknownStream: there is no such case in their areas.
    """
    async with scoped(door.service.application, staff.areas) as connection:
        found = await connection.exec_driver_sql(
            "SELECT 1 FROM stream WHERE stream_id = $1 AND kind = 'case' AND area ^@ ANY ($2::text[])",
            (case_id, list(staff.areas)),
        )
        if found.first() is None:
            raise UnknownStream
        photos = await rows.of_case(connection, case_id, staff.areas)
    reader, at = Reader(staff.id, min(staff.roles.intersection(roles)), purpose), now()
    return [linked(photo, door.album.links, at, reader) for photo in photos]
