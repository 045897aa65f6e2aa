"""What staff see of a report, always on record, and what an operator does for the right to be forgotten."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.chassis import http, particulars
from services.chassis.clock import now
from services.chassis.commands import Intent, UnknownStream, handle
from services.chassis.database import scoped
from services.chassis.http import IdempotencyKey, TraceParent
from services.contracts.event import Code
from services.intake import set_aside
from services.intake.domain.commands import EraseReport
from services.intake.domain.decider import REPORTS
from services.intake.endpoints.door import CASEWORKERS, Caseworker, CommunitySystem, Operator, TheDoor
from services.intake.endpoints.resident import Done
from services.intake.erasure import erase_rows
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


@router.get("/cases/{case_id}/report", operation_id="read_report")
async def read_report(
    door: TheDoor,
    staff: Caseworker,
    case_id: UUID,
    purpose: Annotated[Code, Query(description="Why you look; the resident can read it.")],
) -> Report:
    """What the resident wrote. That you looked is recorded before you are answered."""
    async with scoped(door.service.application, staff.areas) as connection:
        stream = await connection.exec_driver_sql("SELECT 1 FROM stream WHERE stream_id = $1", (case_id,))
        if stream.first() is None:
            raise UnknownStream
        found = await connection.exec_driver_sql("SELECT ref FROM particulars WHERE stream_id = $1", (case_id,))
        refs = [row.ref for row in found]
        role = min(staff.roles.intersection(CASEWORKERS))
        opened = await particulars.read(
            connection, door.service.vault, refs, actor=staff.id, role=role, purpose=purpose
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
    async with door.service.worker.begin() as connection:
        await erase_rows(connection, case_id)
    http.reached(response, door.service.name, outcome)
    return Done(case_id=case_id, version=outcome.version)


@router.get("/conflicts", operation_id="read_conflicts")
async def read_conflicts(
    door: TheDoor,
    operator: Operator,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Conflicts:
    """Reports that were kept aside, because their reference had come before with other content."""
    async with scoped(door.service.application, operator.areas) as connection:
        return _page(await set_aside.conflicts_of(connection, after, limit), limit)


@router.get("/conflicts/own", operation_id="read_own_conflicts")
async def read_own_conflicts(
    door: TheDoor,
    system: CommunitySystem,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Conflicts:
    """The same, for the community whose key is shown."""
    async with scoped(door.service.application, [system.area]) as connection:
        return _page(await set_aside.conflicts_of(connection, after, limit), limit)


def _page(conflicts: list[Conflict], limit: int) -> Conflicts:
    return Conflicts(conflicts=conflicts, next=conflicts[-1].ref if len(conflicts) == limit else None)
