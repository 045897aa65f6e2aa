"""What somebody gets instead of a page that is not for them, or not yet."""

from collections.abc import Sequence
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from services.chassis.problems import ProblemError, answer
from services.chassis.signin.page import NotForYou
from services.chassis.signin.rendering import pages_of
from services.chassis.web.pages import untranslated

_ = untranslated


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


async def show_not_for_you(request: Request, error: Exception) -> Response:
    """The answer to `NotForYou`."""
    assert isinstance(error, NotForYou)
    paragraphs = [
        _("You are signed in, but your role or your areas do not open this page."),
        _("If they should, ask whoever looks after staff accounts; then sign out and in again."),
    ]
    return said(request.app.state.face, 403, _("This page is not for you"), paragraphs)


def said(
    face: str, status: int, title: str, paragraphs: Sequence[str], onward: tuple[str, str] | None = None
) -> Response:
    """A page of a few words. `onward` is an address and what its link says."""
    to, label = onward or ("", "")
    context = {"face": face, "title": title, "paragraphs": paragraphs, "onward": to, "onward_label": label}
    return pages_of(face).render("said.html", context, status=status)
