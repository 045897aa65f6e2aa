"""What whoever holds a receipt can see and do: no name, no account."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.chassis import http
from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.eventstore import Outcome, Sealed
from services.chassis.forms import Form, FreeText
from services.chassis.http import IdempotencyKey, TraceParent
from services.chassis.ids import new_id
from services.chassis.web.languages import Language, spoken, translator
from services.contracts.event import AreaPath
from services.intake.domain.commands import AskReopening, Command, ConfirmResolution, EraseReport, WithdrawReport
from services.intake.domain.decider import REPORTS
from services.intake.endpoints.door import Door, ResidentsCase, TheDoor, after_position
from services.intake.erasure import erase_rows
from services.intake.explanations import explanation
from services.intake.read_models.case_status import State, StatusRow, status_of
from services.intake.story import SENTENCES, Teller, story

router = APIRouter()


class Can(StrEnum):
    """What the resident can do now."""

    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
    REOPEN = "reopen"
    ERASE = "erase"


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


class NotSolved(Form):
    """Why it is not solved, in the resident's own words."""

    text: FreeText


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
    async with door.service.worker.connect() as connection:
        seen = await connection.exec_driver_sql(
            "SELECT at, role, purpose FROM particulars_access WHERE stream_id = $1 ORDER BY nth DESC LIMIT 100",
            (case_id,),
        )
        looks = [Look(at=look.at, role=look.role, purpose=look.purpose) for look in seen]
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
        looks=looks,
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


async def ask_reopening(door: Door, case_id: UUID, form: NotSolved, key: str, traceparent: str | None) -> Outcome:
    row, at, particulars = await row_of(door, case_id), now(), new_id()
    command = AskReopening(row.resolution_version, row.reopen_by, row.objected, at, particulars)
    sealed = door.service.vault.seal(particulars, {"text": form.text})
    return await carry_out(door, case_id, command, key, traceparent, form.text, [sealed])


async def erase_case(door: Door, case_id: UUID, key: str, traceparent: str | None) -> Outcome:
    outcome = await carry_out(door, case_id, EraseReport(), key, traceparent)
    async with door.service.worker.begin() as connection:
        await erase_rows(connection, case_id)
    return outcome


async def row_of(door: Door, case_id: UUID) -> StatusRow:
    async with door.service.worker.connect() as connection:
        return await status_of(connection, case_id) or StatusRow(case_id, "/")


async def teller_for(door: Door, language: Language, row: StatusRow) -> Teller:
    """By the clock of the community; a case whose report has not been read yet is told by UTC."""
    community = await door.communities.find(row.community) if row.community else None
    level = row.level or row.area
    name = await door.communities.name_of(level)
    return Teller(language, community.clock if community else UTC, {level: name} if name else {})


async def carry_out(
    door: Door,
    case_id: UUID,
    command: Command,
    key: str,
    traceparent: str | None,
    content: str = "",
    sealed: Sequence[Sealed] = (),
) -> Outcome:
    """What the holder of a receipt asks for; `content` is what else tells a repeat from another request."""
    fingerprints, name = door.service.fingerprints, type(command).__name__
    intent = Intent(
        stream=case_id,
        command=command,
        key=fingerprints.key("resident", f"{case_id} {key}".encode()),
        fingerprint=fingerprints.digest("resident", f"{case_id} {name}{content}".encode()),
        actor="resident",
        at=now(),
        sealed=sealed,
        traceparent=traceparent,
    )
    return await handle(door.service.store, REPORTS, intent)


def _done(door: Door, response: Response, outcome: Outcome) -> Done:
    http.reached(response, door.service.name, outcome)
    return Done(case_id=outcome.stream_id, version=outcome.version)


async def solution_of(door: Door, row: StatusRow) -> Solution | None:
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


def possible(row: StatusRow, at: datetime) -> list[Can]:
    """What helps most stands first."""
    reopen = (
        [Can.REOPEN] if row.resolution_version and row.reopen_by and at <= row.reopen_by and not row.objected else []
    )
    match row.state:
        case State.ERASED:
            return []
        case State.RESOLVED:
            return [Can.CONFIRM, *reopen, Can.WITHDRAW, Can.ERASE]
        case State.CONFIRMED | State.CLOSED:
            return [*reopen, Can.ERASE]
        case State.WITHDRAWN:
            return [Can.ERASE]
        case _:
            return [Can.WITHDRAW, Can.ERASE]
