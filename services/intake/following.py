"""What whoever holds a receipt sees of a case and does to it, whichever way they come."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.eventstore import Outcome, Sealed
from services.chassis.forms import Form, FreeText
from services.chassis.ids import new_id
from services.chassis.web.languages import Language
from services.intake.domain.commands import AskReopening, Command, EraseReport
from services.intake.domain.decider import REPORTS
from services.intake.door import Door
from services.intake.erasure import erase_now
from services.intake.explanations import RECEIPT, explanation
from services.intake.read_models.case_status import State, StatusRow, status_of
from services.intake.story import Teller


class Can(StrEnum):
    """What the resident can do now."""

    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
    REOPEN = "reopen"
    ERASE = "erase"


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


async def ask_reopening(door: Door, case_id: UUID, form: NotSolved, key: str, traceparent: str | None) -> Outcome:
    row, at, particulars = await row_of(door, case_id), now(), new_id()
    command = AskReopening(row.resolution_version, row.reopen_by, row.objected, at, particulars)
    sealed = door.service.vault.seal(particulars, {"text": form.text})
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


async def carry_out(
    door: Door,
    case_id: UUID,
    command: Command,
    key: str,
    traceparent: str | None,
    content: str = "",
    sealed: Sequence[Sealed] = (),
    *,
    at: datetime | None = None,
) -> Outcome:
    """What the holder of a receipt asks for; `content` is what else tells a repeat from another request.

    `at` is the moment that the command was made for, if it speaks of one: the others are told the same.
    """
    fingerprints, name = door.service.fingerprints, type(command).__name__
    intent = Intent(
        stream=case_id,
        command=command,
        key=fingerprints.key("resident", f"{case_id} {key}".encode()),
        fingerprint=fingerprints.digest("resident", f"{case_id} {name}{content}".encode()),
        actor="resident",
        at=at or now(),
        sealed=sealed,
        traceparent=traceparent,
    )
    return await handle(door.service.store, REPORTS, intent)


async def looks_at(door: Door, case_id: UUID) -> list[Look]:
    """Who opened what was written in the report, the newest first."""
    async with door.service.worker.connect() as connection:
        seen = await connection.exec_driver_sql(
            "SELECT at, role, purpose FROM particulars_access WHERE stream_id = $1 AND purpose <> $2"
            " ORDER BY nth DESC LIMIT 100",
            (case_id, RECEIPT),
        )
        return [Look(at=look.at, role=look.role, purpose=look.purpose) for look in seen]


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
        [Can.REOPEN] if row.resolution_version and row.reopen_by and at < row.reopen_by and not row.objected else []
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
