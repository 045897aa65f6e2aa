"""Where a case stands, as whoever holds its receipt is told."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.chassis.clock import now
from services.chassis.web.languages import Language
from services.contracts.event import AreaPath
from services.intake.attachments.showing import LinkedPhoto, linked
from services.intake.door import Door
from services.intake.following import Can, Look, Solution, looks_at, possible, row_of, solution_of, teller_for
from services.intake.read_models.case_status import State
from services.intake.story import SENTENCES, story


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
    story: list[Moment]
    """What happened, the newest first."""
    looks: list[Look]
    you_can: list[Can]
    photos: list[LinkedPhoto]
    """Those that you sent; their links hold for ten minutes."""


async def status(door: Door, case_id: UUID, language: Language) -> CaseStatus:
    row = await row_of(door, case_id)
    teller = await teller_for(door, language, row)
    return CaseStatus(
        case_id=case_id,
        state=row.state,
        sentence=teller.tell(SENTENCES[row.state], row),
        reference=row.reference,
        kind=row.kind,
        category=row.category,
        owner=row.owner,
        level=row.level,
        place=teller.places.get(row.level or row.area),
        unit=row.unit,
        dates=Dates.model_validate(row, from_attributes=True),
        solution=await solution_of(door, row),
        story=[Moment(what=one.what, at=one.at, sentence=teller.tell(one.text, row, one.until)) for one in story(row)],
        looks=await looks_at(door, case_id),
        you_can=possible(row, now()),
        photos=[linked(photo, door.album.links, now()) for photo in await door.album.of(case_id)],
    )
