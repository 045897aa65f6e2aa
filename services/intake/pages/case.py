"""/case: a case for whoever holds its receipt: its story, who has it, and what they can do."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.chassis.categories import categories
from services.chassis.clock import now
from services.chassis.decider import Refused
from services.chassis.eventstore import Outcome
from services.chassis.http import WAIT_SECONDS, Position, TraceParent
from services.chassis.problems import ProblemError
from services.chassis.web.marked import marked
from services.contracts.cases import Kind
from services.intake import conversation
from services.intake.carrying_out import carry_out
from services.intake.conversation import Message, conversation_of
from services.intake.domain.commands import ConfirmResolution, WithdrawReport
from services.intake.door import Door, case_of, case_shown, has_reached
from services.intake.export import copy_of
from services.intake.following import (
    Can,
    NotAccepted,
    NotSolved,
    appeal,
    ask_reopening,
    erase_case,
    looks_at,
    possible,
    refusal_of,
    row_of,
    solution_of,
    teller_for,
    told_of,
)
from services.intake.limits import client_of
from services.intake.pages import kept_receipt, receipt_code
from services.intake.pages.photos import LIMITS, change
from services.intake.pages.photos import shown as shown_photos
from services.intake.pages.rendering import PageRoute, help_at_once, own_form, pages, redirect, refusal
from services.intake.pages.report import KINDS
from services.intake.read_models.case_status import State, StatusRow
from services.intake.retention import rules
from services.intake.story import promise, sentence, story

router = APIRouter(prefix="/case", route_class=PageRoute)

ROLES = {
    "cadre": marked("a community worker"),
    "mediator": marked("a mediator"),
    "supervisor": marked("a supervisor"),
    "operator": marked("an operator of the system"),
    "delivery": marked("the system"),
    "resident": marked("you, or whoever has your receipt"),
    "unit": marked("a unit that was asked to help"),
    "service": marked("the system"),
    "manager": marked("a manager"),
}
PURPOSES = {
    "triage": marked("to see what is to be done"),
    "casework": marked("to work on your case"),
    "mediation": marked("to prepare a mediation"),
    "dispatch": marked("to tell a unit what is needed"),
    "delivery": marked("to see whether and how you want to be told"),
    "review": marked("to check how your case was handled"),
    "export": marked("to take a copy"),
    "correction": marked("to correct what was told"),
    "case-file": marked("to see where your case stands"),
    "merged-case": marked("to answer cases with one cause together"),
}
REFUSALS = {
    "outside_remit": marked("Nobody here may do it."),
    "decided_elsewhere": marked("A court or an authority decides it."),
    "nothing_found": marked("It was looked into, and nothing was found."),
    "not_enough_told": marked("Too little is known, and asking brought no answer."),
}
"""Why a case is declined, as its resident is told."""
DONE = {
    Can.CONFIRM: marked("Thank you. You confirmed that it is solved."),
    Can.REOPEN: marked("You said that it is not solved. Somebody else will look at it."),
    Can.APPEAL: marked("You appealed. Somebody else will look at it."),
    Can.WRITE: marked("It is sent. Whoever has your case is told that you wrote."),
    Can.CORRECT: marked("It is corrected. Whoever has your case is told."),
    Can.WITHDRAW: marked("You withdrew your report. Nobody works on it any more."),
    Can.ERASE: marked("What you wrote is erased. It can't be brought back."),
}
_LOOKS = 40
"""How often a page that waits for what was just done looks again, within its second."""

TOO_MANY = marked("Too many words that open no case came from here. Wait ten minutes, then try yours again.")
FAULTS = {
    Can.REOPEN: marked("Write in a sentence or two what is still the matter, in at most 5,000 characters."),
    Can.APPEAL: marked("Write in a sentence or two why you appeal, in at most 5,000 characters."),
    Can.WRITE: marked("Write your message, in at most 5,000 characters."),
}
"""What is to be mended of an act's own words."""

Act = Literal[Can.CONFIRM, Can.REOPEN, Can.APPEAL, Can.WRITE, Can.WITHDRAW, Can.ERASE]
"""What is done by a button on the page of the case, or by a few words there."""

UNKNOWN = marked("No case has these words. Check each of the seven; their order matters.")


@router.get("")
async def show(request: Request, done: str = "") -> Response:
    door: Door = request.app.state.door
    case_id = await case_kept(request)
    if case_id is None:
        answer = pages.render("find.html", {"fault": None, "typed": ""}, request=request)
        if kept_receipt.COOKIE in request.cookies:
            kept_receipt.forget(answer)
        return answer
    told = DONE[Can(done)] if done in set(Can) else None
    return await shown(request, door, case_id, told=told)


@router.post("", dependencies=[Depends(own_form)])
async def find(request: Request, receipt: Annotated[str, Form(max_length=400)] = "") -> Response:
    """The receipt is taken in a form, never in an address; this browser keeps it sealed until it is closed."""
    door: Door = request.app.state.door
    try:
        known = await case_shown(door, receipt, client_of(request)) is not None
    except ProblemError as limited:
        told = pages.render("find.html", {"fault": TOO_MANY, "typed": receipt}, request=request, status=429)
        told.headers.update(limited.headers or {})
        return told
    if not known:
        return pages.render("find.html", {"fault": UNKNOWN, "typed": receipt}, request=request, status=404)
    answer = RedirectResponse("/case", status_code=303)
    kept_receipt.keep(answer, request, receipt)
    return answer


@router.post("/leave", dependencies=[Depends(own_form)])
async def leave() -> Response:
    answer = RedirectResponse("/", status_code=303)
    kept_receipt.forget(answer)
    return answer


@router.get("/sent")
async def sent(request: Request) -> Response:
    """The receipt, on a card to be kept, and what happens now."""
    door: Door = request.app.state.door
    case_id, receipt = await case_kept(request), kept_receipt.kept(request)
    if case_id is None or receipt is None:
        return RedirectResponse("/case", status_code=303)
    row = await _until(door, case_id, lambda row: row.opened_at is not None)
    language = pages.language(request)
    teller = await teller_for(door, language, row)
    community = await door.communities.find(row.community) if row.community else None
    level = row.level or row.area
    context = {
        "words": receipt.split(),
        "code": receipt_code.drawn(receipt_code.link(request, receipt)),
        "place": teller.places.get(level),
        "community": community.name if community else None,
        "above": community is not None and level != community.area,
        "promise": row.acknowledge_by,
        "help": help_at_once() if row.danger else (),
        "protection": row.protection if row.danger else None,
        "zone": teller.zone,
    }
    return pages.render("sent.html", context, request=request, language=language)


@router.get("/find")
async def ask(request: Request) -> Response:
    """For the words, whatever case this browser has open: the code on a receipt leads here."""
    return pages.render("find.html", {"fault": None, "typed": ""}, request=request)


@router.get("/export")
async def export(request: Request) -> Response:
    """A file to keep."""
    case_id = await case_kept(request)
    if case_id is None:
        return redirect(request, "/case")
    copied = await copy_of(request.app.state.door, case_id, pages.language(request))
    told = {"Content-Disposition": 'attachment; filename="doorstep-case.json"'}
    return Response(copied.model_dump_json(indent=2), media_type="application/json", headers=told)


@router.post("/photos", dependencies=[Depends(own_form)])
async def change_photos(request: Request) -> Response:
    """Add those that were chosen, or take one back."""
    door: Door = request.app.state.door
    case_id = await case_kept(request)
    if case_id is None:
        return RedirectResponse("/case", status_code=303)
    async with door.uploads.form(request) as sent:
        try:
            changed = await change(door, case_id, sent, door.album.keep_for_case)
        except Refused as refused:
            return await shown(request, door, case_id, refused=refused, status=409)
    if changed.refused is not None:
        wrong = changed.told(pages.language(request))
        return await shown(request, door, case_id, photo_fault=wrong, status=changed.status)
    return RedirectResponse("/case#album", status_code=303)


@router.get("/{action}")
async def back_to_the_case(request: Request, action: str) -> Response:
    """A form's address, opened without its form."""
    return redirect(request, "/case")


@router.post("/{action}", dependencies=[Depends(own_form)])
async def act(
    request: Request,
    action: Act,
    traceparent: TraceParent,
    key: Annotated[str, Form(pattern=r"^[!-~]{16,200}$")],
    text: Annotated[str, Form(max_length=100_000)] = "",
) -> Response:
    """What the resident decided. Sent again under the same key it is done once."""
    door: Door = request.app.state.door
    case_id = await case_kept(request)
    if case_id is None:
        return RedirectResponse("/case", status_code=303)
    try:
        outcome = await _done(door, case_id, action, key, text, traceparent)
    except ValidationError:
        return await shown(request, door, case_id, fault=action, typed=text, status=422)
    except Refused as refused:
        return await shown(request, door, case_id, refused=refused, status=409)
    position = Position.of(door.service.name, outcome)
    await reached(request, position)
    return RedirectResponse(f"/case?done={action}", status_code=303)


async def _done(door: Door, case_id: UUID, action: Act, key: str, text: str, traceparent: str | None) -> Outcome:
    match action:
        case Can.CONFIRM:
            command = ConfirmResolution((await row_of(door, case_id)).resolution_version)
            return await carry_out(door, case_id, command, key, traceparent)
        case Can.REOPEN:
            form = NotSolved(text=text.replace("\r\n", "\n"))
            return await ask_reopening(door, case_id, form, key, traceparent)
        case Can.APPEAL:
            form = NotAccepted(text=text.replace("\r\n", "\n"))
            return await appeal(door, case_id, form, key, traceparent)
        case Can.WRITE:
            return await conversation.write(door, case_id, Message(text=text.replace("\r\n", "\n")), key, traceparent)
        case Can.WITHDRAW:
            return await carry_out(door, case_id, WithdrawReport(), key, traceparent)
        case Can.ERASE:
            return await erase_case(door, case_id, key, traceparent)


async def shown(
    request: Request,
    door: Door,
    case_id: UUID,
    *,
    told: str | None = None,
    fault: Can | None = None,
    refused: Refused | None = None,
    typed: str = "",
    photo_fault: str | None = None,
    status: int = 200,
) -> Response:
    row, language, at = await row_of(door, case_id), pages.language(request), now()
    teller = await teller_for(door, language, row)
    awaited = promise(row, at)
    can: Sequence[Can] = possible(row, at)
    mediations = await told_of(door, row)
    context: dict[str, Any] = {
        "row": row,
        "sentence": teller.tell(sentence(row), row),
        "what": _what(row),
        "place": teller.places.get(row.level or row.area),
        "promise": teller.tell(awaited.text, row, awaited.at) if awaited else None,
        "promise_passed": awaited is not None and awaited.passed,
        "story": [(one.at, teller.tell(one.text, row, one.until)) for one in story(row)],
        "solution": solution_of(row, mediations),
        "refusal": refusal_of(row, mediations),
        "refusals": REFUSALS,
        "conversation": await conversation_of(door, row, mediations),
        "help": help_at_once() if row.danger or row.minor else (),
        "seen": await looks_at(door, case_id),
        "roles": ROLES,
        "purposes": PURPOSES,
        "first": can[0] if can and can[0] in (Can.CONFIRM, Can.REOPEN, Can.APPEAL) else None,
        "can": can,
        "key": secrets.token_urlsafe(24),
        "told": told,
        "fault": FAULTS[fault] if fault else None,
        "faulty": fault,
        "refused": refusal(refused, language, teller.zone) if refused else None,
        "typed": typed,
        "photos": await shown_photos(door, case_id),
        "photo_fault": photo_fault,
        "takes_photos": row.state not in (State.WITHDRAWN, State.ERASED),
        "limits": LIMITS,
        "kept_days": rules().days(Kind(row.kind), row.category) if row.kind and row.category else None,
        "zone": teller.zone,
    }
    return pages.render("case.html", context, request=request, language=language, status=status)


def _what(row: StatusRow) -> tuple[str, str] | None:
    """The kind and the category, as texts to translate."""
    if row.kind is None or row.category is None:
        return None
    kind = Kind(row.kind)
    return KINDS[kind][0], categories()[kind].get(row.category, row.category)


async def case_kept(request: Request) -> UUID | None:
    receipt = kept_receipt.kept(request)
    return await case_of(request.app.state.door, receipt) if receipt else None


async def _until(door: Door, case_id: UUID, there: Callable[[StatusRow], bool]) -> StatusRow:
    """The case as soon as it is so far, or as it is after a second."""
    row = await row_of(door, case_id)
    for _ in range(_LOOKS):
        if there(row):
            break
        await asyncio.sleep(WAIT_SECONDS / _LOOKS)
        row = await row_of(door, case_id)
    return row


async def reached(request: Request, position: Position) -> None:
    """Wait, at most a second, until the page that follows shows what was just done."""
    for _ in range(_LOOKS):
        if await has_reached(request.app.state, position):
            break
        await asyncio.sleep(WAIT_SECONDS / _LOOKS)
