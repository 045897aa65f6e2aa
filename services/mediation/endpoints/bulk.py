"""Many resolutions at once, as lines: of cases that people solved, or of history that an operator brings."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, Discriminator, Tag, TypeAdapter, ValidationError, model_validator
from sqlalchemy.exc import DBAPIError

from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, Result, handle_all
from services.chassis.database import scoped
from services.chassis.eventstore import LARGEST_BATCH, Outcome
from services.chassis.http import TraceParent, staff_with
from services.chassis.ids import new_id
from services.chassis.problems import Fault, ProblemError, describe, faults_of
from services.chassis.service import Service
from services.contracts.cases import Language, Reference
from services.contracts.event import AreaPath
from services.mediation.domain.commands import Command, RecordOutcome, ResolveCase
from services.mediation.domain.decider import CASES
from services.mediation.endpoints.casework import ByPeople
from services.mediation.endpoints.desk import CASEWORKERS, Form, FreeText, Parts, actor_of
from services.mediation.read_models.places import Home, clocks, day_of, homes_of

router = APIRouter()

LONGEST_LINE = 64 * 1024
LARGEST_BODY = 64 * 1024 * 1024
NDJSON = "application/x-ndjson"

Bulk = Annotated[Staff, Depends(staff_with(*CASEWORKERS, "operator"))]


class SolutionLine(Form):
    """A case that people solved."""

    case_id: UUID
    resolution: ByPeople
    explanation: FreeText
    language: Language


class OutcomeLine(Form):
    """What history says of a case. With `area`, the community's, it may come before its case."""

    case_id: UUID
    imported: Literal[True]
    resolved_on: date | None = None
    resolved_at: AwareDatetime | None = None
    area: AreaPath | None = None
    reference: Reference | None = None

    @model_validator(mode="after")
    def _dated(self) -> "OutcomeLine":
        if self.resolved_on is None and self.resolved_at is None:
            raise ValueError("has neither resolved_on nor resolved_at|Add one: the day, or the instant.")
        return self


def _kind_of_line(line: Any) -> str:
    return "outcome" if isinstance(line, dict) and "imported" in line else "solution"


Line = SolutionLine | OutcomeLine
_LINE: TypeAdapter[Line] = TypeAdapter(
    Annotated[
        Annotated[SolutionLine, Tag("solution")] | Annotated[OutcomeLine, Tag("outcome")],
        Discriminator(_kind_of_line),
    ]
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that is not taken, and what to do about it."""

    fault: Fault


Parsed = tuple[int, Line | Rejected]


@router.post(
    "/cases:resolve-bulk",
    operation_id="resolve_cases",
    response_class=Response,
    responses={200: {"content": {NDJSON: {}}, "description": "A line for each line, in order"}},
)
async def resolve_bulk(parts: Parts, staff: Bulk, request: Request, traceparent: TraceParent) -> Response:
    """Up to 64 MB of NDJSON. Each line is its own key: sent again it is a `duplicate`, and changes nothing.

    The answer begins when the last line is in: a client that only reads after writing would block us otherwise.
    """
    desk = _BulkDesk(parts, staff, request.headers.get("idempotency-key", ""), traceparent)
    answers: list[bytes] = []
    chunk: list[Parsed] = []
    async for numbered in _lines(request):
        chunk.append(_parsed(*numbered))
        if len(chunk) == LARGEST_BATCH:
            answers += await desk.take(chunk)
            chunk = []
    answers += await desk.take(chunk)
    return Response(b"".join(answers), media_type=NDJSON)


class _BulkDesk:
    """One bulk request: chunk by chunk, so that a case named twice meets its own first outcome."""

    def __init__(self, parts: Service, staff: Staff, key: str, traceparent: str | None) -> None:
        self._parts = parts
        self._staff = staff
        self._key = key
        self._traceparent = traceparent
        self._clocks: dict[str, ZoneInfo] | None = None

    async def take(self, chunk: Sequence[Parsed]) -> list[bytes]:
        case_ids = [line.case_id for _, line in chunk if not isinstance(line, Rejected)]
        async with scoped(self._parts.application, self._staff.areas) as connection:
            homes = await homes_of(connection, case_ids)
            if self._clocks is None:
                self._clocks = await clocks(connection)
        at = now()
        judged = [(number, self._judged(line, homes, at)) for number, line in chunk]
        intents = [intent for _, intent in judged if isinstance(intent, Intent)]
        results = iter(await handle_all(self._parts.store, CASES, intents))
        return [
            _told(number, next(results), intent.stream)
            if isinstance(intent, Intent)
            else _rejected(number, intent.fault)
            for number, intent in judged
        ]

    def _judged(self, line: Line | Rejected, homes: dict[UUID, Home], at: datetime) -> "Intent[Command] | Rejected":
        if isinstance(line, Rejected):
            return line
        home = homes.get(line.case_id)
        if isinstance(line, OutcomeLine):
            return self._outcome(line, home, at)
        return self._solution(line, home, at)

    def _solution(self, line: SolutionLine, home: Home | None, at: datetime) -> "Intent[Command] | Rejected":
        if not self._staff.roles.intersection(CASEWORKERS):
            return _reject("imported", "is missing, and your role brings history only", "Add `imported`: true.")
        if home is None:
            return _UNKNOWN
        if home.clock is None:
            return _reject("case_id", "is of a community not known here yet", "Send the line again in a moment.")
        ref = new_id()
        command = ResolveCase(actor_of(self._staff), line.resolution, ref, line.language, day_of(at, home.clock))
        sealed = self._parts.vault.seal(ref, {"explanation": line.explanation, "language": line.language})
        return self._intent(line, command, at, sealed=[sealed])

    def _outcome(self, line: OutcomeLine, home: Home | None, at: datetime) -> "Intent[Command] | Rejected":
        if "operator" not in self._staff.roles:
            return _reject("imported", "takes the role operator", "Leave it out, or ask an operator.")
        area = home.area if home else line.area
        if area is None:
            return _reject(
                "case_id", "is not known here yet", "Add `area`, the community's, or send the line again later."
            )
        if not self._staff.may_see(area):
            return _reject("area", "lies outside your areas", "Ask an operator of that area.")
        clock = home.clock if home else (self._clocks or {}).get(area)
        if line.resolved_at and line.resolved_on:
            on, when = line.resolved_on, line.resolved_at
        elif clock is None:
            return _reject("area", "is of no community known here yet", "Send the line again in a moment.")
        elif line.resolved_at:
            on, when = day_of(line.resolved_at, clock), line.resolved_at
        else:
            assert line.resolved_on is not None
            on, when = line.resolved_on, datetime.combine(line.resolved_on, datetime.min.time(), clock)
        if when > at:
            field = "resolved_at" if line.resolved_at else "resolved_on"
            return _reject(field, "lies in the future", "Send the day on which it was resolved.")
        begins = None if home else area
        return self._intent(line, RecordOutcome(on, when.astimezone(UTC)), at, area=begins)

    def _intent(self, line: Line, command: Command, at: datetime, **more: Any) -> Intent[Command]:
        content = line.model_dump_json().encode()
        own = b"" if isinstance(line, OutcomeLine) else f"{self._staff.id} {self._key}".encode()
        fingerprints = self._parts.fingerprints
        return Intent(
            stream=line.case_id,
            command=command,
            key=fingerprints.key("bulk resolution", own + content),
            fingerprint=fingerprints.digest("bulk resolution", content),
            actor=self._staff.id,
            at=at,
            scope=self._staff.areas,
            traceparent=self._traceparent,
            **more,
        )


async def _lines(request: Request) -> AsyncIterator[tuple[int, bytes | None]]:
    """Lines that hold something, by their number from 1; none for one that is too long to be read."""
    rest, number, size, overlong = b"", 0, 0, False
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise ProblemError(413, "too-large", "The request is too large", "Send 64 MB at most at a time.")
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            number += 1
            if overlong or len(line) > LONGEST_LINE:
                yield number, None
            elif line.strip():
                yield number, line
            overlong = False
        if len(rest) > LONGEST_LINE:
            rest, overlong = b"", True
    if overlong or rest.strip():
        yield number + 1, None if overlong else rest


def _parsed(number: int, line: bytes | None) -> Parsed:
    if line is None:
        return number, _reject("body", f"is longer than {LONGEST_LINE} bytes", "Shorten the line.")
    try:
        return number, _LINE.validate_json(line)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_input=False)
        return number, Rejected(faults_of(errors, skip=1 if errors[0]["loc"] else 0)[0])


def _told(number: int, result: Result, case_id: UUID) -> bytes:
    match result:
        case Outcome():
            status = "duplicate" if result.repeated else "accepted"
            return _answer(number, status, case_id=case_id, version=result.version)
        case DBAPIError():
            return _rejected(number, Fault(field="body", message="could not be stored", remedy="Tell the operator."))
        case refused:
            problem = describe(refused)
            assert problem is not None
            told = problem.problem
            return _rejected(number, Fault(field="case_id", message=told.title, remedy=told.detail or ""), case_id)


def _rejected(number: int, fault: Fault, case_id: UUID | None = None) -> bytes:
    return _answer(number, "rejected", case_id=case_id, field=fault.field, reason=fault.message, remedy=fault.remedy)


def _answer(number: int, status: str, **more: Any) -> bytes:
    told = {name: value for name, value in more.items() if value is not None}
    return orjson.dumps({"line": number, "status": status, **told}, option=orjson.OPT_APPEND_NEWLINE)


def _reject(field: str, message: str, remedy: str) -> Rejected:
    return Rejected(Fault(field=field, message=message, remedy=remedy))


_UNKNOWN = _reject("case_id", "is of no case in your areas", "Check the id.")
