"""What a browser keeps in case the connection is lost: the form on one page, and the worker that shows it then."""

import gzip

from fastapi import APIRouter, Request, Response

from services.chassis.categories import categories
from services.chassis.database import scoped
from services.intake.door import Door
from services.intake.pages.choosing import areas_of, choice_of
from services.intake.pages.draft import Draft
from services.intake.pages.rendering import INTAKE, PageRoute, help_at_once, pages
from services.intake.pages.report import KINDS
from services.intake.read_models.places import communities

router = APIRouter(route_class=PageRoute)

WORKER = (INTAKE / "assets" / "worker.js").read_bytes()


@router.get("/report/whole")
async def whole(request: Request) -> Response:
    """Every question on one page, with nothing of anybody on it."""
    door: Door = request.app.state.door
    async with scoped(door.service.application, []) as connection:
        places = await communities(connection)
    names = await door.communities.names_of(areas_of(places))
    context = {
        "kinds": KINDS,
        "categories": categories(),
        "groups": choice_of(places, names, few=len(places)).groups,
        "help": help_at_once(),
        "draft": Draft.empty(),
        "faults": {},
        "community": None,
        "above": True,
    }
    answer = pages.render("report/whole.html", context, request=request)
    answer.headers["Cache-Control"] = "no-cache"
    return compressed(request, answer)


@router.head("/worker.js")
@router.get("/worker.js")
async def worker() -> Response:
    """At the root, so that it may answer for the first page too. Its head tells a page that there is a connection."""
    return Response(WORKER, media_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


def compressed(request: Request, answer: Response) -> Response:
    """For a page that holds no secret and nothing that its reader typed."""
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        answer.body = gzip.compress(answer.body, 6)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(answer.body))
    return answer
