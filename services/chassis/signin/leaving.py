"""The addresses of signing out under one face: here, everywhere, and by the provider's word."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response

from services.chassis.auth import Forbidden, Staff, Unauthenticated
from services.chassis.http import CallingService
from services.chassis.problems import ProblemError
from services.chassis.signin.answers import told_at_the_door
from services.chassis.signin.elsewhere import BACKCHANNEL, SIGNED_OUT, Elsewhere
from services.chassis.signin.flow import SignIn
from services.chassis.signin.page import Csrf, PageVisit, Visit, from_own_form
from services.chassis.signin.rendering import pages_of
from services.chassis.signin.sessions import Ending, Sessions, Tokens
from services.chassis.web.marked import marked

LogoutToken = Annotated[str, Form(max_length=16_384)]

_NO_STORE = {"Cache-Control": "no-store"}


def leaving_router(face: str) -> APIRouter:
    """`GET` and `POST {face}/sign-out`, `GET {face}/signed-out`, `POST {face}/backchannel-logout`; two inside."""
    router = APIRouter()

    @router.get(f"{face}/sign-out")
    async def offer(request: Request, visit: PageVisit, csrf: Csrf) -> Response:
        """Here alone, or everywhere."""
        return _offered(request, visit.staff, csrf)

    @router.post(f"{face}/sign-out")
    async def sign_out(request: Request, everywhere: Annotated[bool, Form()] = False) -> Response:
        """End the session here, or all of this person's, then that at the issuer, which leads back to `signed-out`."""
        sessions: Sessions = request.app.state.sessions
        key = request.cookies.get(sessions.cookie, "")
        answer = _signed_out(request)
        if session := await sessions.find(key):
            await from_own_form(request, Visit(session.staff, session.csrf))
            if everywhere and not await _end_everywhere(request, session.staff):
                return _offered(request, session.staff, session.csrf, not_everywhere=True)
            # By a header and not by a redirect: `form-action` would stop a form's redirect to another origin.
            if away := await _end_at_issuer(request, await sessions.tokens(key)):
                answer.headers["Refresh"] = f"0; url={away}"
            await sessions.end(key)
            if everywhere:
                await sessions.end_everywhere(session.staff.id)
        answer.delete_cookie(sessions.cookie, path="/", secure=True, httponly=True, samesite="lax")
        return answer

    @router.get(f"{face}/signed-out")
    async def signed_out(request: Request) -> Response:
        return _signed_out(request)

    @router.post(f"{face}/backchannel-logout")
    async def backchannel_logout(request: Request, logout_token: LogoutToken = "") -> Response:
        """The provider says that somebody signed out there: theirs end here and in every other service.

        It is told to one service and has to reach all: 503 while one is away, and told again it counts again.
        """
        ending = await _ending(request, logout_token)
        if ending is None:
            return _no_logout_token()
        elsewhere: Elsewhere = request.app.state.elsewhere
        away = await elsewhere.pass_on(logout_token)
        await _end(request, ending)
        return Response(status_code=503 if away else 200, headers=_NO_STORE | ({"Retry-After": "30"} if away else {}))

    @router.post(BACKCHANNEL)
    async def passed_on(request: Request, logout_token: LogoutToken = "") -> Response:
        """The same, from the service that was told."""
        ending = await _ending(request, logout_token)
        if ending is None:
            return _no_logout_token()
        await _end(request, ending)
        return Response(status_code=200, headers=_NO_STORE)

    @router.post(SIGNED_OUT)
    async def signed_out_elsewhere(request: Request, caller: CallingService) -> Response:
        """Another service says that a member of staff signed out everywhere."""
        if caller.staff is None:
            raise Forbidden(["a service's token for a member of staff"])
        sessions: Sessions = request.app.state.sessions
        await sessions.end_everywhere(caller.staff.id)
        return Response(status_code=204)

    return router


async def _ending(request: Request, logout_token: str) -> Ending | None:
    """What a logout token ends; None for one that does not hold."""
    signing: SignIn | None = request.app.state.sign_in
    if signing is None or not logout_token:
        return None
    try:
        return await signing.ending(logout_token)
    except Unauthenticated:
        return None


async def _end(request: Request, ending: Ending) -> None:
    sessions: Sessions = request.app.state.sessions
    await sessions.end_at_provider(ending)


async def _end_everywhere(request: Request, staff: Staff) -> bool:
    """The others first: who is told that it failed must still be here to try again."""
    elsewhere: Elsewhere = request.app.state.elsewhere
    return not await elsewhere.sign_out(staff)


async def _end_at_issuer(request: Request, tokens: Tokens | None) -> str | None:
    signing: SignIn | None = request.app.state.sign_in
    try:
        return await signing.end(tokens) if signing else None
    except ProblemError:
        return None


def _offered(request: Request, staff: Staff, csrf: str, *, not_everywhere: bool = False) -> Response:
    face: str = request.app.state.face
    context = {"face": face, "staff": staff.id, "csrf": csrf, "not_everywhere": not_everywhere}
    shown = None if not_everywhere else request
    pages = pages_of(face)
    status = 503 if not_everywhere else 200
    return pages.render("leave.html", context, request=shown, language=pages.language(request), status=status)


def _signed_out(request: Request) -> Response:
    told, face = marked("Close this page, or sign in again."), request.app.state.face
    again = (f"{face}/sign-in?{urlencode({'next': face})}", marked("Sign in"))
    return told_at_the_door(request, 200, marked("You are signed out"), [told], again, switchable=False)


def _no_logout_token() -> Response:
    told = {"error": "invalid_request", "error_description": "This is no logout token of our issuer for us."}
    return JSONResponse(told, status_code=400, headers=_NO_STORE)
