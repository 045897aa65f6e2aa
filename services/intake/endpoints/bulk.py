"""Many reports of one community at once: each line is taken or answered for by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import (
    AwareDatetime,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from services.chassis.clock import now
from services.chassis.commands import Intent, Result, handle_all
from services.chassis.eventstore import LARGEST_BATCH, KeyReused, Outcome, StoreUnavailable
from services.chassis.forms import Form
from services.chassis.http import TraceParent
from services.chassis.ids import new_id
from services.chassis.ndjson import MEDIA_TYPE, numbered
from services.chassis.problems import Fault, describe, faults_of
from services.contracts.cases import Channel, Kind, Language, Reference, Urgency
from services.contracts.event import Code
from services.intake import set_aside
from services.intake.categories import require_category
from services.intake.credentials import Credential, Scope
from services.intake.domain.commands import Command, TakeReport
from services.intake.domain.decider import REPORTS
from services.intake.endpoints.door import CommunitySystem, Door, TheDoor
from services.intake.endpoints.reports import PARTICULARS, Email, Phone
from services.intake.set_aside import Aside

router = APIRouter()

_REFERENCE: TypeAdapter[str] = TypeAdapter(Reference)

LONGEST_LINE = 256 * 1024
_SEALED = (*PARTICULARS, "row")

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Cell = Annotated[str, StringConstraints(max_length=5000)]


class ReportLine(Form):
    """A report by another program. Its `reference` is that program's own number for it, and comes once."""

    reference: Reference
    kind: Kind
    category: Code
    urgency: Urgency = Urgency.ORDINARY
    text: Text | None = None
    place: Short | None = None
    name: Short | None = None
    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None
    imported: bool = False
    occurred_on: date | None = None
    occurred_at: AwareDatetime | None = None
    row: Annotated[dict[Short, Cell], Field(max_length=200)] | None = None
    """The whole source row, where there is one; it counts as content."""

    @field_validator("category")
    @classmethod
    def _known(cls, category: str, info: ValidationInfo) -> str:
        if "kind" in info.data:
            require_category(info.data["kind"], category)
        return category


@dataclass(frozen=True, slots=True)
class NotTaken:
    faults: list[Fault]
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A line that may be stored; `content` is what counts when its reference comes again."""

    line: ReportLine
    content: bytes
    intent: Intent[Command]


@router.post(
    "/reports:bulk",
    operation_id="report_in_bulk",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "A line for each line, in order"}},
)
async def report_in_bulk(
    door: TheDoor, system: CommunitySystem, request: Request, traceparent: TraceParent
) -> Response:
    """Up to 64 MB of NDJSON, a report a line.

    Each line is answered `accepted`, `duplicate` (this reference came before with this content), `conflict` (it came
    with other content: kept aside for people), `rejected` with its faults, or `unavailable`: send that one again.
    """
    bulk = Bulk(door, system, traceparent)
    answers: list[bytes] = []
    storing: asyncio.Task[list[bytes]] | None = None
    async for chunk in numbered(request.stream(), LARGEST_BATCH, LONGEST_LINE):
        prepared = [(number, bulk.prepare(text)) for number, text in chunk]
        if storing:
            answers += await storing
        # While the database stores this chunk, the next one is read and sealed.
        storing = asyncio.create_task(bulk.store(prepared))
        await asyncio.sleep(0)
    if storing:
        answers += await storing
    return Response(b"".join(answers), media_type=MEDIA_TYPE)


class Bulk:
    """One bulk request, chunk after chunk."""

    def __init__(self, door: Door, system: Credential, traceparent: str | None) -> None:
        self._door = door
        self._system = system
        self._traceparent = traceparent
        self._at = now()
        self._store_is_away = False

    def prepare(self, text: bytes | None) -> Ready | NotTaken:
        """Read a line and seal what is in it; nothing is stored yet."""
        if text is None:
            return _fault("body", f"is longer than {LONGEST_LINE // 1024} kB", "Shorten the line.")
        try:
            parsed = orjson.loads(text)
        except orjson.JSONDecodeError:
            return _unreadable(text)
        if b"\\u0000" in text:
            return _fault(_field_with_nul(parsed), "holds a NUL character", "Leave it out.")
        try:
            line = ReportLine.model_validate(parsed)
        except ValidationError as invalid:
            return NotTaken(faults_of(invalid.errors(include_url=False, include_input=False)), _reference(parsed))
        fault = self._misdated(line)
        if fault is None and line.text is None and line.row is None:
            fault = _fault("text", "is missing", "Say what the trouble is, or send the source row as `row`.")
        if fault is not None:
            return NotTaken(fault.faults, line.reference)
        return self._ready(line, orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS))

    async def store(self, prepared: Sequence[tuple[int, Ready | NotTaken]]) -> list[bytes]:
        """Store what is ready; an answer for each line."""
        ready = [one for _, one in prepared if isinstance(one, Ready)]
        results: Sequence[Result | None] = [None] * len(ready)
        if ready and not self._store_is_away:
            try:
                results = await handle_all(self._door.service.store, REPORTS, [one.intent for one in ready])
                await self._keep_aside(ready, results)
            except StoreUnavailable:
                self._store_is_away = True
                results = [None] * len(ready)
        told = iter(results)
        return [
            _told(number, one, next(told)) if isinstance(one, Ready) else _not_taken(number, one)
            for number, one in prepared
        ]

    def _misdated(self, line: ReportLine) -> NotTaken | None:
        dated = "occurred_at" if line.occurred_at else "occurred_on" if line.occurred_on else None
        if not line.imported:
            if dated is None:
                return None
            return _fault(dated, "is for imported history only", "Leave it out, or add imported: true.")
        if Scope.HISTORY not in self._system.scopes:
            return _fault("imported", "takes a key with the scope history", "Ask the operator for such a key.")
        if dated is None:
            return _fault("occurred_on", "is missing", "Say when it was reported: occurred_on or occurred_at.")
        if self._happened_at(line) > self._at:
            return _fault(dated, "lies in the future", "Send the day on which it was reported.")
        return None

    def _happened_at(self, line: ReportLine) -> datetime:
        """A day without a time begins at the community's midnight."""
        if line.occurred_at:
            return line.occurred_at.astimezone(UTC)
        if line.occurred_on:
            return datetime.combine(line.occurred_on, time(), self._system.clock).astimezone(UTC)
        return self._at

    def _ready(self, line: ReportLine, content: bytes) -> Ready:
        service, system = self._door.service, self._system
        at, particulars = self._happened_at(line), new_id()
        told = {name: value for name in _SEALED if (value := getattr(line, name)) is not None}
        command = TakeReport(
            community=system.community,
            reference=line.reference,
            kind=line.kind,
            category=line.category,
            urgency=line.urgency,
            channel=Channel.SYSTEM,
            reported_on=line.occurred_on or at.astimezone(system.clock).date(),
            imported=line.imported,
            particulars=particulars,
        )
        intent = Intent(
            stream=new_id(),
            command=command,
            key=service.fingerprints.key("reference", system.community.bytes + line.reference.encode()),
            fingerprint=service.fingerprints.digest("bulk report", content),
            actor="community-system",
            at=at,
            area=system.area,
            sealed=[service.vault.seal(particulars, told)],
            traceparent=self._traceparent,
        )
        return Ready(line, content, intent)

    async def _keep_aside(self, ready: Sequence[Ready], results: Sequence[Result]) -> None:
        conflicts = [
            Aside(new_id(), result.stream_id, one.line.reference, one.intent.fingerprint, one.content)
            for one, result in zip(ready, results, strict=True)
            if isinstance(result, KeyReused)
        ]
        if conflicts:
            await set_aside.keep(self._door.service, self._system, conflicts)


def _told(number: int, one: Ready, result: Result | None) -> bytes:
    reference = one.line.reference
    match result:
        case Outcome():
            status = "duplicate" if result.repeated else "accepted"
            return _answer(number, status, reference, case_id=result.stream_id)
        case KeyReused():
            return _answer(number, "conflict", reference, case_id=result.stream_id)
        case None:
            return _answer(number, "unavailable", reference)
        case failed:
            problem = describe(failed)
            why = problem.problem.title if problem else "could not be stored"
            fault = Fault(field="body", message=why, remedy="Tell the operator, who finds the reason in the log.")
            return _not_taken(number, NotTaken([fault], reference))


def _answer(number: int, status: str, reference: str | None, **more: UUID | list[Any]) -> bytes:
    told = {"line": number, "status": status}
    if reference:
        told["reference"] = reference
    return orjson.dumps({**told, **more}, default=str, option=orjson.OPT_APPEND_NEWLINE)


def _not_taken(number: int, why: NotTaken) -> bytes:
    return _answer(number, "rejected", why.reference, faults=[fault.model_dump() for fault in why.faults])


def _fault(field: str, message: str, remedy: str) -> NotTaken:
    return NotTaken([Fault(field=field, message=message, remedy=remedy)])


def _unreadable(text: bytes) -> NotTaken:
    try:
        text.decode()
    except UnicodeDecodeError:
        return _fault("body", "is not UTF-8", "Encode the line as UTF-8.")
    return _fault("body", "is not JSON", "Send one well-formed JSON object on each line.")


def _reference(parsed: Any) -> str | None:
    """The line's own number, to answer it by, if it is one."""
    try:
        return _REFERENCE.validate_python(parsed["reference"])
    except (TypeError, KeyError, ValidationError):
        return None


def _field_with_nul(parsed: Any) -> str:
    if isinstance(parsed, dict):
        for name, value in parsed.items():  # pyright: ignore
            if "\0" in str(value) and not isinstance(value, dict) and "\0" not in name:  # pyright: ignore
                return str(name)[:80]  # pyright: ignore
    return "body"
