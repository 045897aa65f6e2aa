"""/desk: what is to be done, by when; and the way to a case whose number somebody names."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.chassis.service import Service
from services.chassis.signin.page import Csrf
from services.mediation.pages.acts import cases_called
from services.mediation.pages.case import Caseworker
from services.mediation.pages.listing import ListAsked, listing
from services.mediation.pages.rendering import FACE, DeskRoute, pages
from services.mediation.read_models.caseload import State
from services.mediation.words import STATES

router = APIRouter(route_class=DeskRoute)


@router.get(FACE)
async def show(request: Request, staff: Caseworker, csrf: Csrf, asked: ListAsked, find: str = "") -> Response:
    parts: Service = request.app.state.service
    language = pages.language(request)
    sought = find.replace("\0", "").strip()[:200]
    found = await cases_called(parts, staff, sought) if sought else []
    if len(found) == 1:
        return RedirectResponse(f"{FACE}/cases/{found[0]}", status_code=303)
    context = {
        "face": FACE,
        "csrf": csrf,
        "staff": staff,
        "asked": asked,
        "list": await listing(parts, staff, asked, language),
        "sought": sought,
        "several": len(found) > 1,
        "states": {state: STATES[state] for state in State if state is not State.CLOSED},
    }
    return pages.render("desk.html", context, request=request, language=language)
