"""/duty: who is on duty, and the alerts that wait, as they come."""

from collections.abc import Sequence
from datetime import UTC, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from services.chassis.areas import up_from
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.decider import Refused
from services.chassis.duty_desks import seats_at
from services.chassis.eventstore import Outcome
from services.chassis.http import POSITION, Position, TraceParent, after
from services.chassis.problems import ProblemError
from services.chassis.service import Service
from services.chassis.signin.page import Csrf, NotForYou, own_form, page_staff_with
from services.chassis.web.marked import marked
from services.chassis.web.pages import Assets, Pages
from services.chassis.web.trouble import StaffFace
from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered, AlertWithdrawn
from services.contracts.duty import DutyPlace, duty_stream
from services.contracts.envelope import Recorded
from services.contracts.event import AreaPath, StaffId
from services.notifications.answering import ON_DUTY, ROSTER_KEEPERS, acknowledging, carry_out, has_reached, shown
from services.notifications.domain.commands import DutyCommand, LeaveDuty, TakeDuty
from services.notifications.domain.decider import ALERTS, DUTY
from services.notifications.faces import card, desk_face
from services.notifications.feed import Feed
from services.notifications.read_models import alert_list
from services.notifications.read_models.alert_list import shown_upto, waiting_in
from services.notifications.read_models.feeds import LIST_CONSUMER
from services.notifications.read_models.late_cases import late_cases_since
from services.notifications.read_models.places import Place, names_of, places_within
from services.notifications.streaming import Message, resumed_after, streamed

HERE = Path(__file__).parent
MOST_CARDS = 50
MOST_PLACES = 300
LATE_CASES_SHOWN = timedelta(days=7)
SHIFT_HOURS = (4, 8, 12)

SCRIPTED = "Doorstep-Scripted"
"""A request header: the page's own script sent the form, and mends the page itself."""

_ENDS = {
    AlertAcknowledged.type: marked("{by} has taken this."),
    AlertUnanswered.type: marked("Nobody answered in time; the case goes up a level."),
    AlertWithdrawn.type: marked("Somebody looks after the case, or it is over."),
}

DUTY_TAKERS = ("cadre", *ROSTER_KEEPERS)

assets = Assets("/duty/assets", HERE / "assets" / "duty.css", HERE / "assets" / "duty.js")
pages = Pages(HERE / "templates", assets, ("tokens.css", "base.css", "duty.css"), ("duty.js",))

DutyRoute = StaffFace(pages, "/duty", marked("To the duty page")).route_class()

Reader = Annotated[Staff, Depends(page_staff_with(*ON_DUTY, "operator"))]
Answering = Annotated[Staff, Depends(page_staff_with(*ON_DUTY))]
Taker = Annotated[Staff, Depends(page_staff_with(*DUTY_TAKERS))]
FormKey = Annotated[str, Form(min_length=16, max_length=64, pattern="^[!-~]+$")]
after_position = Depends(after(has_reached))

router = APIRouter(route_class=DutyRoute)
router.include_router(assets.router())


@router.get("/duty", dependencies=[after_position])
async def show_duty(request: Request, staff: Reader, csrf: Csrf, area: AreaPath | None = None) -> Response:
    return await _page(request, staff, csrf, area)


@router.get("/duty/desk", dependencies=[after_position])
async def show_desk(request: Request, staff: Reader, csrf: Csrf, area: AreaPath) -> Response:
    """The part of the page that tells who is on duty."""
    return _part("desk.html", request, await _desk(request, staff, csrf, area))


@router.get("/duty/waiting", dependencies=[after_position])
async def show_waiting(request: Request, staff: Reader, csrf: Csrf, area: AreaPath) -> Response:
    """The part of the page that holds the alerts."""
    context = await _desk(request, staff, csrf, area) | await _waiting(request, staff)
    return _part("waiting.html", request, context)


@router.get("/duty/events")
async def tell(
    request: Request,
    staff: Reader,
    csrf: Csrf,
    behind: Annotated[int | None, Depends(resumed_after)],
    area: AreaPath,
) -> Response:
    """What happens while the page is open: cards that come, cards that go, and that a desk has changed."""
    feed: Feed = request.app.state.feed
    language = pages.language(request)
    context = await _desk(request, staff, csrf, area)

    async def write(recorded: Recorded) -> Message:
        event = recorded.event()
        if isinstance(event, AlertRaised):
            row = alert_list.evolve(None, recorded, event)
            assert row is not None
            names = await _names(request, staff, [row.area])
            html = _html("card.html", request, context | {"card": card(row, staff, names, language), "note": None})
            return Message("card", {"case": str(recorded.stream_id), "html": html})
        if recorded.type.startswith("alert."):
            told = language.gettext(_ENDS[recorded.type])
            by = event.by if isinstance(event, AlertAcknowledged) else ""
            return Message("ended", {"case": str(recorded.stream_id), "note": told.format(by=by)})
        position = Position(recorded.source, recorded.stream_id, recorded.version)
        return Message("duty", {"area": recorded.area, "position": str(position)})

    return await streamed(feed.listen(staff.areas, behind), write)


@router.post("/duty/alerts/{alert_id}/take", dependencies=[own_form])
async def take_alert(
    request: Request,
    staff: Answering,
    csrf: Csrf,
    traceparent: TraceParent,
    alert_id: UUID,
    area: Annotated[AreaPath, Form()],
) -> Response:
    """The one button of a card. The same answer again is no news, so that the alert itself makes the key."""
    parts: Service = request.app.state.service
    case_id, command = await acknowledging(parts, staff, alert_id)
    key = f"duty page {alert_id}"
    try:
        outcome = await carry_out(parts, staff, key, traceparent, ALERTS, case_id, command, request=f"take {alert_id}")
    except Refused as refused:
        return await _refused(request, staff, csrf, area, refused)
    return await _done(request, area, outcome)


@router.get("/duty/alerts/{alert_id}/take")
@router.get("/duty/take")
@router.get("/duty/leave")
async def back_to_the_duty_page() -> Response:
    """A form's address, opened without its form."""
    return RedirectResponse("/duty", status_code=303)


@router.post("/duty/take", dependencies=[own_form])
async def take_duty(
    request: Request,
    staff: Taker,
    csrf: Csrf,
    traceparent: TraceParent,
    area: Annotated[AreaPath, Form()],
    key: FormKey,
    place: Annotated[DutyPlace, Form()] = DutyPlace.FIRST,
    hours: Annotated[int, Form(ge=0, le=24)] = 0,
    cadre: Annotated[StaffId | Literal[""], Form()] = "",
) -> Response:
    whom = _whom(staff, cadre)
    at = now()
    command = TakeDuty(area, whom, at, place, at + timedelta(hours=hours) if hours else None)
    asked = f"take {area} {whom} {place} {hours}"
    return await _duty(request, staff, csrf, traceparent, key, area, command, asked)


@router.post("/duty/leave", dependencies=[own_form])
async def leave_duty(
    request: Request,
    staff: Taker,
    csrf: Csrf,
    traceparent: TraceParent,
    area: Annotated[AreaPath, Form()],
    key: FormKey,
    cadre: Annotated[StaffId | Literal[""], Form()] = "",
) -> Response:
    whom = _whom(staff, cadre)
    return await _duty(request, staff, csrf, traceparent, key, area, LeaveDuty(area, whom), f"leave {area} {whom}")


async def _duty(
    request: Request,
    staff: Staff,
    csrf: str,
    traceparent: str | None,
    key: str,
    area: str,
    command: DutyCommand,
    asked: str,
) -> Response:
    parts: Service = request.app.state.service
    if not any(one.area == area for one in await _places(request, staff, area)):
        raise _no_such_area()
    try:
        outcome = await carry_out(
            parts, staff, key, traceparent, DUTY, duty_stream(area), command, request=asked, begins_in=area
        )
    except Refused as refused:
        return await _refused(request, staff, csrf, area, refused)
    return await _done(request, area, outcome)


async def _done(request: Request, area: str, outcome: Outcome) -> Response:
    """Back to the page when it shows what was done; a script that sent the form is told the position instead."""
    position = Position.of(request.app.state.service.name, outcome)
    if SCRIPTED in request.headers:
        return Response(status_code=204, headers={POSITION: str(position)})
    await shown(request.app.state, position)
    return RedirectResponse(f"/duty?{urlencode({'area': area})}", status_code=303)


async def _refused(request: Request, staff: Staff, csrf: str, area: str, refused: Refused) -> Response:
    why = pages.language(request).gettext(type(refused).message).format(**refused.details)
    if SCRIPTED in request.headers:
        return Response(why, status_code=409, media_type="text/plain")
    return await _page(request, staff, csrf, area, why, status=409)


async def _page(
    request: Request, staff: Staff, csrf: str, area: str | None, notice: str | None = None, status: int = 200
) -> Response:
    places = await _places(request, staff, *staff.areas)
    chosen = area or (places[0].area if places else staff.areas[0])
    context = await _desk(request, staff, csrf, chosen) | await _waiting(request, staff)
    context |= {"places": places, "notice": notice, "csrf": csrf}
    address = f"/duty?{urlencode({'area': chosen})}"
    return pages.render("duty.html", context, request=request, status=status, at=address)


async def _desk(request: Request, staff: Staff, csrf: str, area: str) -> dict[str, Any]:
    """Who is on duty for `area`, which must be the reader's."""
    if not staff.may_see(area):
        raise _no_such_area()
    parts: Service = request.app.state.service
    places = await _places(request, staff, area)
    name = next((one.name for one in places if one.area == area), None)
    desks = up_from(area)
    # Whoever works under a desk may know who sits there, though it lies above their areas.
    async with scoped(parts.application, desks) as connection:
        seats = await seats_at(connection, desks, now())
        names = await names_of(connection, desks)
    may_take = name is not None and bool(staff.roles.intersection(DUTY_TAKERS))
    may_put = may_take and bool(staff.roles.intersection(ROSTER_KEEPERS))
    return {
        "area": area,
        "name": name or area,
        "registered": name is not None,
        "desk": desk_face(area, seats, names, staff, may_take, may_put),
        "hours": SHIFT_HOURS,
        "key": uuid4().hex,
        "csrf": csrf,
        "zone": _zone(places),
        "answers": bool(staff.roles.intersection(ON_DUTY)),
    }


async def _waiting(request: Request, staff: Staff) -> dict[str, Any]:
    parts: Service = request.app.state.service
    language = pages.language(request)
    async with scoped(parts.application, staff.areas) as connection:
        upto = await shown_upto(connection, LIST_CONSUMER, parts.name)
        rows = await waiting_in(connection, staff.areas, MOST_CARDS)
        late = await late_cases_since(connection, staff.areas, (now() - LATE_CASES_SHOWN).date())
        names = await names_of(connection, {row.area for row in rows})
    return {
        "upto": upto,
        "cards": [card(row, staff, names, language) for row in rows],
        "more": len(rows) == MOST_CARDS,
        "late": sum(day.cases for day in late),
        "note": None,
    }


async def _places(request: Request, staff: Staff, *areas: str) -> Sequence[Place]:
    parts: Service = request.app.state.service
    async with scoped(parts.application, staff.areas) as connection:
        return await places_within(connection, areas, MOST_PLACES)


async def _names(request: Request, staff: Staff, areas: Sequence[str]) -> dict[str, str]:
    parts: Service = request.app.state.service
    async with scoped(parts.application, staff.areas) as connection:
        return await names_of(connection, areas)


def _zone(places: Sequence[Place]) -> tzinfo:
    """The clock of the first of these places that has one."""
    for place in places:
        if place.time_zone:
            try:
                return ZoneInfo(place.time_zone)
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return UTC


def _whom(staff: Staff, cadre: str) -> str:
    if cadre in ("", staff.id):
        return staff.id
    if not staff.roles.intersection(ROSTER_KEEPERS):
        raise NotForYou(staff, ROSTER_KEEPERS)
    return cadre


def _no_such_area() -> ProblemError:
    return ProblemError(
        404, "unknown-area", marked("There is no such area"), marked("Check its path; it may lie outside your areas.")
    )


def _part(template: str, request: Request, context: dict[str, Any]) -> Response:
    return pages.render(template, context, request=request)


def _html(template: str, request: Request, context: dict[str, Any]) -> str:
    return bytes(pages.render(template, context, request=request).body).decode()
