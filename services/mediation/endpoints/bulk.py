"""Many resolutions at once: of cases that people solved, or of history that an operator brings."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import repeat
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.exc import DBAPIError

from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, Result, UnknownStream, handle_all
from services.chassis.database import scoped
from services.chassis.eventstore import LARGEST_BATCH, Outcome, StaleVersion, StoreUnavailable
from services.chassis.http import TraceParent, staff_with
from services.chassis.ids import new_id
from services.chassis.ndjson import MEDIA_TYPE, numbered
from services.chassis.problems import describe
from services.chassis.service import Service
from services.mediation.circumstances import Surroundings
from services.mediation.desk import CASEWORKERS, actor_of
from services.mediation.domain.commands import Answer, Circumstances, Command, RecordOutcome, ResolveCase
from services.mediation.domain.decider import CASES
from services.mediation.endpoints.desk import Around, Parts
from services.mediation.endpoints.lines import (
    LONGEST_LINE,
    Line,
    NotTaken,
    OutcomeLine,
    SolutionLine,
    answer,
    not_taken,
    parse,
    rejected,
    unavailable,
)
from services.mediation.read_models.places import Home, clocks, day_of, homes_of

router = APIRouter()

_FOREIGN = rejected("case_id", "is of no case in your areas", "Check the id.")

Worker = Annotated[Staff, Depends(staff_with(*CASEWORKERS, "operator"))]


@router.post(
    "/cases:resolve-bulk",
    operation_id="resolve_cases",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "A line for each line, in order"}},
)
async def resolve_bulk(
    parts: Parts, staff: Worker, around: Around, request: Request, traceparent: TraceParent
) -> Response:
    """Up to 64 MB of MEDIA_TYPE. Each line is its own key: sent again it is a `duplicate`, and changes nothing.

    The answer begins when the last line is in: a client that reads only after writing would block us otherwise.
    """
    desk = BulkDesk(parts, staff, around, request.headers.get("idempotency-key", ""), traceparent)
    answers: list[bytes] = []
    storing: asyncio.Task[list[bytes]] | None = None
    async for chunk in numbered(request.stream(), LARGEST_BATCH, LONGEST_LINE):
        judged = await desk.judge([(number, parse(text)) for number, text in chunk])
        if storing:
            answers += await storing
        # While the database stores this chunk, the next one is read.
        storing = asyncio.create_task(desk.store(judged))
    if storing:
        answers += await storing
    return Response(b"".join(answers), media_type=MEDIA_TYPE)


@dataclass(frozen=True, slots=True)
class Judged:
    """A line, and what it asks for unless it is not taken."""

    number: int
    line: Line | NotTaken
    meant: Intent[Command] | NotTaken


class BulkDesk:
    """One bulk request, chunk after chunk: a case that is named twice meets its own first outcome."""

    def __init__(self, parts: Service, staff: Staff, around: Surroundings, key: str, traceparent: str | None) -> None:
        self._around = around
        self._parts = parts
        self._staff = staff
        self._key = key
        self._traceparent = traceparent

    async def judge(self, lines: Sequence[tuple[int, Line | NotTaken]]) -> list[Judged]:
        """Find out what each line means for its case, and whether this person may say it."""
        case_ids = [line.case_id for _, line in lines if not isinstance(line, NotTaken)]
        async with scoped(self._parts.application, self._staff.areas) as connection:
            homes = await homes_of(connection, case_ids)
            known = await clocks(connection) if len(homes) < len(case_ids) else {}
        at = now()
        solved = {line.case_id for _, line in lines if isinstance(line, SolutionLine)}
        around = await self._around.of({homes[case].area for case in solved if case in homes}, at)
        return [Judged(number, line, self._judged(line, homes, known, around, at)) for number, line in lines]

    async def store(self, judged: Sequence[Judged]) -> list[bytes]:
        """Carry out what is meant; an answer for each line."""
        intents = [one.meant for one in judged if isinstance(one.meant, Intent)]
        try:
            results = iter(await handle_all(self._parts.store, CASES, intents))
        except StoreUnavailable:
            results = repeat(None)
        return [
            _told(one, next(results)) if isinstance(one.meant, Intent) else not_taken(one.number, one.line, one.meant)
            for one in judged
        ]

    def _judged(
        self,
        line: Line | NotTaken,
        homes: Mapping[UUID, Home],
        known: Mapping[str, ZoneInfo],
        around: Mapping[str, Circumstances],
        at: datetime,
    ) -> Intent[Command] | NotTaken:
        match line:
            case NotTaken():
                return line
            case SolutionLine():
                return self._solution(line, homes.get(line.case_id), around, at)
            case OutcomeLine():
                return self._outcome(line, homes.get(line.case_id), known, at)

    def _solution(
        self, line: SolutionLine, home: Home | None, around: Mapping[str, Circumstances], at: datetime
    ) -> Intent[Command] | NotTaken:
        if not self._staff.roles.intersection(CASEWORKERS):
            return rejected("imported", "is missing, and your role brings history only", "Add it, as true.")
        if home is None:
            return _FOREIGN
        if home.clock is None:
            return unavailable("case_id", "is of a community not known here yet", "Send the line again.")
        ref = new_id()
        answer = Answer(line.resolution, ref, line.language, day_of(at, home.clock))
        command = ResolveCase(actor_of(self._staff), answer, around[home.area])
        sealed = self._parts.vault.seal(ref, {"explanation": line.explanation, "language": line.language})
        return self._intent(line, command, at, sealed=[sealed])

    def _outcome(
        self, line: OutcomeLine, home: Home | None, known: Mapping[str, ZoneInfo], at: datetime
    ) -> Intent[Command] | NotTaken:
        if "operator" not in self._staff.roles:
            return rejected("imported", "takes the role operator", "Leave it out, or ask an operator.")
        area = home.area if home else line.area
        if area is None:
            return unavailable("case_id", "is not known here yet", "Add the community's area, or send it again.")
        if not self._staff.may_see(area):
            return rejected("area", "lies outside your areas", "Ask an operator of that area.")
        clock = home.clock if home else known.get(area)
        command = _dated(line, clock)
        if command is None:
            return unavailable("area", "is of no community known here yet", "Send the line again.")
        if command.resolved_at > at:
            field = "resolved_at" if line.resolved_at else "resolved_on"
            return rejected(field, "lies in the future", "Send the day on which it was resolved.")
        return self._intent(line, command, at, area=None if home else area)

    def _intent(self, line: Line, command: Command, at: datetime, **more: Any) -> Intent[Command]:
        content = line.model_dump_json().encode()
        own = b"" if isinstance(line, OutcomeLine) else f"{self._staff.id} {self._key}".encode()
        # The key holds the content, so under one key there is no other content.
        key = self._parts.fingerprints.key("bulk resolution", own + content)
        return Intent(
            stream=line.case_id,
            command=command,
            key=key,
            fingerprint=key.encode(),
            actor=self._staff.id,
            at=at,
            scope=self._staff.areas,
            traceparent=self._traceparent,
            **more,
        )


def _dated(line: OutcomeLine, clock: ZoneInfo | None) -> RecordOutcome | None:
    """None while it takes a clock that is not known. A day without a time begins at midnight, as in intake."""
    day, instant = line.resolved_on, line.resolved_at
    if clock is not None:
        day = day or (instant and day_of(instant, clock))
        instant = instant or (day and datetime.combine(day, time(), clock))
    return RecordOutcome(day, instant.astimezone(UTC)) if day and instant else None


def _told(one: Judged, result: Result | None) -> bytes:
    match result:
        case Outcome():
            status = "duplicate" if result.repeated else "accepted"
            return answer(one.number, one.line, status, version=result.version)
        case None:
            why = unavailable("body", "can't be stored just now", "Send the line again.")
        case UnknownStream():
            why = _FOREIGN
        case StaleVersion():
            why = unavailable("case_id", "was being changed all the time", "Send the line again.")
        case DBAPIError():
            why = rejected("body", "could not be stored", "Tell the operator, who finds the reason in the log.")
        case refused:
            problem = describe(refused)
            assert problem is not None
            why = rejected("case_id", problem.problem.title, problem.problem.detail or "Read the case's file.")
    return not_taken(one.number, one.line, why)
