"""What staff see of a report, always on record, and what an operator does for the right to be forgotten."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.chassis import http, particulars
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, UnknownStream, handle
from services.chassis.database import scoped
from services.chassis.http import IdempotencyKey, TraceParent
from services.contracts.event import Code
from services.intake import set_aside
from services.intake.domain.commands import EraseReport
from services.intake.domain.decider import REPORTS
from services.intake.door import CASEWORKERS, Door
from services.intake.endpoints.door import Caseworker, CommunitySystem, Operator, Reviewer, TheDoor
from services.intake.endpoints.resident import Done
from services.intake.erasure import erase_now
from services.intake.set_aside import Conflict

router = APIRouter()


class Report(BaseModel):
    """What was written; empty when it was erased."""

    case_id: UUID
    particulars: list[dict[str, Any]]


class Conflicts(BaseModel):
    conflicts: list[Conflict]
    next: UUID | None
    """Send it back as `after` for the page behind this one; none on the last."""


class ConflictContent(BaseModel):
    """The line as the community's system sent it."""

    ref: UUID
    content: dict[str, Any]


Purpose = Annotated[Code, Query(description="Why you look; the resident can read it.")]


@router.get("/cases/{case_id}/report", operation_id="read_report")
async def read_report(
    door: TheDoor,
    staff: Caseworker,
    case_id: UUID,
    purpose: Purpose,
) -> Report:
    """What the resident wrote. That you looked is recorded before you are answered."""
    async with scoped(door.service.application, staff.areas) as connection:
        stream = await connection.exec_driver_sql(
            "SELECT 1 FROM stream WHERE stream_id = $1 AND kind = 'case' AND area ^@ ANY ($2::text[])",
            (case_id, list(staff.areas)),
        )
        if stream.first() is None:
            raise UnknownStream
        found = await connection.exec_driver_sql("SELECT ref FROM particulars WHERE stream_id = $1", (case_id,))
        refs = [row.ref for row in found]
        opened = await particulars.read(
            connection, door.service.vault, refs, actor=staff.id, role=_role(staff), purpose=purpose
        )
    return Report(case_id=case_id, particulars=list(opened.values()))


@router.post("/cases/{case_id}/erase", operation_id="erase_report")
async def erase_report(
    door: TheDoor,
    operator: Operator,
    case_id: UUID,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> Done:
    """Erase everything that intake holds of a case; the other services follow."""
    fingerprints = door.service.fingerprints
    intent = Intent(
        stream=case_id,
        command=EraseReport(),
        key=fingerprints.key("erase", f"{case_id} {key}".encode()),
        fingerprint=fingerprints.digest("erase", str(case_id).encode()),
        actor=operator.id,
        at=now(),
        scope=operator.areas,
        traceparent=traceparent,
    )
    outcome = await handle(door.service.store, REPORTS, intent)
    await erase_now(door, case_id)
    http.reached(response, door.service.name, outcome)
    return Done(case_id=case_id, version=outcome.version)


@router.get("/conflicts", operation_id="read_conflicts")
async def read_conflicts(
    door: TheDoor,
    staff: Reviewer,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Conflicts:
    """Reports that were kept aside, because their reference had come before with other content."""
    return await _conflicts(door, staff.areas, after, limit)


@router.get("/conflicts/own", operation_id="read_own_conflicts")
async def read_own_conflicts(
    door: TheDoor,
    system: CommunitySystem,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Conflicts:
    """The same, for the community whose key is shown."""
    return await _conflicts(door, [system.area], after, limit)


@router.get("/conflicts/{ref}", operation_id="read_conflict")
async def read_conflict(door: TheDoor, staff: Caseworker, ref: UUID, purpose: Purpose) -> ConflictContent:
    """What came under a reference that was taken. That you looked is recorded before you are answered."""
    async with scoped(door.service.application, staff.areas) as connection:
        content = await set_aside.open_content(
            connection, door.service.vault, staff.areas, ref, actor=staff.id, role=_role(staff), purpose=purpose
        )
    if content is None:
        raise UnknownStream
    return ConflictContent(ref=ref, content=content)


def _role(staff: Staff) -> str:
    return min(staff.roles.intersection(CASEWORKERS))


async def _conflicts(door: Door, areas: Sequence[str], after: UUID | None, limit: int) -> Conflicts:
    async with scoped(door.service.application, areas) as connection:
        conflicts = await set_aside.conflicts_of(connection, areas, after, limit)
    return Conflicts(conflicts=conflicts, next=conflicts[-1].ref if len(conflicts) == limit else None)
