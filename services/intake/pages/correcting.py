"""/case/correct: what was told, to be changed by whoever holds the receipt."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.chassis.clock import now
from services.chassis.decider import Refused
from services.chassis.http import Position, TraceParent
from services.chassis.web.marked import marked
from services.intake.correcting import Correction, correct, told_now
from services.intake.door import Door
from services.intake.following import Can, possible, row_of
from services.intake.pages.case import case_kept, reached, shown
from services.intake.pages.draft import typed
from services.intake.pages.rendering import PageRoute, own_form, pages, redirect

router = APIRouter(prefix="/case", route_class=PageRoute)

FIELDS = ("text", "place", "spot", "name", "phone", "email")

FAULTS = {
    "text": marked("Write in a sentence or two what is the matter, in at most 5,000 characters."),
    "place": marked("Shorten the place to 200 characters."),
    "spot": marked("The place of your phone can't be read: leave it away."),
    "name": marked("Shorten the name to 200 characters."),
    "phone": marked("Write the number in digits, or leave it empty."),
    "email": marked("Write the address like name@example.org, or leave it empty."),
}


@router.get("/correct")
async def ask(request: Request) -> Response:
    """The report as it stands. That it was opened for this is recorded."""
    door: Door = request.app.state.door
    case_id = await case_kept(request)
    if case_id is None or Can.CORRECT not in possible(await row_of(door, case_id), now()):
        return redirect(request, "/case")
    told = (await told_now(door, case_id)).content or {}
    draft = {**{field: told.get(field) or "" for field in FIELDS}, "notify": told.get("notify", True)}
    return _form(request, draft)


@router.post("/correct", dependencies=[Depends(own_form)])
async def take(
    request: Request,
    traceparent: TraceParent,
    key: Annotated[str, Form(pattern=r"^[!-~]{16,200}$")],
) -> Response:
    """Sent again under the same key it is done once."""
    door: Door = request.app.state.door
    case_id = await case_kept(request)
    if case_id is None:
        return RedirectResponse("/case", status_code=303)
    form = await request.form()
    draft: dict[str, Any] = {**{field: typed(form, field) for field in FIELDS}, "notify": "notify" in form}
    try:
        wanted = Correction(**{field: draft[field] or None for field in FIELDS}, notify=draft["notify"])
    except ValidationError as wrong:
        named = {str(error["loc"][0]) for error in wrong.errors(include_input=False, include_url=False)}
        return _form(request, draft, {field: FAULTS[field] for field in FIELDS if field in named})
    if wanted.text is None:
        return _form(request, draft, {"text": FAULTS["text"]})
    return await _corrected(request, door, case_id, wanted, key, traceparent)


async def _corrected(
    request: Request, door: Door, case_id: UUID, wanted: Correction, key: str, traceparent: str | None
) -> Response:
    try:
        outcome = await correct(door, case_id, wanted, key, traceparent)
    except Refused as refused:
        return await shown(request, door, case_id, refused=refused, status=409)
    await reached(request, Position.of(door.service.name, outcome))
    return RedirectResponse(f"/case?done={Can.CORRECT}", status_code=303)


def _form(request: Request, draft: Mapping[str, Any], faults: Mapping[str, str] | None = None) -> Response:
    context = {"draft": draft, "faults": faults or {}, "key": secrets.token_urlsafe(24)}
    answer = pages.render("correct.html", context, request=request, status=422 if faults else 200)
    answer.headers["Cache-Control"] = "no-store"
    return answer
