"""A problem as a page: what is told to whoever opens an address by hand, where no face tells it in its own way."""

from collections.abc import Mapping

from fastapi import Request, Response

from services.chassis.problems import Problem
from services.chassis.signin.rendering import pages_of
from services.chassis.web.marked import marked
from services.chassis.web.said import said
from services.chassis.web.trouble import AWAY, UNREADABLE

_NO_PAGE = marked("There is no page to open at this address")

_TOLD = {
    404: marked("It may not have been copied whole. Begin at the first page."),
    405: marked("It belongs to a button on another page. Begin at the first page."),
    500: marked("Go back and try again. If it goes wrong again, tell whoever looks after Doorstep here."),
    503: AWAY,
}
"""In place of what the problem tells programs."""


def problem_page(request: Request, problem: Problem, headers: Mapping[str, str]) -> Response:
    """`problem` is in the reader's language already."""
    face: str = request.app.state.face
    path = request.url.path
    home = face if path == face or path.startswith(f"{face}/") else "/"
    told = _TOLD.get(problem.status) or problem.detail or UNREADABLE
    onward = home, marked("To the first page")
    title = _NO_PAGE if problem.status == 405 else problem.title
    page = said(pages_of(face), request, problem.status, title, [told], home, onward)
    page.headers.update(headers)
    return page
