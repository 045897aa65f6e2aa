"""/desk/ideas: what residents thought of, open or answered, the newest first: what a council can choose from."""

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.service import Service
from services.chassis.signin.page import Csrf
from services.contracts.cases import Kind
from services.mediation.pages.case import Caseworker
from services.mediation.pages.listing import MOST_PLACES, asked_of, looks_for
from services.mediation.pages.rendering import FACE, DeskRoute, pages
from services.mediation.read_models.caseload import After, Wanted, cases_of
from services.mediation.read_models.places import places_within

router = APIRouter(route_class=DeskRoute)

IDEAS_ON_A_PAGE = 50


@router.get(f"{FACE}/ideas")
async def show(
    request: Request,
    staff: Caseworker,
    csrf: Csrf,
    area: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Nothing that a resident wrote stands here: that lies with the report, behind each line."""
    parts: Service = request.app.state.service
    language, asked = pages.language(request), asked_of(area=area)
    before: After | None = None
    with suppress(ValueError):
        before = After.of(after) if after else None
    async with scoped(parts.application, staff.areas) as connection:
        wanted = Wanted(area=asked.area, kind=Kind.IDEA)
        rows = await cases_of(connection, staff.areas, wanted, before, IDEAS_ON_A_PAGE + 1)
        places = await places_within(connection, staff.areas, MOST_PLACES)
    shown = rows[:IDEAS_ON_A_PAGE]
    look = await looks_for(parts, staff, shown, language, now(), "")
    context: dict[str, Any] = {
        "face": FACE,
        "csrf": csrf,
        "asked": asked,
        "places": places,
        "ideas": [(look.row(row), row.reported_at) for row in shown],
        "older": After.last_of(shown).mark if len(rows) > len(shown) else None,
        "zone": look.zone,
    }
    return pages.render("ideas.html", context, request=request, language=language)
