"""A copy of what intake holds of a case, and of where it stands, for whoever holds its receipt.

Mediation's own notes are not in it.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.chassis import particulars
from services.chassis.clock import now
from services.chassis.web.languages import Language
from services.intake.attachments.links import Reader
from services.intake.attachments.rows import Photo
from services.intake.door import Door
from services.intake.standing import CaseStatus, status

RESIDENT, PURPOSE = "resident", "export"
"""Who looked and why, in the list of looks: who else has the receipt may have taken the copy."""


class Happened(BaseModel):
    """One event of the case as it is stored; `data` holds ids and words of the code's own, nothing that was written."""

    type: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    data: dict[str, Any]


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


async def copy_of(door: Door, case_id: UUID, language: Language) -> Copy:
    """As of now. That it was taken is recorded first, and so is part of it."""
    async with door.service.worker.begin() as connection:
        found = await connection.exec_driver_sql("SELECT ref FROM particulars WHERE stream_id = $1", (case_id,))
        refs = found.scalars().all()
        written = await particulars.read(
            connection, door.service.vault, refs, actor=RESIDENT, role=RESIDENT, purpose=PURPOSE
        )
        recorded = await door.service.store.read_stream(connection, case_id)
    photos = [await _photo(door, photo) for photo in await door.album.of(case_id)]
    return Copy(
        copied_at=now(),
        status=await status(door, case_id, language),
        written=list(written.values()),
        photos=photos,
        events=[
            Happened(
                type=one.type,
                occurred_at=one.occurred_at,
                recorded_at=one.recorded_at,
                actor=one.actor,
                data=one.event().model_dump(mode="json", exclude_none=True),
            )
            for one in recorded
        ],
    )


async def _photo(door: Door, photo: Photo) -> CopiedPhoto:
    content = await door.album.content_for(photo.ref, Reader(RESIDENT, RESIDENT, PURPOSE), now())
    told = b64encode(content).decode() if content else None
    return CopiedPhoto(photo=photo.ref, at=photo.at, width=photo.width, height=photo.height, content=told)
