"""What somebody gets instead of a page that is not for them, or not yet."""

from collections.abc import Sequence
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from services.chassis.problems import ProblemError, answer
from services.chassis.signin.rendering import pages_of
from services.chassis.web.marked import marked
from services.chassis.web.said import said

NOT_FOR_YOU = (
    marked("You are signed in, but your role or your areas do not open this page."),
    marked("If they should, ask whoever looks after staff accounts; then sign out and in again."),
)


async def show_sign_in(request: Request, _error: Exception) -> Response:
    """The answer to `SignInFirst`: a browser goes to sign in and comes back to the page that it wanted."""
    if "text/event-stream" in request.headers.get("Accept", ""):
        problem = ProblemError(401, "signed-out", "Your sign-in has ended", "Open the page again to sign in.").problem
        return answer(problem)
    face: str = request.app.state.face
    wanted = face
    if request.method == "GET" and "HX-Request" not in request.headers:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    to = f"{face}/sign-in?{urlencode({'next': wanted})}"
    if "HX-Request" in request.headers:  # a part of a page can't be replaced by a sign-in: the whole page goes there
        return Response(status_code=401, headers={"HX-Redirect": to})
    return RedirectResponse(to, status_code=303)


async def show_not_for_you(request: Request, _error: Exception) -> Response:
    """The answer to `NotForYou`."""
    face: str = request.app.state.face
    onward = f"{face}/sign-out", marked("Sign out")
    title = marked("This page is not for you")
    return said(pages_of(face), request, 403, title, NOT_FOR_YOU, face, onward, workplaces=True)


def told_at_the_door(
    request: Request,
    status: int,
    title: str,
    told: Sequence[str],
    onward: tuple[str, str] | None = None,
    *,
    switchable: bool = True,
) -> Response:
    """What sign-in has to say at this face, as `said`."""
    face: str = request.app.state.face
    return said(pages_of(face), request, status, title, told, face, onward, switchable=switchable)
