"""What somebody gets instead of a page that is not for them, or not yet."""

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.routing import Match

from services.chassis.problems import ProblemError, answer, opened_by_hand
from services.chassis.signin.page import CSRF_FIELD, same_origin
from services.chassis.signin.rendering import pages_of
from services.chassis.web.marked import marked
from services.chassis.web.said import said

NOT_FOR_YOU = (
    marked("You are signed in, but your role or your areas do not open this page."),
    marked("If they should, ask whoever looks after staff accounts; then sign out and in again."),
)

_OURS = (CSRF_FIELD, "key")
_CHOSEN = re.compile(r"([a-z][a-z_]*|[0-9]{1,3}|/[a-z0-9/-]*/|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?")
"""A choice of the form or a value that it carried along: nobody has to type it again."""
_MOST_TYPED = 256 * 1024


async def show_sign_in(request: Request, _error: Exception) -> Response:
    """The answer to `SignInFirst`: a browser goes to sign in and comes back to the page that it wanted."""
    if "text/event-stream" in request.headers.get("Accept", ""):
        problem = ProblemError(401, "signed-out", "Your sign-in has ended", "Open the page again to sign in.").problem
        return answer(problem)
    face: str = request.app.state.face
    wanted = face
    if request.method == "GET" and "HX-Request" not in request.headers:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if typed := await _typed(request):
        return _nothing_sent(request, face, typed)
    to = f"{face}/sign-in?{urlencode({'next': wanted})}"
    if "HX-Request" in request.headers:  # a part of a page can't be replaced by a sign-in: the whole page goes there
        return Response(status_code=401, headers={"HX-Redirect": to})
    return RedirectResponse(to, status_code=303)


async def _typed(request: Request) -> list[str]:
    """What somebody wrote into a form of ours; another site's must not put words on a page of ours."""
    length = request.headers.get("Content-Length", "")
    short = length.isdecimal() and int(length) <= _MOST_TYPED
    if request.method != "POST" or not short or not opened_by_hand(request) or not same_origin(request):
        return []
    sent = (await request.form()).multi_items()
    texts = [value.strip() for name, value in sent if isinstance(value, str) and name not in _OURS]
    return [text for text in texts if not _CHOSEN.fullmatch(text)]


def _nothing_sent(request: Request, face: str, typed: Sequence[str]) -> Response:
    pages = pages_of(face)
    shown = any(route.matches({**request.scope, "method": "GET"})[0] is Match.FULL for route in request.app.routes)
    again = urlencode({"next": request.url.path if shown else face})
    context = {"home": face, "typed": typed, "again": f"{face}/sign-in?{again}"}
    answer = pages.render("typed.html", context, language=pages.language(request), status=401)
    answer.headers["Cache-Control"] = "no-store"
    return answer


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
