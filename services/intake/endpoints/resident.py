"""What whoever holds a receipt can see and do: no name, no account."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.chassis import http
from services.chassis.eventstore import Outcome
from services.chassis.http import IdempotencyKey, TraceParent
from services.chassis.problems import TOO_MANY
from services.chassis.web.languages import spoken, translator
from services.intake import conversation, correcting
from services.intake.carrying_out import carry_out
from services.intake.conversation import Message
from services.intake.correcting import Correction
from services.intake.domain.commands import ConfirmResolution, WithdrawReport
from services.intake.door import Door
from services.intake.endpoints.door import ResidentsCase, TheDoor, after_position
from services.intake.export import Copy, copy_of
from services.intake.following import NotAccepted, NotSolved, appeal, ask_reopening, erase_case, row_of
from services.intake.standing import CaseStatus, status

router = APIRouter(responses=TOO_MANY)


class Done(BaseModel):
    case_id: UUID
    version: int


@router.get("/case", dependencies=[after_position], operation_id="follow_case")
async def follow(request: Request, door: TheDoor, case_id: ResidentsCase) -> CaseStatus:
    """Where the case stands, who has it, what you can do now, and who looked at what you wrote."""
    return await status(door, case_id, translator(spoken(request), "intake"))


@router.get("/case:export", dependencies=[after_position], operation_id="export_case")
async def export(request: Request, door: TheDoor, case_id: ResidentsCase) -> Copy:
    """A copy of the case: what you wrote, what happened, who read it, and what you were told."""
    return await copy_of(door, case_id, translator(spoken(request), "intake"))


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


@router.post("/case:appeal", dependencies=[after_position], operation_id="appeal_decision")
async def appeal_decision(
    door: TheDoor,
    case_id: ResidentsCase,
    form: NotAccepted,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> Done:
    """Appeal that the case was declined, within the time named with it; another person then looks at it."""
    return _done(door, response, await appeal(door, case_id, form, key, traceparent))


@router.post("/case:write", operation_id="write_to_staff")
async def write(
    door: TheDoor,
    case_id: ResidentsCase,
    form: Message,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> Done:
    """Write to whoever has the case. Nobody need know who you are for that."""
    return _done(door, response, await conversation.write(door, case_id, form, key, traceparent))


@router.post("/case:correct", operation_id="correct_report")
async def correct(
    door: TheDoor,
    case_id: ResidentsCase,
    form: Correction,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> Done:
    """Correct what you told. What you name is replaced, what you name as null is taken back, the rest stays."""
    return _done(door, response, await correcting.correct(door, case_id, form, key, traceparent))


@router.post("/case:erase", operation_id="erase_own_report")
async def erase(
    door: TheDoor, case_id: ResidentsCase, key: IdempotencyKey, traceparent: TraceParent, response: Response
) -> Done:
    """Have everything erased that was written about you in this case. It can't be brought back."""
    return _done(door, response, await erase_case(door, case_id, key, traceparent))


def _done(door: Door, response: Response, outcome: Outcome) -> Done:
    http.reached(response, door.service.name, outcome)
    return Done(case_id=outcome.stream_id, version=outcome.version)
