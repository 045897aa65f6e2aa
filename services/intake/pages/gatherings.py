"""/gatherings: what takes place where and when, for everybody; signing up without an account; a calendar."""

import secrets
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import ValidationError

from services.chassis.clock import now
from services.chassis.commands import UnknownStream
from services.chassis.database import scoped
from services.chassis.decider import Refused
from services.chassis.http import TraceParent
from services.chassis.web.marked import marked
from services.intake.address import public_url
from services.intake.calendar_feed import MEDIA_TYPE, calendar
from services.intake.door import Door
from services.intake.gatherings import SignUpForm, clock_of, found, sign_off, sign_up
from services.intake.pages.draft import Fault
from services.intake.pages.gathering_words import KINDS
from services.intake.pages.rendering import PageRoute, own_form, pages, redirect, refusal, said
from services.intake.read_models.gatherings import gatherings_of
from services.intake.read_models.places import CommunityRow, communities

router = APIRouter(prefix="/gatherings", route_class=PageRoute)

_KEPT_BY_READERS = "public, max-age=300"
_UNKNOWN = marked("There is no such gathering. Look at the list of those that are announced.")
_WRONG = {
    "people": marked("Say how many come with you, ten at most."),
    "reach": marked("Write a number in digits or an address like name@example.org, or leave it empty."),
}


@router.get("")
async def show_all(request: Request, community: UUID | None = None, past: bool = False) -> Response:
    door: Door = request.app.state.door
    async with scoped(door.service.application, []) as connection:
        places = await communities(connection)
        chosen = next((row for row in places if row.community_id == community), None)
        if chosen is None and len(places) == 1:
            chosen = places[0]
        wanted = [chosen.community_id] if chosen else [row.community_id for row in places]
        rows = await gatherings_of(connection, wanted, now(), past=past)
    context: dict[str, Any] = {
        "rows": [(row, clock_of(row)) for row in rows],
        "names": {row.community_id: row.name for row in places},
        "places": places,
        "chosen": chosen,
        "past": past,
        "kinds": KINDS,
        "feed": f"{public_url(request)}gatherings/feed/{chosen.community_id}.ics" if chosen else None,
    }
    return pages.render("gatherings/all.html", context, request=request)


@router.get("/feed/{community}.ics")
async def feed(request: Request, community: UUID) -> Response:
    """For calendars, which ask again by themselves: what is ahead, and what was of late."""
    door: Door = request.app.state.door
    async with scoped(door.service.application, []) as connection:
        place = next((row for row in await communities(connection) if row.community_id == community), None)
        if place is None:
            return said(request, 404, _UNKNOWN)
        at = now()
        rows = [
            *reversed(await gatherings_of(connection, [community], at, past=True)),
            *await gatherings_of(connection, [community], at),
        ]
    content = calendar(place.name, rows, f"{public_url(request)}gatherings/", pages.language(request))
    return Response(content, media_type=MEDIA_TYPE, headers={"Cache-Control": _KEPT_BY_READERS})


@router.get("/{gathering_id}")
async def show(request: Request, gathering_id: UUID) -> Response:
    return await _shown(request, gathering_id)


@router.get("/{gathering_id}/calendar.ics")
async def take(request: Request, gathering_id: UUID) -> Response:
    """This one, to be put into a calendar."""
    door: Door = request.app.state.door
    try:
        row = await found(door, gathering_id)
    except UnknownStream:
        return said(request, 404, _UNKNOWN)
    content = calendar(row.title, [row], f"{public_url(request)}gatherings/", pages.language(request))
    told = {"Content-Disposition": 'attachment; filename="gathering.ics"'}
    return Response(content, media_type=MEDIA_TYPE, headers=told)


@router.get("/{gathering_id}/{action}")
async def back(request: Request, gathering_id: UUID, action: str) -> Response:
    """A form's address, opened without its form."""
    return redirect(request, f"/gatherings/{gathering_id}")


@router.post("/{gathering_id}/sign-up", dependencies=[Depends(own_form)])
async def up(
    request: Request,
    gathering_id: UUID,
    traceparent: TraceParent,
    key: Annotated[str, Form(pattern=r"^[!-~]{16,200}$")],
    people: Annotated[str, Form(max_length=20)] = "1",
    reach: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    door: Door = request.app.state.door
    reach = reach.strip()
    contact = {"email" if "@" in reach else "phone": reach} if reach else {}
    try:
        spoken = pages.language(request).code
        form = SignUpForm.model_validate({"people": people.strip(), "language": spoken, **contact})
        signed_up, _ = await sign_up(door, gathering_id, form, key, traceparent)
    except UnknownStream:
        return said(request, 404, _UNKNOWN)
    except ValidationError as invalid:
        fields = {str(error["loc"][0]) for error in invalid.errors(include_input=False, include_url=False)}
        wrong = {"people" if name == "people" else "reach" for name in fields}
        faults = [Fault(name, text) for name, text in _WRONG.items() if name in wrong]
        return await _shown(request, gathering_id, faults=faults, typed={"people": people, "reach": reach}, key=key)
    except Refused as refused:
        return await _shown(request, gathering_id, refused=refused, typed={"people": people, "reach": reach})
    return await _shown(request, gathering_id, words=signed_up.words, reached=bool(contact))


@router.post("/{gathering_id}/sign-off", dependencies=[Depends(own_form)])
async def off(
    request: Request,
    gathering_id: UUID,
    traceparent: TraceParent,
    words: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    door: Door = request.app.state.door
    try:
        await sign_off(door, gathering_id, words, traceparent)
    except UnknownStream:
        return said(request, 404, _UNKNOWN)
    except Refused as refused:
        return await _shown(request, gathering_id, refused_off=refused, typed={"words": words})
    return await _shown(request, gathering_id, signed_off=True)


async def _shown(
    request: Request,
    gathering_id: UUID,
    *,
    faults: list[Fault] | None = None,
    refused: Refused | None = None,
    refused_off: Refused | None = None,
    typed: dict[str, str] | None = None,
    key: str | None = None,
    words: str | None = None,
    reached: bool = False,
    signed_off: bool = False,
) -> Response:
    door: Door = request.app.state.door
    try:
        row = await found(door, gathering_id)
    except UnknownStream:
        return said(request, 404, _UNKNOWN)
    language, zone = pages.language(request), clock_of(row)
    place = await _place(door, row.community)
    context: dict[str, Any] = {
        "row": row,
        "kind": KINDS[row.kind],
        "community": place.name if place else None,
        "open": row.open_at(now()),
        "typed": {"people": "1", "reach": "", "words": "", **(typed or {})},
        "faults": {fault.field: fault.text for fault in faults or ()},
        "refused": refusal(refused, language, zone) if refused else None,
        "refused_off": refusal(refused_off, language, zone) if refused_off else None,
        "key": key or secrets.token_urlsafe(24),
        "words": words.split() if words else None,
        "reached": reached,
        "signed_off": signed_off,
        "zone": zone,
    }
    status = 422 if faults else 409 if refused or refused_off else 200
    # The words are shown this once: a switch would lead away from them.
    asked, at = None if words else request, None if request.method == "GET" else f"/gatherings/{gathering_id}"
    return pages.render("gatherings/one.html", context, request=asked, language=language, status=status, at=at)


async def _place(door: Door, community: UUID) -> CommunityRow | None:
    async with scoped(door.service.application, []) as connection:
        return next((row for row in await communities(connection) if row.community_id == community), None)
