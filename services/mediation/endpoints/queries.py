"""The caseload and the case file."""

from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.chassis.database import scoped
from services.chassis.problems import unprocessable
from services.chassis.service import Service
from services.chassis.web.languages import Language, spoken, translator
from services.contracts.cases import CaseDeclined, CaseMessageWritten, CaseResolved, Kind, Reference
from services.contracts.envelope import Recorded
from services.contracts.event import AreaPath, Code, Event, StaffId
from services.mediation.case_file import Promise, read_file
from services.mediation.endpoints.desk import Parts, Reader, after_position
from services.mediation.explaining import explain
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


class Promised(BaseModel):
    """`running`: the date still stands; `why`: what it was counted from, in the language that is asked for."""

    rule: str
    due_at: datetime
    running: bool
    why: list[str]


class CaseFileAnswer(BaseModel):
    case: CaseRow
    version: int
    """Of mediation's own stream; 0 until the case is opened."""
    events: list[HappenedEvent]
    promises: list[Promised]
    """Every date that was given, in the order in which they were."""
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
    following = After.last_of(cases).mark if len(cases) == limit else None
    return Caseload(cases=cases, next=following, patterns=found)


@router.get("/cases/{case_id}", dependencies=[after_position], operation_id="read_case")
async def read_case(request: Request, parts: Parts, staff: Reader, case_id: UUID) -> CaseFileAnswer:
    """One case: where it stands, what happened, and what was promised. Looking at its texts is recorded."""
    file = await read_file(parts, staff, case_id)
    language = translator(spoken(request), "mediation")
    zone = (file.home and file.home.clock) or UTC
    return CaseFileAnswer(
        case=file.row,
        version=file.version,
        events=[_happened(*one) for one in zip(file.recorded, file.events, strict=True)],
        promises=[_promised(promise, language, zone) for promise in file.promises],
        texts=dict(file.texts),
    )


_TOLD = frozenset({CaseResolved.type, CaseDeclined.type, CaseMessageWritten.type})


async def told_to_resident(parts: Service, case_id: UUID) -> set[UUID]:
    """What the resident whose case it is may read of it: what was explained and written to them, no notes."""
    async with parts.worker.connect() as connection:
        recorded = await parts.store.read_stream(connection, case_id)
    refs: set[UUID | None] = set()
    for event in (one.event() for one in recorded if one.type in _TOLD):
        match event:
            case CaseResolved() | CaseDeclined():
                refs.add(event.explanation)
            case CaseMessageWritten():
                refs.add(event.message)
            case _:
                pass
    return {ref for ref in refs if ref}


def _happened(recorded: Recorded, event: Event) -> HappenedEvent:
    return HappenedEvent(
        version=recorded.version,
        type=recorded.type,
        at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        data=event.model_dump(mode="json", exclude_none=True),
    )


def _promised(promise: Promise, language: Language, zone: tzinfo) -> Promised:
    deadline = promise.deadline
    why = explain(deadline, language, zone, renewed=promise.renewed)
    return Promised(rule=deadline.rule, due_at=deadline.due_at, running=promise.running, why=why)


def _page_after(mark: str | None) -> After | None:
    if mark is None:
        return None
    try:
        return After.of(mark)
    except ValueError:
        remedy = "Send `next` of the page before, or nothing."
        raise unprocessable("after", "is not the mark of a page", remedy) from None
