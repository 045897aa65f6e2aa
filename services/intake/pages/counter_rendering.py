"""How the counter's pages look, and what is said on them when something can't be done."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.chassis.auth import Staff
from services.chassis.commands import UnknownStream
from services.chassis.database import scoped
from services.chassis.eventstore import StoreUnavailable
from services.chassis.passing import passes
from services.chassis.problems import ProblemError
from services.chassis.signin.page import page_staff_with
from services.chassis.web.marked import marked
from services.chassis.web.pages import Assets, Pages
from services.intake.door import CASEWORKERS, Door
from services.intake.pages.rendering import INTAKE
from services.intake.read_models.places import CommunityRow, communities

FACE = "/counter"

assets = Assets(
    f"{FACE}/assets",
    INTAKE / "assets" / "resident.css",
    INTAKE / "assets" / "counter.css",
    INTAKE / "assets" / "receipt.js",
)
pages = Pages(INTAKE / "templates", assets, ("tokens.css", "base.css", "resident.css", "counter.css"), ("receipt.js",))

AtTheCounter = Annotated[Staff, Depends(page_staff_with(*CASEWORKERS))]

_AWAY = marked("Nothing can be read or stored just now. Try again in a minute; nothing is lost.")


class CounterRoute(APIRoute):
    """A page's route: what goes wrong is told as a page, in the reader's language."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception as error:
                told = _trouble(request, error)
                if told is None:
                    raise
                return told

        return answered


async def places_of(door: Door, staff: Staff) -> list[CommunityRow]:
    """The communities in the areas of whoever is at the counter, by name."""
    async with scoped(door.service.application, []) as connection:
        rows = await communities(connection)
    return sorted((row for row in rows if staff.may_see(row.path)), key=lambda row: row.name)


async def place_of(door: Door, staff: Staff, community: UUID) -> CommunityRow:
    """One of them.

    Raises:
        UnknownStream: there is none such in their areas.
    """
    for row in await places_of(door, staff):
        if row.community_id == community:
            return row
    raise UnknownStream


def said(request: Request, status: int, title: str, told: str) -> Response:
    """A page of two marked texts, and the way back to the counter."""
    language = pages.language(request)
    context = {"title": language.gettext(title), "told": language.gettext(told), "csrf": "", "face": FACE}
    return pages.render("counter/said.html", context, request=request, language=language, status=status)


def _trouble(request: Request, error: Exception) -> Response | None:
    match error:
        case UnknownStream():
            told = marked("It may lie outside your areas, or its address was not copied whole.")
            return said(request, 404, marked("There is nothing at this address"), told)
        case RequestValidationError():
            told = marked("The address or the form can't be read. Open the counter and begin there.")
            return said(request, 404, marked("There is nothing at this address"), told)
        case ProblemError() if error.problem.type == "urn:doorstep:foreign-form":
            told = marked("It came from another site, or from a page that no longer holds. Open it again and repeat.")
            return said(request, 403, marked("This form was not taken"), told)
        case StoreUnavailable():
            return _away(request)
        case DBAPIError() | PoolTimeout() | OSError() if passes(error):
            return _away(request)
        case _:
            return None


def _away(request: Request) -> Response:
    told = said(request, 503, marked("Just now this can't be shown"), _AWAY)
    told.headers["Retry-After"] = "5"
    return told
