"""What pages and their forms ask for: who is here, and that a form came from a page of ours."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from services.chassis.auth import Forbidden, Staff
from services.chassis.http import bearer_of
from services.chassis.problems import ProblemError
from services.chassis.settings import ServiceSettings
from services.chassis.signin.access import StaffAccess
from services.chassis.signin.flow import NotSignedIn, SignIn
from services.chassis.signin.sessions import Sessions
from services.chassis.telemetry import log

CSRF_FIELD = "csrf"
"""The name of the hidden field that every form of a signed-in page carries."""


class SignInFirst(Exception):
    """Nobody is signed in here: a page answers by sending the browser to sign-in and back."""


class NotForYou(Exception):
    """Somebody is signed in, but this page is not theirs: a page says so and names what it takes."""

    def __init__(self, staff: Staff, needed: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.staff = staff
        self.needed = needed


@dataclass(frozen=True, slots=True)
class Visit:
    """Who opened the page. `csrf` is the session's; None for a program that sends a token with each request."""

    staff: Staff
    csrf: str | None


async def page_visit(request: Request) -> Visit:
    """A dependency: a bearer token if one was sent, else the session behind this service's cookie.

    Raises:
        Unauthenticated: a token was sent and does not hold.
        SignInFirst: there is no session, or no longer.
    """
    if authorization := request.headers.get("Authorization"):
        access: StaffAccess = request.app.state.staff_access
        return Visit(await access.staff(bearer_of(authorization)), None)
    sessions: Sessions = request.app.state.sessions
    key = request.cookies.get(sessions.cookie, "")
    session = await sessions.find(key)
    if session is None:
        raise SignInFirst
    staff = await _confirmed(request, sessions, key, session.staff) if session.due else session.staff
    return Visit(staff, session.csrf)


async def _confirmed(request: Request, sessions: Sessions, key: str, staff: Staff) -> Staff:
    """As what the provider knows them now; what it no longer lets in ends here too."""
    signing: SignIn | None = request.app.state.sign_in
    if signing is None or (tokens := await sessions.claim(key)) is None:
        return staff
    try:
        staff, tokens = await signing.confirm(staff, tokens)
    except NotSignedIn as refused:
        log.info("a session ended with its sign-in at the issuer", reason=refused.reason)
        await sessions.end(key)
        raise SignInFirst from None
    await sessions.confirm(key, staff, tokens)
    return staff


PageVisit = Annotated[Visit, Depends(page_visit)]


def page_staff(visit: PageVisit) -> Staff:
    """A dependency: staff with any role in any area. Nobody is sent to sign in; who has neither is told so (403).

    Raises:
        SignInFirst, Unauthenticated: as `page_visit`.
        NotForYou: no role or no area that Doorstep knows.
    """
    return _allowed(visit, ())


PageStaff = Annotated[Staff, Depends(page_staff)]


def page_staff_with(*roles: str) -> Callable[[Visit], Awaitable[Staff]]:
    """A dependency, for pages what `staff_with` is for the API: staff with one of these roles and some area.

    `Reader = Annotated[Staff, Depends(page_staff_with("cadre", "supervisor"))]`
    """

    async def check(visit: PageVisit) -> Staff:
        return _allowed(visit, roles)

    return check


async def csrf(visit: PageVisit) -> str:
    """A dependency: what a page writes into the field `csrf` of its forms; empty for a program with a token."""
    return visit.csrf or ""


Csrf = Annotated[str, Depends(csrf)]


async def from_own_form(request: Request, visit: PageVisit) -> None:
    """What `own_form` does.

    Raises:
        ProblemError: 403, the form was not sent from a page of this session.
    """
    if visit.csrf is None:  # no browser sends a bearer token by itself
        return
    if not same_origin(request):
        raise _foreign("It came from another site.")
    sent = (await request.form()).get(CSRF_FIELD)
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), visit.csrf.encode()):
        raise _foreign("The page it was sent from is no longer valid.")


own_form = Depends(from_own_form)
"""For every POST of a page: `@router.post(…, dependencies=[own_form])`.

The browser must say that the form came from our own origin, and the form must hold the session's `csrf`; else 403.
A request with a bearer token needs neither.
"""


def _allowed(visit: Visit, roles: tuple[str, ...]) -> Staff:
    staff = visit.staff
    if staff.areas and (staff.roles.intersection(roles) if roles else staff.roles):
        return staff
    if visit.csrf is None:
        raise Forbidden(roles or ("any role, in an area",))
    raise NotForYou(staff, roles)


def same_origin(request: Request) -> bool:
    """By what the browser itself says; a request that says nothing is not taken for one of ours."""
    settings: ServiceSettings = request.app.state.settings
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is None and origin is None:
        return False
    ours = urlsplit(settings.public_url or str(request.base_url))
    return site in (None, "same-origin") and origin in (None, f"{ours.scheme}://{ours.netloc}")


def _foreign(why: str) -> ProblemError:
    return ProblemError(403, "foreign-form", "This form was not taken", f"{why} Open the page again and repeat.")
