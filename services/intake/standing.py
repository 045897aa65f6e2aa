"""Where a case stands, as whoever holds its receipt is told."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.chassis.clock import now
from services.chassis.web.languages import Language
from services.contracts.event import AreaPath
from services.intake.attachments.showing import LinkedPhoto, linked
from services.intake.conversation import Said, conversation_of
from services.intake.door import Door
from services.intake.following import (
    Can,
    Look,
    Refusal,
    Solution,
    looks_at,
    possible,
    refusal_of,
    row_of,
    solution_of,
    teller_for,
    told_of,
)
from services.intake.read_models.case_status import State
from services.intake.story import sentence, story


class Moment(BaseModel):
    what: str
    at: datetime
    sentence: str


class Dates(BaseModel):
    """What was promised: until when somebody takes it on, the resident hears of it, it is done; and until when the
    resident may confirm, or ask to reopen."""

    acknowledge_by: datetime | None
    told_by: datetime | None
    done_by: datetime | None
    confirm_by: datetime | None
    reopen_by: datetime | None


class CaseStatus(BaseModel):
    case_id: UUID
    state: State
    sentence: str
    reference: str | None
    kind: str | None
    category: str | None
    owner: str | None
    """Who answers for it, by the name that staff sign in with."""
    level: AreaPath | None
    """The area that answers for it."""
    place: str | None
    """Its name."""
    unit: str | None
    """Who else works on it."""
    dates: Dates
    solution: Solution | None
    refusal: Refusal | None
    """Somebody declined it; you may appeal to somebody else."""
    story: list[Moment]
    """What happened, the newest first."""
    conversation: list[Said]
    """What you and whoever has the case wrote to each other, the earliest first."""
    conversation_waits: bool
    """Something was written to you that can't be fetched just now."""
    looks: list[Look]
    """Who opened the case, as what and why, the newest first."""
    looks_wait: bool
    """What one of the services recorded can't be fetched just now."""
    you_can: list[Can]
    photos: list[LinkedPhoto]
    """Those that you sent; their links hold for ten minutes."""


async def status(door: Door, case_id: UUID, language: Language) -> CaseStatus:
    row = await row_of(door, case_id)
    teller = await teller_for(door, language, row)
    told = await told_of(door, row)
    conversation, looks = await conversation_of(door, row, told), await looks_at(door, case_id)
    return CaseStatus(
        case_id=case_id,
        state=row.state,
        sentence=teller.tell(sentence(row), row),
        reference=row.reference,
        kind=row.kind,
        category=row.category,
        owner=row.owner,
        level=row.level,
        place=teller.places.get(row.level or row.area),
        unit=row.unit,
        dates=Dates.model_validate(row, from_attributes=True),
        solution=solution_of(row, told),
        refusal=refusal_of(row, told),
        story=[Moment(what=one.what, at=one.at, sentence=teller.tell(one.text, row, one.until)) for one in story(row)],
        conversation=conversation.said,
        conversation_waits=conversation.waits,
        looks=looks.looks,
        looks_wait=looks.waits,
        you_can=possible(row, now()),
        photos=[linked(photo, door.album.links, now()) for photo in await door.album.of(case_id)],
    )
