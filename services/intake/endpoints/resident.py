"""What whoever holds a receipt can see and do: no name, no account."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.chassis import http
from services.chassis.clock import now
from services.chassis.eventstore import Outcome
from services.chassis.http import IdempotencyKey, TraceParent
from services.chassis.web.languages import spoken, translator
from services.contracts.event import AreaPath
from services.intake.domain.commands import ConfirmResolution, WithdrawReport
from services.intake.door import Door
from services.intake.endpoints.door import ResidentsCase, TheDoor, after_position
from services.intake.following import (
    Can,
    Look,
    NotSolved,
    Solution,
    ask_reopening,
    carry_out,
    erase_case,
    looks_at,
    possible,
    row_of,
    solution_of,
    teller_for,
)
from services.intake.read_models.case_status import State
from services.intake.story import SENTENCES, story

router = APIRouter()


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


class Done(BaseModel):
    case_id: UUID
    version: int


@router.get("/case", dependencies=[after_position], operation_id="follow_case")
async def follow(request: Request, door: TheDoor, case_id: ResidentsCase) -> CaseStatus:
    """Where the case stands, who has it, what you can do now, and who looked at what you wrote."""
    row = await row_of(door, case_id)
    teller = await teller_for(door, translator(spoken(request), "intake"), row)
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
    )


@router.post("/case:withdraw", operation_id="withdraw_report")
async def withdraw(
    door: TheDoor, case_id: ResidentsCase, key: IdempotencyKey, traceparent: TraceParent, response: Response
) -> Done:
    """Take the report back; nobody works on it any more."""
    return _done(door, response, await carry_out(door, case_id, WithdrawReport(), key, traceparent))


@router.post("/case:confirm", dependencies=[after_position], operation_id="confirm_resolution")
async def confirm(
    door: TheDoor, case_id: ResidentsCase, key: IdempotencyKey, traceparent: TraceParent, response: Response
) -> Done:
    """Say that the trouble is solved."""
    command = ConfirmResolution((await row_of(door, case_id)).resolution_version)
    return _done(door, response, await carry_out(door, case_id, command, key, traceparent))


@router.post("/case:ask-reopening", dependencies=[after_position], operation_id="ask_reopening")
async def ask(
    door: TheDoor,
    case_id: ResidentsCase,
    form: NotSolved,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> Done:
    """Say that the trouble is not solved, within the time named with the solution; somebody else then looks at it."""
    return _done(door, response, await ask_reopening(door, case_id, form, key, traceparent))


@router.post("/case:erase", operation_id="erase_own_report")
async def erase(
    door: TheDoor, case_id: ResidentsCase, key: IdempotencyKey, traceparent: TraceParent, response: Response
) -> Done:
    """Have everything erased that was written about you in this case. It can't be brought back."""
    return _done(door, response, await erase_case(door, case_id, key, traceparent))


def _done(door: Door, response: Response, outcome: Outcome) -> Done:
    http.reached(response, door.service.name, outcome)
    return Done(case_id=outcome.stream_id, version=outcome.version)
