"""/counter/gatherings: announce, change, cancel, say how many came, and take down what was voiced."""

import asyncio
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from services.chassis import particulars
from services.chassis.auth import Staff
from services.chassis.categories import categories
from services.chassis.clock import now
from services.chassis.commands import UnknownStream
from services.chassis.database import scoped
from services.chassis.decider import Refused
from services.chassis.forms import Form
from services.chassis.http import WAIT_SECONDS, Position, TraceParent
from services.chassis.signin.page import Csrf, own_form, page_staff_with
from services.chassis.web.marked import marked
from services.contracts.cases import Kind
from services.contracts.gatherings import GatheringKind
from services.intake.door import CASEWORKERS, Door, has_reached
from services.intake.gatherings import (
    ANNOUNCING,
    AnnouncementForm,
    AttendanceForm,
    PlanForm,
    announce,
    cancel,
    change,
    clock_of,
    found,
    hold,
)
from services.intake.pages.about import KINDS as KINDS_OF_NEEDS
from services.intake.pages.counter_rendering import FACE, AtTheCounter, CounterRoute, pages, place_of, places_of
from services.intake.pages.draft import Fault
from services.intake.pages.gathering_words import KINDS
from services.intake.pages.plan_entry import PlanEntry
from services.intake.pages.rendering import refusal
from services.intake.read_models.gatherings import GatheringRow, State, gatherings_of
from services.intake.read_models.voiced_needs import voiced_at

HERE = f"{FACE}/gatherings"

router = APIRouter(prefix=HERE, route_class=CounterRoute)

Announcer = Annotated[Staff, Depends(page_staff_with(*ANNOUNCING))]

_LOOKS = 40
_PURPOSE = "gathering"


class Act(StrEnum):
    ANNOUNCE = "announce"
    CHANGE = "change"
    CANCEL = "cancel"
    HOLD = "hold"


DONE = {
    Act.ANNOUNCE: marked("It is announced. Everybody can read it now."),
    Act.CHANGE: marked("It is changed. Who left a way to be reached can be told: open it below."),
    Act.CANCEL: marked("It is cancelled. Who left a way to be reached can be told: open it below."),
    Act.HOLD: marked("It is written down how many came."),
}
SOON = marked("It is stored, and shown here in a moment.")


@router.get("")
async def show_all(request: Request, staff: AtTheCounter, csrf: Csrf, done: str = "") -> Response:
    told = SOON if done in set(Act) else None
    return await _all(request, staff, csrf, PlanEntry.begun(), told=told)


@router.post("", dependencies=[own_form])
async def announce_one(request: Request, staff: Announcer, csrf: Csrf, traceparent: TraceParent) -> Response:
    door: Door = request.app.state.door
    entry = PlanEntry.of(await request.form())
    places = await places_of(door, staff)
    ids = {str(row.community_id): row for row in places}
    if entry["community"] and entry["community"] not in ids:
        raise UnknownStream
    faults = [] if entry["community"] else [Fault("community", marked("Choose the community."))]
    faults += [*entry.kind_faults(), *entry.faults()]
    if faults:
        return await _all(request, staff, csrf, entry, faults=faults)
    community = await door.communities.find(ids[entry["community"]].community_id)
    assert community is not None
    try:
        told = {**entry.plan(community.clock), "community": community.id, "kind": entry["kind"]}
        form = AnnouncementForm.model_validate(told)
        gathering_id, position = await announce(door, staff, form, entry.key, traceparent)
    except Refused as refused:
        return await _all(request, staff, csrf, entry, refused=refused)
    return await _done(request, gathering_id, Act.ANNOUNCE, position)


@router.get("/{gathering_id}")
async def show(request: Request, staff: AtTheCounter, csrf: Csrf, gathering_id: UUID, done: str = "") -> Response:
    row = await _own(request, staff, gathering_id)
    told = DONE[Act(done)] if done in set(Act) else None
    return await _one(request, staff, csrf, row, PlanEntry.as_it_is(row), told=told)


@router.get("/{gathering_id}/{act}")
async def back_to_the_gathering(gathering_id: UUID, act: str) -> Response:
    """A form's address, opened without its form."""
    return RedirectResponse(f"{HERE}/{gathering_id}", status_code=303)


@router.post("/{gathering_id}/contacts", dependencies=[own_form])
async def open_contacts(request: Request, staff: Announcer, csrf: Csrf, gathering_id: UUID) -> Response:
    """How those who signed up can be reached, for who has to tell them; that it was opened is recorded."""
    door: Door = request.app.state.door
    row = await _own(request, staff, gathering_id)
    async with scoped(door.service.application, staff.areas) as connection:
        found_rows = await connection.exec_driver_sql(
            "SELECT ref FROM particulars WHERE stream_id = $1", (gathering_id,)
        )
        opened = await particulars.read(
            connection,
            door.service.vault,
            found_rows.scalars().all(),
            actor=staff.id,
            role=min(staff.roles.intersection(CASEWORKERS)),
            purpose=_PURPOSE,
        )
    contacts = [str(one.get("phone") or one.get("email")) for one in opened.values()]
    return await _one(request, staff, csrf, row, PlanEntry.as_it_is(row), contacts=sorted(contacts))


@router.post("/{gathering_id}/change", dependencies=[own_form])
async def change_one(
    request: Request, staff: Announcer, csrf: Csrf, gathering_id: UUID, traceparent: TraceParent
) -> Response:
    door: Door = request.app.state.door
    row, entry = await _own(request, staff, gathering_id), PlanEntry.of(await request.form())
    if faults := entry.faults():
        return await _one(request, staff, csrf, row, entry, faults=faults)
    try:
        form = PlanForm.model_validate(entry.plan(clock_of(row)))
        position = await change(door, staff, gathering_id, form, entry.key, traceparent)
    except Refused as refused:
        return await _one(request, staff, csrf, row, entry, refused=refused)
    return await _done(request, gathering_id, Act.CHANGE, position)


@router.post("/{gathering_id}/cancel", dependencies=[own_form])
async def cancel_one(
    request: Request, staff: Announcer, csrf: Csrf, gathering_id: UUID, traceparent: TraceParent
) -> Response:
    door: Door = request.app.state.door
    row, entry = await _own(request, staff, gathering_id), PlanEntry.of(await request.form())
    try:
        position = await cancel(door, staff, gathering_id, Form(), entry.key, traceparent)
    except Refused as refused:
        return await _one(request, staff, csrf, row, PlanEntry.as_it_is(row), refused=refused)
    return await _done(request, gathering_id, Act.CANCEL, position)


@router.post("/{gathering_id}/hold", dependencies=[own_form])
async def hold_one(
    request: Request, staff: Announcer, csrf: Csrf, gathering_id: UUID, traceparent: TraceParent
) -> Response:
    door: Door = request.app.state.door
    row, entry = await _own(request, staff, gathering_id), PlanEntry.of(await request.form())
    if faults := entry.attendance_faults():
        return await _one(request, staff, csrf, row, PlanEntry.as_it_is(row), faults=faults)
    try:
        form = AttendanceForm(attendance=int(entry["attendance"]))
        position = await hold(door, staff, gathering_id, form, entry.key, traceparent)
    except Refused as refused:
        return await _one(request, staff, csrf, row, PlanEntry.as_it_is(row), refused=refused)
    return await _done(request, gathering_id, Act.HOLD, position)


async def _own(request: Request, staff: Staff, gathering_id: UUID) -> GatheringRow:
    """Raises UnknownStream: there is none such in their areas."""
    row = await found(request.app.state.door, gathering_id)
    if not staff.may_see(row.path):
        raise UnknownStream
    return row


async def _done(request: Request, gathering_id: UUID, act: Act, position: Position) -> Response:
    """The page that follows shows what was done, if it is known within a second; else the list, where it will stand."""
    for _ in range(_LOOKS):
        if await has_reached(request.app.state, position):
            return RedirectResponse(f"{HERE}/{gathering_id}?done={act}", status_code=303)
        await asyncio.sleep(WAIT_SECONDS / _LOOKS)
    return RedirectResponse(f"{HERE}?done={act}", status_code=303)


async def _all(
    request: Request,
    staff: Staff,
    csrf: str,
    entry: PlanEntry,
    *,
    told: str | None = None,
    faults: list[Fault] | None = None,
    refused: Refused | None = None,
) -> Response:
    door: Door = request.app.state.door
    places = await places_of(door, staff)
    ids, at = [row.community_id for row in places], now()
    async with scoped(door.service.application, []) as connection:
        ahead = await gatherings_of(connection, ids, at)
        past = await gatherings_of(connection, ids, at, past=True)
    context: dict[str, Any] = {
        **_frame(request, csrf, entry, faults, refused),
        "told": told,
        "places": places,
        "names": {row.community_id: row.name for row in places},
        "ahead": [(row, clock_of(row)) for row in ahead],
        "past": [(row, clock_of(row)) for row in past[:50]],
        "kinds": KINDS,
        "kind_codes": list(GatheringKind),
        "may": bool(staff.roles.intersection(ANNOUNCING)),
        "first": faults[0].field if faults else "",
    }
    return _page(request, "counter/gatherings.html", context, faults, refused)


async def _one(
    request: Request,
    staff: Staff,
    csrf: str,
    row: GatheringRow,
    entry: PlanEntry,
    *,
    told: str | None = None,
    faults: list[Fault] | None = None,
    refused: Refused | None = None,
    contacts: list[str] | None = None,
) -> Response:
    door: Door = request.app.state.door
    async with scoped(door.service.application, staff.areas) as connection:
        voiced = await voiced_at(connection, row.gathering_id)
        kept = await connection.exec_driver_sql(
            "SELECT count(*) FROM particulars WHERE stream_id = $1", (row.gathering_id,)
        )
        reachable: int = kept.scalar_one()
    context: dict[str, Any] = {
        **_frame(request, csrf, entry, faults, refused),
        "row": row,
        "kind": KINDS[row.kind],
        "place": await place_of(door, staff, row.community),
        "zone": clock_of(row),
        "begun": now() >= row.starts_at,
        "ahead": row.state == State.ANNOUNCED and now() < row.starts_at,
        "may": bool(staff.roles.intersection(ANNOUNCING)),
        "told": told,
        "voiced": [
            (need, categories()[Kind(need.kind)].get(need.category, need.category), KINDS_OF_NEEDS[Kind(need.kind)])
            for need in voiced
        ],
        "reachable": reachable,
        "contacts": contacts,
        "first": faults[0].field if faults else "",
    }
    return _page(request, "counter/gathering.html", context, faults, refused)


def _frame(
    request: Request, csrf: str, entry: PlanEntry, faults: list[Fault] | None, refused: Refused | None
) -> dict[str, Any]:
    return {
        "csrf": csrf,
        "face": FACE,
        "here": "gatherings",
        "entry": entry,
        "faults": {fault.field: fault.text for fault in faults or ()},
        "trouble": refusal(refused, pages.language(request)) if refused else None,
    }


def _page(
    request: Request, template: str, context: dict[str, Any], faults: list[Fault] | None, refused: Refused | None
) -> Response:
    status = 422 if faults else 409 if refused else 200
    asked = request if request.method == "GET" else None
    return pages.render(template, context, request=asked, language=pages.language(request), status=status)
