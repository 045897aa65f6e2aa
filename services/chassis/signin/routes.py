"""The addresses of sign-in under one face: out to the issuer, and back from it."""

import re
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.chassis.problems import ProblemError
from services.chassis.signin.answers import told_at_the_door
from services.chassis.signin.flow import PATIENCE, Arrival, NotSignedIn, SignIn
from services.chassis.signin.rendering import assets_of
from services.chassis.signin.sessions import SHIFT, Sessions, SignedOutSince
from services.chassis.telemetry import log
from services.chassis.web.marked import marked

_PLAIN = re.compile(r"[!-\[\]-~]*")
"""Visible ASCII without the backslash, which browsers read as a slash."""


def own_page(face: str, wanted: str) -> str:
    """The page to go to after sign-in: one under this face, whatever else was asked for."""
    path = re.split(r"[?#]", wanted, maxsplit=1)[0]
    under = path == face or path.startswith(f"{face}/")
    ours = under and "//" not in path and ".." not in path and _PLAIN.fullmatch(wanted)
    return wanted if ours and not re.match(rf"{face}/sign(ed)?-(in|out)\b", path) else face


def sign_in_router(face: str) -> APIRouter:
    """`GET {face}/sign-in?next=`, `GET {face}/signed-in`."""
    router = APIRouter()
    router.include_router(assets_of(face).router())

    @router.get(f"{face}/sign-in")
    async def sign_in(request: Request, wanted: Annotated[str, Query(alias="next")] = face) -> Response:
        """Off to the issuer; one sign-in there opens every face."""
        wanted = own_page(face, wanted)
        signing: SignIn | None = request.app.state.sign_in
        if signing is None:
            return _not_set_up(request)
        sessions: Sessions = request.app.state.sessions
        if await sessions.find(request.cookies.get(sessions.cookie, "")):
            return RedirectResponse(wanted, status_code=303)
        return await _depart(request, signing, sessions, wanted)

    @router.get(f"{face}/signed-in")
    async def signed_in(request: Request) -> Response:
        """Back from the issuer: a session of our own begins, under a new key."""
        signing: SignIn | None = request.app.state.sign_in
        if signing is None:
            return _not_set_up(request)
        sessions: Sessions = request.app.state.sessions
        told = dict(request.query_params)
        attempt = _attempt_cookie(sessions, told.get("state", ""))
        try:
            came = await signing.finish(told, request.cookies.get(attempt, ""))
            answer = await _let_in(request, signing, sessions, came)
        except ProblemError:
            return _away(request, face)
        except NotSignedIn as refused:
            log.warning("a sign-in came to nothing", reason=refused.reason)
            answer = _came_to_nothing(request, refused.reason)
        if attempt in request.cookies:
            _forget(answer, attempt)
        return answer

    return router


async def _depart(
    request: Request, signing: SignIn, sessions: Sessions, wanted: str, *, anew: bool = False
) -> Response:
    try:
        departure = await signing.begin(wanted, anew=anew)
    except ProblemError:
        return _away(request, wanted)
    answer = RedirectResponse(departure.to, status_code=303)
    _keep(answer, _attempt_cookie(sessions, departure.state), departure.sealed, PATIENCE.total_seconds())
    return answer


async def _let_in(request: Request, signing: SignIn, sessions: Sessions, came: Arrival) -> Response:
    """To the page that they wanted, under a new key; or back once, to prove anew who they are.

    Raises:
        NotSignedIn: they signed out everywhere, and the issuer did not ask them anew.
    """
    await sessions.end(request.cookies.get(sessions.cookie, ""))
    try:
        key = await sessions.begin(came.staff, came.proven)
    except SignedOutSince:
        if came.attempt.anew:
            raise NotSignedIn("signed out since") from None
        return await _depart(request, signing, sessions, came.attempt.wanted, anew=True)
    answer = RedirectResponse(came.attempt.wanted, status_code=303)
    _keep(answer, sessions.cookie, key, SHIFT.total_seconds())
    return answer


def _attempt_cookie(sessions: Sessions, state: str) -> str:
    """One for each attempt, so that two pages opened at once don't spoil each other's."""
    return f"{sessions.cookie}-{re.sub('[^A-Za-z0-9_-]', '', state)[:12]}"


def _keep(answer: Response, name: str, value: str, seconds: float) -> None:
    answer.set_cookie(name, value, max_age=int(seconds), path="/", secure=True, httponly=True, samesite="lax")


def _forget(answer: Response, name: str) -> None:
    answer.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def _again(face: str, wanted: str) -> tuple[str, str]:
    to = f"{face}/sign-in?{urlencode({'next': wanted})}" if wanted != face else f"{face}/sign-in"
    return to, marked("Sign in")


def _not_set_up(request: Request) -> Response:
    told = marked("Whoever runs Doorstep here has not yet named the place where staff sign in.")
    return told_at_the_door(request, 503, marked("Sign-in is not set up"), [told], switchable=False)


def _away(request: Request, wanted: str) -> Response:
    told = marked("The place where staff sign in does not answer. Nothing is lost; try again in a minute.")
    again = _again(request.app.state.face, wanted)
    return told_at_the_door(request, 503, marked("You can't sign in just now"), [told], again, switchable=False)


_NOT_STAFF = (
    marked("You are known, but not as staff of Doorstep: no role and area that it knows came with your sign-in."),
    marked("If you should have one, ask whoever looks after staff accounts; then sign in again."),
)
_WHY = {
    "not begun here": marked("This sign-in was not begun in this browser, or it was finished already."),
    "took too long": marked("The sign-in took longer than ten minutes."),
    "refused": marked("The sign-in was broken off before it was done."),
}
_UNCONFIRMED = marked("The place where staff sign in did not confirm who you are.")


def _came_to_nothing(request: Request, reason: str) -> Response:
    face: str = request.app.state.face
    again = _again(face, face)
    if reason in ("nothing known", "unusable claims"):
        return told_at_the_door(
            request, 403, marked("Nothing here is open to you yet"), _NOT_STAFF, again, switchable=False
        )
    why = _WHY.get(reason, _UNCONFIRMED)
    return told_at_the_door(request, 403, marked("You are not signed in"), [why], again, switchable=False)
