"""What whoever holds a receipt sees of a case and does to it, whichever way they come."""

from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from services.chassis import particulars
from services.chassis.clock import now
from services.chassis.eventstore import Outcome
from services.chassis.forms import Form, FreeText
from services.chassis.ids import new_id
from services.chassis.web.languages import Language
from services.intake.carrying_out import carry_out
from services.intake.domain.commands import AppealDecision, AskReopening, EraseReport
from services.intake.door import Door
from services.intake.erasure import erase_now
from services.intake.explanations import Texts, looks_there, texts_for, told_here
from services.intake.read_models.case_status import State, StatusRow, status_of
from services.intake.story import Teller


class Can(StrEnum):
    """What the resident can do now."""

    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
    REOPEN = "reopen"
    APPEAL = "appeal"
    WRITE = "write"
    CORRECT = "correct"
    ERASE = "erase"


class NotSolved(Form):
    """Why it is not solved, in the resident's own words."""

    text: FreeText


class NotAccepted(Form):
    """Why the case must not rest with being declined, in the resident's own words."""

    text: FreeText


class Look(BaseModel):
    """Somebody opened the case, or what was written in it; `who` is their name at sign-in."""

    at: datetime
    who: str
    role: str
    purpose: str


class Looks(BaseModel):
    """`waits`: what is recorded elsewhere can't be fetched just now."""

    looks: list[Look]
    """The newest first."""
    waits: bool


class Refusal(BaseModel):
    """Somebody declined the case. `explanation` is none, and `explanation_waits` true, while it can't be fetched."""

    by: str
    reason: str
    explanation: str | None
    explanation_waits: bool
    appeal_by: datetime | None


class Solution(BaseModel):
    """`explanation` is none, and `explanation_waits` true, while it can't be fetched; imported history has none."""

    on: date
    resolution: str
    explanation: str | None
    explanation_waits: bool


async def ask_reopening(door: Door, case_id: UUID, form: NotSolved, key: str, traceparent: str | None) -> Outcome:
    row, at, particulars = await row_of(door, case_id), now(), new_id()
    command = AskReopening(row.resolution_version, row.reopen_by, row.objected, at, particulars)
    sealed = door.service.vault.seal(particulars, {"text": form.text})
    return await carry_out(door, case_id, command, key, traceparent, form.text, [sealed], at=at)


async def appeal(door: Door, case_id: UUID, form: NotAccepted, key: str, traceparent: str | None) -> Outcome:
    """To another person than who declined it."""
    row, at, particulars = await row_of(door, case_id), now(), new_id()
    command = AppealDecision(row.reopen_by if row.declined_at else None, row.appealed, at, particulars)
    sealed = door.service.vault.seal(particulars, {"appeal": form.text})
    return await carry_out(door, case_id, command, key, traceparent, form.text, [sealed], at=at)


async def erase_case(door: Door, case_id: UUID, key: str, traceparent: str | None) -> Outcome:
    outcome = await carry_out(door, case_id, EraseReport(), key, traceparent)
    await erase_now(door, case_id)
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


async def looks_at(door: Door, case_id: UUID) -> Looks:
    """Who opened the case, here and at mediation, the newest first."""
    async with door.service.worker.connect() as connection:
        here = await particulars.looks(connection, case_id)
    there = await looks_there(door, case_id)
    seen = [Look(at=look.at, who=look.actor, role=look.role, purpose=look.purpose) for look in (*here, *(there or ()))]
    return Looks(looks=sorted(seen, key=lambda look: look.at, reverse=True), waits=there is None)


async def told_of(door: Door, row: StatusRow) -> Texts | None:
    """What was explained and written to the resident; none while mediation has some of it and can't be asked."""
    if not (row.explanation or row.refusal or row.written_to_at):
        return {}
    here: Texts = await told_here(door, row.explanation) if row.explanation else {}
    if here and not (row.refusal or row.written_to_at):
        return here
    there = await texts_for(door, row.case_id)
    return None if there is None else {**there, **here}


def solution_of(row: StatusRow, told: Texts | None) -> Solution | None:
    if row.resolved_on is None or row.resolution is None or row.resolution_version is None:
        return None
    return Solution(
        on=row.resolved_on,
        resolution=row.resolution,
        explanation=_explained(row.explanation, told),
        explanation_waits=row.explanation is not None and told is None,
    )


def refusal_of(row: StatusRow, told: Texts | None) -> Refusal | None:
    if row.declined_at is None or row.declined_by is None or row.decline_reason is None:
        return None
    return Refusal(
        by=row.declined_by,
        reason=row.decline_reason,
        explanation=_explained(row.refusal, told),
        explanation_waits=row.refusal is not None and told is None,
        appeal_by=row.reopen_by,
    )


def _explained(ref: UUID | None, told: Texts | None) -> str | None:
    return (told or {}).get(ref, {}).get("explanation") if ref else None


def possible(row: StatusRow, at: datetime) -> list[Can]:
    """What helps most stands first."""
    in_time = row.reopen_by is not None and at < row.reopen_by
    reopen = [Can.REOPEN] if row.resolution_version and in_time and not row.objected else []
    appeal = [Can.APPEAL] if row.declined_at and in_time and not row.appealed else []
    words = [Can.WRITE, Can.CORRECT]
    match row.state:
        case State.ERASED:
            return []
        case State.RESOLVED:
            return [Can.CONFIRM, *reopen, *words, Can.WITHDRAW, Can.ERASE]
        case State.CONFIRMED | State.CLOSED | State.DECLINED:
            return [*reopen, *appeal, *words, Can.ERASE]
        case State.WITHDRAWN:
            return [Can.CORRECT, Can.ERASE]
        case _:
            return [*words, Can.WITHDRAW, Can.ERASE]
