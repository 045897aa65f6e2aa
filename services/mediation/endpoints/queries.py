"""The caseload and the case file."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.chassis.auth import Staff
from services.chassis.commands import UnknownStream
from services.chassis.database import scoped
from services.chassis.problems import unprocessable
from services.chassis.service import Service
from services.contracts.cases import CaseMediated, CaseResolved, Kind, Reference
from services.contracts.envelope import Recorded
from services.contracts.event import AreaPath, Code, Event, StaffId
from services.mediation.endpoints.desk import CASEWORKERS, Parts, Reader, after_position
from services.mediation.read_models import caseload, patterns
from services.mediation.read_models.caseload import After, CaseRow, State, Wanted
from services.mediation.read_models.patterns import PatternRow

router = APIRouter()


class Caseload(BaseModel):
    cases: list[CaseRow]
    next: str | None
    """Send it back as `after` for the page behind this one; none on the last."""
    patterns: list[PatternRow]
    """Beside the first page: faults that come from many at once."""


class HappenedEvent(BaseModel):
    version: int
    type: str
    at: datetime
    recorded_at: datetime
    actor: str
    data: dict[str, Any]


class CaseFile(BaseModel):
    case: CaseRow
    version: int
    """Of mediation's own stream; 0 until the case is opened."""
    events: list[HappenedEvent]
    texts: dict[UUID, dict[str, Any]]
    """What the events name by reference, as far as the reader may know it and it was not erased."""


@router.get("/cases", dependencies=[after_position], operation_id="read_caseload")
async def read_caseload(
    parts: Parts,
    staff: Reader,
    state: Annotated[list[State] | None, Query()] = None,
    area: AreaPath | None = None,
    owner: StaffId | None = None,
    kind: Kind | None = None,
    category: Code | None = None,
    reference: Reference | None = None,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Caseload:
    """Cases in your areas, newest first."""
    wanted = Wanted(state or (), area, owner, kind, category, reference)
    async with scoped(parts.application, staff.areas) as connection:
        cases = await caseload.cases_of(connection, staff.areas, wanted, _page_after(after), limit)
        found = [] if after else await patterns.latest_patterns(connection)
    following = _page_mark(cases[-1]) if len(cases) == limit else None
    return Caseload(cases=cases, next=following, patterns=found)


@router.get("/cases/{case_id}", dependencies=[after_position], operation_id="read_case")
async def read_case(parts: Parts, staff: Reader, case_id: UUID) -> CaseFile:
    """One case: where it stands and what happened. Looking at its texts is recorded."""
    async with scoped(parts.application, staff.areas) as connection:
        row = await caseload.case_of(connection, case_id)
        recorded = await parts.store.read_stream(connection, case_id)
        events = [one.event() for one in recorded]
        row = _as_of_now(row, recorded, events)
        if row is None:
            raise UnknownStream
        texts = await _texts(connection, parts, staff, _readable(staff, events))
    return CaseFile(
        case=row,
        version=recorded[-1].version if recorded else 0,
        events=[_happened(*one) for one in zip(recorded, events, strict=True)],
        texts=texts,
    )


async def explanations_of(parts: Service, case_id: UUID) -> set[UUID]:
    """What the resident whose case it is may read of it: how it was explained, not the notes of sessions."""
    async with parts.worker.connect() as connection:
        recorded = await parts.store.read_stream(connection, case_id)
    resolved = (one.event() for one in recorded if one.type == CaseResolved.type)
    return {event.explanation for event in resolved if isinstance(event, CaseResolved) and event.explanation}


def _as_of_now(row: CaseRow | None, recorded: Sequence[Recorded], events: Sequence[Event]) -> CaseRow | None:
    """The row as mediation's own log has it: the list may be a moment behind."""
    current: CaseRow | None = None
    for one, event in zip(recorded, events, strict=True):
        current = caseload.evolve(current, one, event)
    if current is None or row is None:
        return current or row
    return replace(current, reported_at=row.reported_at)


def _readable(staff: Staff, events: Sequence[Event]) -> list[UUID]:
    """Explanations for all who work on cases; the note of a session for the mediator who wrote it."""
    if not staff.roles.intersection(CASEWORKERS):
        return []
    refs: list[UUID | None] = []
    for event in events:
        match event:
            case CaseResolved():
                refs.append(event.explanation)
            case CaseMediated() if event.mediator == staff.id:
                refs.append(event.note)
            case _:
                pass
    return [ref for ref in refs if ref]


async def _texts(
    connection: AsyncConnection, parts: Service, staff: Staff, refs: Sequence[UUID]
) -> dict[UUID, dict[str, Any]]:
    if not refs:
        return {}
    role = min(staff.roles.intersection(CASEWORKERS))
    return await particulars.read(connection, parts.vault, refs, actor=staff.id, role=role, purpose="case-file")


def _happened(recorded: Recorded, event: Event) -> HappenedEvent:
    return HappenedEvent(
        version=recorded.version,
        type=recorded.type,
        at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        data=event.model_dump(mode="json", exclude_none=True),
    )


def _page_mark(row: CaseRow) -> str:
    return urlsafe_b64encode(f"{row.reported_at.isoformat()}|{row.case_id}".encode()).decode()


def _page_after(mark: str | None) -> After | None:
    if mark is None:
        return None
    try:
        reported_at, case_id = urlsafe_b64decode(mark).decode().split("|")
        after = After(datetime.fromisoformat(reported_at), UUID(case_id))
    except ValueError:
        after = None
    if after is None or after.reported_at.tzinfo is None:
        raise unprocessable("after", "is not the mark of a page", "Send `next` of the page before, or nothing.")
    return after
