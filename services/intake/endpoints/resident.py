"""What whoever holds a receipt can see and do: no name, no account."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.chassis import http
from services.chassis.eventstore import Outcome
from services.chassis.http import IdempotencyKey, TraceParent
from services.chassis.problems import TOO_MANY
from services.chassis.web.languages import spoken, translator
from services.intake.domain.commands import ConfirmResolution, WithdrawReport
from services.intake.door import Door
from services.intake.endpoints.door import ResidentsCase, TheDoor, after_position
from services.intake.export import Copy, copy_of
from services.intake.following import NotSolved, ask_reopening, carry_out, erase_case, row_of
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


@router.post("/case:erase", operation_id="erase_own_report")
async def erase(
    door: TheDoor, case_id: ResidentsCase, key: IdempotencyKey, traceparent: TraceParent, response: Response
) -> Done:
    """Have everything erased that was written about you in this case. It can't be brought back."""
    return _done(door, response, await erase_case(door, case_id, key, traceparent))


def _done(door: Door, response: Response, outcome: Outcome) -> Done:
    http.reached(response, door.service.name, outcome)
    return Done(case_id=outcome.stream_id, version=outcome.version)
