"""The indicators as JSON, and the events behind each."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.database import scoped
from services.chassis.forms import Instant
from services.chassis.service import Service
from services.contracts.event import AreaPath
from services.reporting.asking import READERS, Counted, Fresh, after_position, mark_of, question_of
from services.reporting.read_models import evidence
from services.reporting.read_models.figures import By, Figures, Question
from services.reporting.read_models.indicators import BY_NAME, INDICATORS, Indicator, IndicatorName, Unit

router = APIRouter()


async def _parts(request: Request) -> Service:
    return request.app.state.service


Parts = Annotated[Service, Depends(_parts)]
Reader = Annotated[Staff, Depends(http.staff_with(*READERS))]


async def asked(
    staff: Reader,
    area: Annotated[AreaPath | None, Query(description="Path prefix; yours if you have but one.")] = None,
    first: Annotated[
        date | None, Query(alias="from", description="First day of report that counts, in the community's time zone.")
    ] = None,
    last: Annotated[date | None, Query(alias="to", description="Last day of report that counts.")] = None,
    as_of: Annotated[
        Instant | None,
        Query(description="Only what was recorded by then; imported history counts from its business time."),
    ] = None,
) -> Question:
    return question_of(staff, area, first, last, as_of)


Asked = Annotated[Question, Depends(asked)]


class DefinedValue(BaseModel):
    """A number with what it means. A percentile of no cases is null."""

    name: IndicatorName
    title: str
    definition: str
    clock: str
    unit: Unit
    value: int | None
    events: str
    """Where the events behind the number are listed."""


class Part(BaseModel):
    """The same numbers for one part of the question."""

    community: str | None = None
    place: str | None = None
    month: date | None = None
    """Its first day."""
    imported: int
    values: dict[str, int | None]


class Indicators(BaseModel):
    area: str
    first: date | None
    last: date | None
    as_of: datetime
    policy: Literal["then", "today"]
    provisional: bool
    """Events wait to be counted, or the connection to Kafka is lost: the numbers may still change."""
    waiting: int
    imported: int
    """How many of the reported cases are imported history."""
    indicators: list[DefinedValue]
    parts: list[Part]


class EventBehind(BaseModel):
    case_id: UUID
    area: str
    reported_on: date
    days: int | None
    """From report to resolution."""
    imported: bool
    position: int
    source: str
    version: int
    type: str
    occurred_at: datetime
    recorded_at: datetime
    data: dict[str, Any]


class EventsBehind(BaseModel):
    indicator: IndicatorName
    definition: str
    as_of: datetime
    provisional: bool
    events: list[EventBehind]
    next: str | None
    """Send it back as `after` for the page behind this one; none on the last."""


@router.get("/indicators", dependencies=[after_position], operation_id="read_indicators")
async def read_indicators(
    parts: Parts,
    staff: Reader,
    question: Asked,
    fresh: Fresh,
    counted: Counted,
    by: Annotated[
        str | None,
        Query(
            pattern=r"^(community|place|month)(,(community|place|month))*$",
            description="Also for each of these, or each combination: `month,community`."
            " A place is the area one level below the one asked for.",
        ),
    ] = None,
    policy: Annotated[
        Literal["then", "today"],
        Query(description="Whose deadlines to judge by. None of today's indicators depends on a policy yet."),
    ] = "then",
) -> Indicators:
    """What was reported and what became of it, exactly, for an area that your token covers."""
    grouping = frozenset(By(name) for name in by.split(",")) if by else frozenset[By]()
    async with scoped(parts.application, staff.areas) as connection:
        [whole] = await counted.figures(connection, question, [frozenset()])
        grouped = await counted.figures(connection, question, [grouping]) if grouping else []
    return Indicators(
        area=question.area,
        first=question.first,
        last=question.last,
        as_of=question.as_of,
        policy=policy,
        provisional=fresh.provisional,
        waiting=fresh.waiting,
        imported=whole.imported,
        indicators=[_defined(indicator, whole, question) for indicator in INDICATORS],
        parts=_parts_of(grouped),
    )


@router.get("/indicators/{name}/events", dependencies=[after_position], operation_id="read_events_behind")
async def read_events_behind(
    parts: Parts,
    staff: Reader,
    question: Asked,
    fresh: Fresh,
    name: IndicatorName,
    after: Annotated[str | None, Query(max_length=60)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> EventsBehind:
    """For each case that counts the event that makes it count, latest report first."""
    indicator = BY_NAME[name]
    async with scoped(parts.application, staff.areas) as connection:
        events = await evidence.events_behind(connection, question, indicator, limit, mark_of(after))
    return EventsBehind(
        indicator=name,
        definition=indicator.definition,
        as_of=question.as_of,
        provisional=fresh.provisional,
        events=[EventBehind.model_validate(event, from_attributes=True) for event in events],
        next=str(events[-1].mark) if len(events) == limit else None,
    )


def _defined(indicator: Indicator, whole: Figures, question: Question) -> DefinedValue:
    return DefinedValue(
        name=indicator.name,
        title=indicator.title,
        definition=indicator.definition,
        clock=indicator.clock,
        unit=indicator.unit,
        value=whole.values[indicator.name],
        events=f"/api/reporting/v1/indicators/{indicator.name}/events?{question.query()}",
    )


def _parts_of(grouped: Sequence[Figures]) -> list[Part]:
    return [Part.model_validate(part, from_attributes=True) for part in grouped]
