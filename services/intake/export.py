"""A copy of what is held of a case, in every service, for whoever holds its receipt; and what is not in it, and why."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.chassis import copies, particulars
from services.chassis.clock import now
from services.chassis.copies import PURPOSE, Happened, happened
from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.intake.attachments.links import Reader
from services.intake.attachments.rows import Photo
from services.intake.door import Door
from services.intake.explanations import held_by
from services.intake.standing import CaseStatus, status

_NEVER = (
    marked("What others told of the same matter, and who they are: that is theirs."),
    marked("The statistics hold the events that stand here, and no word that anybody wrote."),
)
_LEFT_OUT = {
    "session-notes": marked("A mediator's own notes of a session: they are sealed to who made them."),
    "unit-words": marked("What a unit told whoever has your case, since it may speak of others. Ask them for it."),
}
_AWAY = {
    "mediation": marked("What the desk holds: it could not be asked just now. Take the copy again in a minute."),
    "notifications": marked("Who was told and what was sent: it could not be asked just now. Take the copy again."),
}


class CopiedPhoto(BaseModel):
    """`content` is the picture itself, JPEG in base64; none if it could not be found."""

    photo: UUID
    at: datetime
    width: int
    height: int
    content: str | None


class Copy(BaseModel):
    """`written`: each time that something was written, by its fields; empty when it was erased."""

    copied_at: datetime
    status: CaseStatus
    written: Sequence[dict[str, Any]]
    photos: Sequence[CopiedPhoto]
    events: Sequence[Happened]
    mediation: dict[str, Any] | None
    """What was written to you, every date with its why, and what happened; none while it can't be asked."""
    notifications: dict[str, Any] | None
    """Who was alerted, and what was sent to you; none while it can't be asked."""
    not_in_it: Sequence[str]
    """What is not in this copy, and why."""


async def copy_of(door: Door, case_id: UUID, language: Language) -> Copy:
    """As of now. That it was taken is recorded first, and so is part of it."""
    async with door.service.worker.begin() as connection:
        found = await connection.exec_driver_sql("SELECT ref FROM particulars WHERE stream_id = $1", (case_id,))
        refs = found.scalars().all()
        written = await particulars.read(
            connection,
            door.service.vault,
            refs,
            actor=particulars.RESIDENT,
            role=particulars.RESIDENT,
            purpose=PURPOSE,
        )
        recorded = await door.service.store.read_stream(connection, case_id)
    photos = [await _photo(door, photo) for photo in await door.album.of(case_id)]
    urls = {"mediation": door.mediation_url, "notifications": door.notifications_url}
    asked = {"language": language.code}
    held = {owner: await held_by(door, owner, url, copies.PATH, case_id, asked) for owner, url in urls.items()}
    return Copy(
        copied_at=now(),
        status=await status(door, case_id, language),
        written=[written[ref] for ref in sorted(written)],
        photos=photos,
        events=[happened(one) for one in recorded],
        mediation=held["mediation"],
        notifications=held["notifications"],
        not_in_it=[language.gettext(text) for text in _not_in(held)],
    )


def _not_in(held: dict[str, dict[str, Any] | None]) -> Sequence[str]:
    left_out = (held["mediation"] or {}).get("left_out", [])
    away = [_AWAY[owner] for owner, told in held.items() if told is None]
    return [*away, *(_LEFT_OUT[code] for code in left_out if code in _LEFT_OUT), *_NEVER]


async def _photo(door: Door, photo: Photo) -> CopiedPhoto:
    reader = Reader(particulars.RESIDENT, particulars.RESIDENT, PURPOSE)
    content = await door.album.content_for(photo.ref, reader, now())
    told = b64encode(content).decode() if content else None
    return CopiedPhoto(photo=photo.ref, at=photo.at, width=photo.width, height=photo.height, content=told)
