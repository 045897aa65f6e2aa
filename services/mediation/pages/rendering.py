"""How the desk's pages look, and what is said on them when something can't be done."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.chassis.commands import UnknownStream
from services.chassis.eventstore import StoreUnavailable
from services.chassis.passing import passes
from services.chassis.problems import ProblemError
from services.chassis.web.marked import marked
from services.chassis.web.pages import Assets, Pages

MEDIATION = Path(__file__).parent.parent
FACE = "/desk"

assets = Assets(f"{FACE}/assets", MEDIATION / "assets" / "desk.css", MEDIATION / "assets" / "desk.js")
pages = Pages(MEDIATION / "templates", assets, ("tokens.css", "base.css", "desk.css"), ("desk.js",))

AWAY = marked("Nothing can be read or stored just now. Try again in a minute; nothing is lost.")


class DeskRoute(APIRoute):
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


def said(request: Request, status: int, title: str, told: str, *, to_desk: bool = True) -> Response:
    """A page of two marked texts, and for staff the way back to the desk."""
    language = pages.language(request)
    context = {"title": language.gettext(title), "told": language.gettext(told), "to_desk": to_desk}
    return pages.render("said.html", context, request=request, language=language, status=status)


def _trouble(request: Request, error: Exception) -> Response | None:
    match error:
        case UnknownStream():
            told = marked("It may lie outside your areas, or its address was not copied whole.")
            return said(request, 404, marked("There is no such case"), told)
        case RequestValidationError():
            told = marked("The address or the form can't be read. Open the desk and begin there.")
            return said(request, 404, marked("There is nothing at this address"), told)
        case ProblemError() if error.problem.type == "urn:doorstep:foreign-form":
            told = marked("It came from another site, or from a page that no longer holds. Open the case and repeat.")
            return said(request, 403, marked("This form was not taken"), told)
        case StoreUnavailable():
            return _away(request)
        case DBAPIError() | PoolTimeout() | OSError() if passes(error):
            return _away(request)
        case _:
            return None


def _away(request: Request) -> Response:
    told = said(request, 503, marked("Just now this can't be shown"), AWAY)
    told.headers["Retry-After"] = "5"
    return told
