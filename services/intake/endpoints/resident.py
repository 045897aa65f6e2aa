"""What whoever holds a receipt can see and do: no name, no account."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.chassis import http
from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.eventstore import Outcome
from services.chassis.http import IdempotencyKey, TraceParent
from services.contracts.event import AreaPath
from services.intake.domain.commands import Command, ConfirmResolution, EraseReport, WithdrawReport
from services.intake.domain.decider import REPORTS
from services.intake.endpoints.door import Door, ResidentsCase, TheDoor, after_position
from services.intake.erasure import erase_rows
from services.intake.explanations import explanation
from services.intake.read_models.case_status import State, StatusRow, status_of

router = APIRouter()


class Can(StrEnum):
    """What the resident can do now."""

    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
    ERASE = "erase"


class Moment(BaseModel):
    what: str
    at: datetime


class Look(BaseModel):
    """Somebody opened what was written in the report."""

    at: datetime
    role: str
    purpose: str


class Solution(BaseModel):
    """`explanation` is none, and `explanation_waits` true, while it can't be fetched; imported history has none."""

    on: date
    resolution: str
    explanation: str | None
    explanation_waits: bool


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
    solution: Solution | None
    story: list[Moment]
    """What happened, the newest first."""
    looks: list[Look]
    you_can: list[Can]


class Done(BaseModel):
    case_id: UUID
    version: int


_SENTENCES = {
    State.REPORTED: "Your report has arrived. It is on its way to the people on duty.",
    State.OPENED: "Your case is open. Whoever is on duty has been told.",
    State.ASSIGNED: "Your case has been given to somebody by name.",
    State.ACKNOWLEDGED: "Somebody has taken your case and answers for it.",
    State.IN_MEDIATION: "A mediation session was held.",
    State.RESOLVED: "Your case is resolved. Read the explanation, and confirm if you agree.",
    State.CONFIRMED: "You confirmed that your case is resolved. Thank you.",
    State.CLOSED: "Your case is closed.",
    State.WITHDRAWN: "You withdrew your report.",
    State.ERASED: "What was held about your case was erased.",
}


@router.get("/case", dependencies=[after_position], operation_id="follow_case")
async def follow(door: TheDoor, case_id: ResidentsCase) -> CaseStatus:
    """Where the case stands, who has it, what you can do now, and who looked at what you wrote."""
    async with door.service.worker.connect() as connection:
        row = await status_of(connection, case_id) or StatusRow(case_id, "/")
        seen = await connection.exec_driver_sql(
            "SELECT at, role, purpose FROM particulars_access WHERE stream_id = $1 ORDER BY nth DESC LIMIT 100",
            (case_id,),
        )
        looks = [Look(at=look.at, role=look.role, purpose=look.purpose) for look in seen]
    return CaseStatus(
        case_id=case_id,
        state=row.state,
        sentence=_SENTENCES[row.state],
        reference=row.reference,
        kind=row.kind,
        category=row.category,
        owner=row.owner,
        level=row.level,
        solution=await _solution(door, row),
        story=_story(row),
        looks=looks,
        you_can=_possible(row),
    )


@router.post("/case:withdraw", operation_id="withdraw_report")
async def withdraw(
    door: TheDoor, case_id: ResidentsCase, key: IdempotencyKey, traceparent: TraceParent, response: Response
) -> Done:
    """Take the report back; nobody works on it any more."""
    return await _carry_out(door, case_id, WithdrawReport(), key, traceparent, response)


@router.post("/case:confirm", dependencies=[after_position], operation_id="confirm_resolution")
async def confirm(
    door: TheDoor, case_id: ResidentsCase, key: IdempotencyKey, traceparent: TraceParent, response: Response
) -> Done:
    """Say that the trouble is solved."""
    async with door.service.worker.connect() as connection:
        row = await status_of(connection, case_id)
    command = ConfirmResolution(row.resolution_version if row else None)
    return await _carry_out(door, case_id, command, key, traceparent, response)


@router.post("/case:erase", operation_id="erase_own_report")
async def erase(
    door: TheDoor, case_id: ResidentsCase, key: IdempotencyKey, traceparent: TraceParent, response: Response
) -> Done:
    """Have everything erased that was written about you in this case. It can't be brought back."""
    done = await _carry_out(door, case_id, EraseReport(), key, traceparent, response)
    async with door.service.worker.begin() as connection:
        await erase_rows(connection, case_id)
    return done


async def _carry_out(
    door: Door, case_id: UUID, command: Command, key: str, traceparent: str | None, response: Response
) -> Done:
    fingerprints, name = door.service.fingerprints, type(command).__name__
    intent = Intent(
        stream=case_id,
        command=command,
        key=fingerprints.key("resident", f"{case_id} {key}".encode()),
        fingerprint=fingerprints.digest("resident", f"{case_id} {name}".encode()),
        actor="resident",
        at=now(),
        traceparent=traceparent,
    )
    outcome: Outcome = await handle(door.service.store, REPORTS, intent)
    http.reached(response, door.service.name, outcome)
    return Done(case_id=case_id, version=outcome.version)


async def _solution(door: Door, row: StatusRow) -> Solution | None:
    if row.resolved_on is None or row.resolution is None or row.resolution_version is None:
        return None
    told = None
    if row.explanation:
        told = await explanation(door.service, door.mediation_url, row.case_id, row.explanation)
    return Solution(
        on=row.resolved_on,
        resolution=row.resolution,
        explanation=told,
        explanation_waits=row.explanation is not None and told is None,
    )


def _story(row: StatusRow) -> list[Moment]:
    moments = {
        "reported": row.reported_at,
        "opened": row.opened_at,
        "alerted": row.alerted_at,
        "acknowledged": row.acknowledged_at,
        "mediated": row.mediated_at,
        "escalated": row.escalated_at,
        "resolved": row.resolved_at,
        "confirmed": row.confirmed_at,
        "closed": row.closed_at,
        "withdrawn": row.withdrawn_at,
        "erased": row.erased_at,
    }
    # Of what happened at one instant, as imported history does, the later step stands first.
    story = [Moment(what=what, at=at) for what, at in reversed(moments.items()) if at is not None]
    return sorted(story, key=lambda moment: moment.at, reverse=True)


def _possible(row: StatusRow) -> list[Can]:
    match row.state:
        case State.ERASED:
            return []
        case State.RESOLVED:
            return [Can.CONFIRM, Can.WITHDRAW, Can.ERASE]
        case State.WITHDRAWN | State.CONFIRMED | State.CLOSED:
            return [Can.ERASE]
        case _:
            return [Can.WITHDRAW, Can.ERASE]
