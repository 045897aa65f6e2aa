"""Many reports of one community at once: each line is taken or answered for by itself."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import IO
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette import types

from services.chassis.clock import now
from services.chassis.commands import Intent, Result, handle_all
from services.chassis.eventstore import LARGEST_BATCH, KeyReused, Outcome, StoreUnavailable
from services.chassis.http import TraceParent
from services.chassis.ids import new_id
from services.chassis.ndjson import MEDIA_TYPE, numbered
from services.chassis.problems import TOO_MANY, Problem, describe
from services.contracts.cases import Channel
from services.intake import set_aside
from services.intake.credentials import Credential, Scope
from services.intake.domain.commands import Command, TakeReport
from services.intake.domain.decider import REPORTS
from services.intake.door import Door
from services.intake.endpoints.door import CommunitySystem, TheDoor
from services.intake.endpoints.lines import (
    LONGEST_LINE,
    NotTaken,
    ReportLine,
    Written,
    not_taken,
    read,
    rejected,
    taken,
)
from services.intake.set_aside import Aside
from services.intake.taking import PARTICULARS, taken_before

router = APIRouter()

KEPT_IN_MEMORY = 256 * 1024
"""Bytes of answers; more lie in a file without a name, which goes with the request. They hold no word of a person."""
PART = 64 * 1024

_SEALED = (*PARTICULARS, "row")


@router.post(
    "/reports:bulk",
    operation_id="report_in_bulk",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {}}, "description": "A line for each line, in order"},
        413: {"model": Problem, "description": "Over 64 MB or a million lines; what came before was taken"},
        **TOO_MANY,
    },
)
async def report_in_bulk(
    door: TheDoor, system: CommunitySystem, request: Request, traceparent: TraceParent
) -> Response:
    """Up to 64 MB of NDJSON, a report a line.

    Each line is answered `accepted`, `duplicate` (this reference came before with this content), `conflict` (it came
    with other content: kept aside for people), `rejected` with its faults, or `unavailable`: send that one again.

    Nothing is read faster than it is stored. Too many requests at once are answered 429 or 503, with `Retry-After`.
    The answer begins when the last line is in: a client that reads only after writing would block us otherwise.
    """
    system.require(Scope.REPORT)
    with ExitStack() as held:
        held.enter_context(door.limits.bulk.one(system.key_id))
        answers = held.enter_context(tempfile.SpooledTemporaryFile[bytes](KEPT_IN_MEMORY))
        await _answer_into(answers, Bulk(door, system, traceparent), request)
        return Answers(answers, held.pop_all())


async def _answer_into(answers: IO[bytes], bulk: "Bulk", request: Request) -> None:
    storing: asyncio.Task[list[bytes]] | None = None
    try:
        async for chunk in numbered(request.stream(), LARGEST_BATCH, LONGEST_LINE):
            prepared = [(number, bulk.prepare(read(text))) for number, text in chunk]
            if storing:
                answers.writelines(await storing)
            # While the database stores this chunk, the next one is read and sealed.
            storing = asyncio.create_task(bulk.store(prepared))
            await asyncio.sleep(0)
        if storing:
            answers.writelines(await storing)
    finally:
        if storing:  # of a request that broke off, what was begun is ended
            await asyncio.wait([storing])


class Answers(StreamingResponse):
    """What was kept, from its beginning; `held` is let go when it was sent, or when nobody is there to take it."""

    def __init__(self, answers: IO[bytes], held: ExitStack) -> None:
        # Known beforehand, the length tells a client whether it got the whole.
        told = {"Content-Length": str(answers.tell())}
        super().__init__(_parts(answers), media_type=MEDIA_TYPE, headers=told)
        self._held = held

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


async def _parts(answers: IO[bytes]) -> AsyncGenerator[bytes]:
    answers.seek(0)
    while part := answers.read(PART):
        yield part


@dataclass(frozen=True, slots=True)
class Ready:
    """A line that may be stored."""

    written: Written
    intent: Intent[Command]


Prepared = Sequence[tuple[int, Ready | NotTaken]]
"""Lines by their numbers."""

_CLOSED = (
    "community",
    "takes no reports any more",
    "Send it to the community that took its place, or ask the operator.",
)


class Bulk:
    """One bulk request, chunk after chunk."""

    def __init__(self, door: Door, system: Credential, traceparent: str | None) -> None:
        self._door = door
        self._system = system
        self._traceparent = traceparent
        self._at = now()
        self._store_is_away = False

    def prepare(self, written: Written | NotTaken) -> Ready | NotTaken:
        """Date a line and seal what is in it; nothing is stored yet."""
        if isinstance(written, NotTaken):
            return written
        at = self._time_of(written.line)
        return at if isinstance(at, NotTaken) else Ready(written, self._intent(written, at))

    async def store(self, prepared: Prepared) -> list[bytes]:
        """Store what is ready; an answer for each line."""
        results: Sequence[Result | None] = ()
        if not self._store_is_away:
            try:
                prepared = await self._unless_closed(prepared)
                ready = _ready(prepared)
                results = await handle_all(self._door.service.store, REPORTS, [one.intent for one in ready])
                await self._keep_aside(ready, results)
            except StoreUnavailable:
                self._store_is_away = True
        if self._store_is_away:
            results = [None] * len(_ready(prepared))
        outcomes = iter(results)
        return [
            _told(number, one.written.line.reference, next(outcomes))
            if isinstance(one, Ready)
            else rejected(number, one)
            for number, one in prepared
        ]

    async def _unless_closed(self, prepared: Prepared) -> Prepared:
        """A closed community takes nothing new; history is no news, and what came before is answered as it was."""
        community = await self._door.communities.find(self._system.community)
        if community is None or not community.closed:
            return prepared
        keys = [one.intent.key for one in _ready(prepared)]
        before = await taken_before(self._door, keys)
        return [
            (number, not_taken(*_CLOSED, one.written.line.reference))
            if isinstance(one, Ready) and not one.written.line.imported and one.intent.key not in before
            else (number, one)
            for number, one in prepared
        ]

    def _time_of(self, line: ReportLine) -> datetime | NotTaken:
        """When it was reported; a day of history without a time begins at the community's midnight."""
        named, dated = ("occurred_at", line.occurred_at) if line.occurred_at else ("occurred_on", line.occurred_on)
        if not line.imported and dated is None:
            return self._at
        if not line.imported:
            return _misdated(line, named, "is for imported history only", "Leave it out, or add imported: true.")
        if Scope.HISTORY not in self._system.scopes:
            return _misdated(line, "imported", "takes a key with the scope history", "Ask the operator for such a key.")
        if dated is None:
            return _misdated(line, named, "is missing", "Say when it was reported: occurred_on or occurred_at.")
        if line.occurred_at and line.occurred_on:
            return _misdated(line, named, "stands beside occurred_on", "Send one of the two.")
        if (at := _instant(dated, self._system.clock)) > self._at:
            return _misdated(line, named, "lies in the future", "Send the day on which it was reported.")
        return at

    def _intent(self, written: Written, at: datetime) -> Intent[Command]:
        service, system, line = self._door.service, self._system, written.line
        particulars = new_id()
        told = {name: value for name in _SEALED if (value := getattr(line, name)) is not None}
        return Intent(
            stream=new_id(),
            command=TakeReport(
                community=system.community,
                reference=line.reference,
                kind=line.kind,
                category=line.category,
                urgency=line.urgency,
                channel=Channel.SYSTEM,
                reported_on=line.occurred_on or at.astimezone(system.clock).date(),
                imported=line.imported,
                particulars=particulars,
            ),
            key=service.fingerprints.key("reference", system.community.bytes + line.reference.encode()),
            fingerprint=service.fingerprints.digest("bulk report", written.content),
            actor="community-system",
            at=at,
            area=system.area,
            sealed=[service.vault.seal(particulars, told)],
            traceparent=self._traceparent,
        )

    async def _keep_aside(self, ready: Sequence[Ready], results: Sequence[Result]) -> None:
        conflicts = [
            Aside(new_id(), result.stream_id, one.written.line.reference, one.intent.fingerprint, one.written.content)
            for one, result in zip(ready, results, strict=True)
            if isinstance(result, KeyReused)
        ]
        if conflicts:
            await set_aside.keep(self._door.service, self._system, conflicts)


def _ready(prepared: Prepared) -> list[Ready]:
    return [one for _, one in prepared if isinstance(one, Ready)]


def _instant(dated: date, clock: ZoneInfo) -> datetime:
    if isinstance(dated, datetime):
        return dated.astimezone(UTC)
    return datetime.combine(dated, time(), clock).astimezone(UTC)


def _misdated(line: ReportLine, field: str, message: str, remedy: str) -> NotTaken:
    return not_taken(field, message, remedy, line.reference)


def _told(number: int, reference: str, result: Result | None) -> bytes:
    match result:
        case Outcome():
            return taken(number, "duplicate" if result.repeated else "accepted", reference, result.stream_id)
        case KeyReused():
            return taken(number, "conflict", reference, result.stream_id)
        case None:
            return taken(number, "unavailable", reference)
        case failed:
            problem = describe(failed)
            why = problem.problem.title if problem else "could not be stored"
            remedy = "Tell the operator, who finds the reason in the log."
            return rejected(number, not_taken("body", why, remedy, reference))
