"""The policies and calendars that promised dates are computed by: what applies where, and setting another."""

import asyncio
from datetime import date, time
from hashlib import blake2b
from typing import Annotated, Any, TypeVar

import holidays
import orjson
import yaml
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, ValidationInfo, field_validator

from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.database import scoped
from services.chassis.eventstore import KeyReused, Outcome
from services.chassis.http import staff_with
from services.chassis.problems import ProblemError, faults_of, unprocessable
from services.contracts.deadlines import Allowance, Unit
from services.contracts.event import AreaPath
from services.contracts.policies import Calendar, LocalTime, Policy, Terms, policy_stream
from services.mediation.desk import CASEWORKERS, Desk
from services.mediation.domain.policy_decider import (
    POLICIES,
    PolicyCommand,
    SetCalendar,
    SetPolicy,
    TakeName,
    VersionTaken,
)
from services.mediation.endpoints.desk import desk_for
from services.mediation.rules import RuleBook, shipped

router = APIRouter()

LARGEST_BODY = 32 * 1024
DEEPEST_BODY = 8
MOST_DAYS = 1_000
_UNITS_A_DAY = {Unit.SECONDS: 86_400, Unit.MINUTES: 1440, Unit.HOURS: 24, Unit.DAYS: 1, Unit.WORKING_DAYS: 1}

SettingDesk = Annotated[Desk, Depends(desk_for("supervisor", "operator"))]
RulesReader = Annotated[Staff, Depends(staff_with(*CASEWORKERS, "manager", "operator"))]
Area = Annotated[AreaPath, Query(description="A community or an area above: what is set there holds below it too.")]
Content = TypeVar("Content", bound=BaseModel)


class InForceThere(BaseModel):
    """What new dates in an area are computed by, and the area where it was set; without one it ships with Doorstep."""

    area: str
    policy: Policy
    policy_set_in: str | None = None
    calendar: Calendar
    calendar_set_in: str | None = None


def _text_alone(value: Any) -> Any:
    """A number would be taken as seconds."""
    if not isinstance(value, str):
        raise ValueError('is not text|Write a day as "2026-10-01" and a time as "18:00", in quotation marks.')
    return value


def _time_of_day(value: time) -> time:
    if value.tzinfo or value.second or value.microsecond:
        raise ValueError("is not a time of day alone|Write hours and minutes by the community's clock, as 18:00.")
    return value


Day = Annotated[date, BeforeValidator(_text_alone)]
Days = Annotated[tuple[Day, ...], Field(max_length=MOST_DAYS)]


def _bounded(allowance: Allowance | None) -> None:
    if allowance and allowance.amount > MOST_DAYS * _UNITS_A_DAY[allowance.unit]:
        raise ValueError(f"is longer than {MOST_DAYS} days|Give it less.")


class PolicyForm(Policy):
    """A policy that dates can be computed by."""

    @field_validator("urgent", "ordinary", "complex", "confirm", "reopen")
    @classmethod
    def bounded(cls, value: Allowance | Terms) -> Allowance | Terms:
        match value:
            case Allowance():
                _bounded(value)
            case Terms():
                for allowance in (value.acknowledge, value.accept, value.done, value.mediate, value.escalate_every):
                    _bounded(allowance)
        return value


class CalendarForm(Calendar):
    """A calendar that dates can be computed by."""

    closes_at: Annotated[LocalTime, BeforeValidator(_text_alone)]
    working: Days = ()
    resting: Days = ()
    official_until: Day | None = None

    @field_validator("closes_at")
    @classmethod
    def time_of_day(cls, value: time) -> time:
        return _time_of_day(value)

    @field_validator("country")
    @classmethod
    def known_country(cls, value: str) -> str:
        try:
            holidays.country_holidays(value)
        except NotImplementedError:
            raise ValueError("is no country whose holidays are known|Send its ISO 3166 code, as CN.") from None
        return value

    @field_validator("rest_days")
    @classmethod
    def some_day_of_work(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) == 7:
            raise ValueError("leaves no day of work|Leave out at least one day of the week.")
        return value

    @field_validator("resting")
    @classmethod
    def not_working_too(cls, value: tuple[date, ...], told: ValidationInfo) -> tuple[date, ...]:
        if set(value).intersection(told.data.get("working", ())):
            raise ValueError("names a day that is among the working days too|Leave it out of one of the two.")
        return value


def _body(schema: str) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"requestBody": {"required": True, "content": {"application/json": content, "application/yaml": content}}}


@router.get("/policies", operation_id="get_policies")
async def in_force(request: Request, staff: RulesReader, area: Area) -> InForceThere:
    """What applies in an area now, and from where it comes."""
    if not staff.may_see(area):
        raise _unknown_area()
    return await _in_force(_rules(request), area)


@router.put("/policies", operation_id="set_policy", openapi_extra=_body("Policy"))
async def set_policy(request: Request, desk: SettingDesk, area: Area) -> InForceThere:
    """From now on compute new dates in the area and below by this policy. Dates that were promised stay."""
    form = await _read(request, PolicyForm)
    policy = Policy.model_validate(form.model_dump())
    return await _set(request, desk, area, SetPolicy(area, policy), policy, shipped().policy)


@router.put("/calendars", operation_id="set_calendar", openapi_extra=_body("Calendar"))
async def set_calendar(request: Request, desk: SettingDesk, area: Area) -> InForceThere:
    """From now on count new dates in the area and below by this calendar. Dates that were promised stay."""
    form = await _read(request, CalendarForm)
    calendar = Calendar.model_validate(form.model_dump())
    return await _set(request, desk, area, SetCalendar(area, calendar), calendar, shipped().calendar)


async def _set(
    request: Request,
    desk: Desk,
    area: str,
    command: PolicyCommand,
    content: Policy | Calendar,
    ours: Policy | Calendar,
) -> InForceThere:
    if not desk.staff.may_see(area):
        raise _unknown_area()
    async with scoped(desk.parts.application, desk.staff.areas) as connection:
        known = await connection.exec_driver_sql("SELECT EXISTS (SELECT FROM place WHERE area ^@ $1)", (area,))
        if not known.scalar_one():
            raise _unknown_area()
    if content.version == ours.version and content != ours:
        raise VersionTaken(version=content.version)
    kind, body = type(content).__name__, content.model_dump_json().encode()
    key = f"{desk.staff.id} {desk.key}".encode()
    try:
        # Names are one namespace for all areas, as are keys: whoever explains a date has only the name.
        await _carry_out(
            desk, area, TakeName(), f"version:{kind}:{content.version}", blake2b(body, digest_size=16).digest()
        )
    except KeyReused:
        raise VersionTaken(version=content.version) from None
    outcome = await _carry_out(
        desk,
        area,
        command,
        desk.parts.fingerprints.key("set rules", key),
        desk.parts.fingerprints.digest("set rules", f"{kind} {area} ".encode() + body),
    )
    http.reached(desk.response, desk.parts.name, outcome)
    rules = _rules(request)
    rules.forget()
    return await _in_force(rules, area)


async def _carry_out(desk: Desk, area: str, command: PolicyCommand, key: str, fingerprint: bytes) -> Outcome:
    return await handle(
        desk.parts.store,
        POLICIES,
        Intent(
            stream=policy_stream(area),
            command=command,
            key=key,
            fingerprint=fingerprint,
            actor=desk.staff.id,
            at=now(),
            area=area,
            traceparent=desk.traceparent,
        ),
    )


async def _in_force(rules: RuleBook, area: str) -> InForceThere:
    found = (await rules.in_force([area]))[area]
    return InForceThere(
        area=area,
        policy=found.policy,
        policy_set_in=found.policy_of,
        calendar=found.calendar,
        calendar_set_in=found.calendar_of,
    )


def _rules(request: Request) -> RuleBook:
    return request.app.state.surroundings.rules


def _unknown_area() -> ProblemError:
    return ProblemError(404, "unknown-area", "There is no such area", "Check its path; it may lie outside your areas.")


async def _read(request: Request, form: type[Content]) -> Content:
    """The body, which is JSON unless it says that it is YAML."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise unprocessable("body", f"is larger than {LARGEST_BODY // 1024} kB", "Send less.")
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    match media_type:
        case "application/json":
            content = _json(bytes(body))
        case "application/yaml" | "application/x-yaml" | "text/yaml":
            content = await asyncio.to_thread(_yaml, bytes(body))
        case _:
            raise unprocessable(
                "Content-Type", "is neither JSON nor YAML", "Send application/json or application/yaml."
            )
    try:
        return await asyncio.to_thread(form.model_validate, content)  # which may load a country's holidays
    except ValidationError as error:
        raise ProblemError(
            422, "invalid", "The request can't be taken as it is", faults=faults_of(error.errors(include_url=False))
        ) from None


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise unprocessable("body", "is not JSON in UTF-8", "Send one well-formed JSON object.") from None


def _yaml(body: bytes) -> Any:
    """Scalars stay text: YAML would make 1080 of 18:00, and false of the country NO."""
    try:
        _check_shape(body)
        return yaml.load(body, yaml.CBaseLoader)  # noqa: S506 - makes texts, lists and mappings alone
    except (yaml.YAMLError, UnicodeDecodeError):
        raise unprocessable("body", "is not YAML in UTF-8", "Send one well-formed YAML document.") from None


def _check_shape(body: bytes) -> None:
    """The loader descends without looking how deep, and the process dies of it."""
    depth = 0
    for event in yaml.parse(body, yaml.CBaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise unprocessable("body", "refers to another part of itself", "Write each part out.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST_BODY:
            raise unprocessable("body", "is nested too deep", "Send what GET policies answers with, changed.")
