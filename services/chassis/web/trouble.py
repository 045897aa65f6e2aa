"""What goes wrong with a page is told as a page, in the reader's language: what it is and what to do."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.chassis.commands import UnknownStream
from services.chassis.passing import Passing, note_away, passes
from services.chassis.problems import ProblemError, route_of
from services.chassis.web.marked import marked
from services.chassis.web.pages import Pages
from services.chassis.web.said import said

AWAY = marked("Nothing can be read or stored just now. Try again in a minute; nothing is lost.")
UNREADABLE = marked("This form can't be read. Open the page again and repeat.")

_NOTHING_HERE = marked("There is nothing at this address")
_NOT_TAKEN = marked("This form was not taken")
_ELSEWHERE = marked("It may lie outside your areas, or its address was not copied whole.")
_NO_ADDRESS = marked("The address can't be read. Begin at the first page.")
_FOREIGN = marked("It came from another site, or from a page that no longer holds. Open it again and repeat.")


def telling(trouble: Callable[[Request, Exception], Response | None]) -> type[APIRoute]:
    """Routes that answer with the page that `trouble` makes of an error; where it makes none, the error goes on."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handler = super().get_route_handler()

            async def answered(request: Request) -> Response:
                try:
                    return await handler(request)
                except Exception as error:
                    told = trouble(request, error)
                    if told is None:
                        raise
                    if passes(error) and not isinstance(error, Passing):  # of our own, it was noted where it arose
                        note_away(error, route=route_of(request))
                    return told

            return answered

    return PageRoute


def again_soon(told: Response) -> Response:
    """Of what passes by itself: the answer says when to ask again."""
    told.headers["Retry-After"] = "5"
    return told


@dataclass(frozen=True, slots=True)
class StaffFace:
    """Pages that begin at `home`. `back` is what the link there says, none where the reader has no way in.

    `no_such` is the title where something is not there, or not the reader's.
    """

    pages: Pages
    home: str
    back: str | None = None
    no_such: str = _NOTHING_HERE

    def route_class(self) -> type[APIRoute]:
        """For routers of this face; what is sent to sign in, and what programs are told, stays as it is."""
        return telling(self.trouble)

    def said(self, request: Request, status: int, title: str, told: str) -> Response:
        onward = (self.home, self.back) if self.back else None
        return said(self.pages, request, status, title, [told], self.home, onward)

    def trouble(self, request: Request, error: Exception) -> Response | None:
        match error:
            case UnknownStream():
                return self.said(request, 404, self.no_such, _ELSEWHERE)
            case RequestValidationError() if request.method == "GET":
                return self.said(request, 404, _NOTHING_HERE, _NO_ADDRESS)
            case RequestValidationError():
                return self.said(request, 422, _NOT_TAKEN, UNREADABLE)
            case ProblemError(problem=problem) if problem.type == "urn:doorstep:foreign-form":
                return self.said(request, 403, _NOT_TAKEN, _FOREIGN)
            case ProblemError(problem=problem) if problem.status == 404:
                return self.said(request, 404, problem.title, problem.detail or _ELSEWHERE)
            case _ if passes(error):
                return again_soon(self.said(request, 503, marked("Just now this can't be shown"), AWAY))
            case _:
                return None
