"""What goes wrong on a page of staff is told as a page with the way back; what is not for people goes on as it was."""

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.testing import capture_logs

from deploy.local.postgres import Dsns
from services.chassis import problems
from services.chassis.auth import Forbidden
from services.chassis.commands import UnknownStream
from services.chassis.eventstore import StoreUnavailable
from services.chassis.problems import ProblemError, unprocessable
from services.chassis.settings import ServiceSettings
from services.chassis.web.pages import WEB, Assets, Pages
from services.chassis.web.problem_page import problem_page
from services.chassis.web.trouble import StaffFace
from tests.services import NOWHERE, settings_for

PAGES = Pages(WEB / "templates", Assets("/here/assets"), ("base.css",))
STAFF = StaffFace(PAGES, "/here", "To the first page", "There is no such case")
LINKED = StaffFace(PAGES, "/")


def face(of: StaffFace, raised: Exception) -> httpx.AsyncClient:
    """A page that breaks with `raised`; its number must be one."""
    app = FastAPI()
    app.state.settings = settings_for(ServiceSettings, Dsns(NOWHERE, NOWHERE, NOWHERE))
    problems.install(app, "chassis")
    router = APIRouter(route_class=of.route_class())

    @router.api_route("/here/{number}", methods=["GET", "POST"])
    async def show(number: int) -> int:
        raise raised

    app.include_router(router)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://doorstep.test")


@pytest.mark.parametrize(
    ("raised", "status", "title", "told"),
    [
        (UnknownStream(), 404, "There is no such case", "not copied whole"),
        (ProblemError(404, "unknown-area", "There is no such area", "Check."), 404, "There is no such area", "Check."),
        (ProblemError(403, "foreign-form", "No"), 403, "This form was not taken", "from another site"),
        (StoreUnavailable(), 503, "Just now this can't be shown", "nothing is lost"),
        (PoolTimeout(), 503, "Just now this can't be shown", "nothing is lost"),
        (ConnectionRefusedError(), 503, "Just now this can't be shown", "nothing is lost"),
    ],
)
async def test_it_says_what_it_is_and_the_way_back(raised: Exception, status: int, title: str, told: str) -> None:
    async with face(STAFF, raised) as client:
        answer = await client.get("/here/1")
    page = answer.text.replace("&#39;", "'")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert (f"<h1>{title}</h1>" in page, told in page) == (True, True), page
    assert '<a class="button" href="/here">To the first page</a>' in page
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)


async def test_why_it_can_not_be_shown_is_for_the_operator_without_what_was_asked_for() -> None:
    with capture_logs() as noted:
        async with face(STAFF, PoolTimeout("of a canary")) as client:
            await client.get("/here/1")
    [note] = noted
    assert (note["event"], note["route"], note["reason"]) == ("database away", "/here/{number}", "TimeoutError")
    assert "canary" not in str(note)


async def test_an_address_or_a_form_that_cant_be_read_is_told_so() -> None:
    async with face(STAFF, UnknownStream()) as client:
        shown, sent = await client.get("/here/first"), await client.post("/here/first")
    assert (shown.status_code, "There is nothing at this address" in shown.text) == (404, True)
    assert (sent.status_code, "This form was not taken" in sent.text) == (422, True)


async def test_other_languages_are_offered_where_they_can_be_asked_for() -> None:
    async with face(STAFF, UnknownStream()) as client:
        shown, sent = await client.get("/here/first?of=1"), await client.post("/here/first")
    assert 'href="?of=1&amp;lang=zh" lang="zh"' in shown.text
    assert 'href="/here?lang=zh" lang="zh"' in sent.text, "what a form was sent to need not be a page"


async def test_whoever_has_a_link_alone_is_not_sent_where_they_cant_go() -> None:
    async with face(LINKED, StoreUnavailable()) as client:
        answer = await client.get("/here/1")
    assert (answer.status_code, 'class="button"' in answer.text) == (503, False)


async def test_it_speaks_the_readers_language() -> None:
    async with face(STAFF, StoreUnavailable()) as client:
        answer = await client.get("/here/1?lang=ug")
    assert '<html lang="ug" dir="rtl">' in answer.text
    assert "nothing is lost" not in answer.text


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (Forbidden(("manager",)), 403),
        (unprocessable("after", "is no mark", "Leave it out."), 422),
        (ProgrammingError("SELECT", None, Exception()), 500),
        (ZeroDivisionError(), 500),
    ],
)
async def test_what_is_for_programs_or_was_our_fault_stays_a_problem(raised: Exception, status: int) -> None:
    async with face(STAFF, raised) as client:
        answer = await client.get("/here/1")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def service(raised: Exception) -> httpx.AsyncClient:
    """Addresses that no face tells of, some for programs, each of which breaks with `raised`."""
    app = FastAPI()
    app.state.settings = settings_for(ServiceSettings, Dsns(NOWHERE, NOWHERE, NOWHERE), language="zh")
    app.state.face = "/here"
    problems.install(app, "chassis", problem_page)

    @app.post("/here/done")
    @app.get("/here/broken")
    @app.get("/api/here/broken")
    @app.get("/open311/broken")
    @app.get("/internal/broken")
    async def broken() -> int:
        raise raised

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://doorstep.test")


@pytest.mark.parametrize(
    ("path", "status", "title", "home"),
    [
        ("/here/nothing", 404, "There is nothing at this address", "/here"),
        ("/nothing", 404, "There is nothing at this address", "/"),
        ("/heretics", 404, "There is nothing at this address", "/"),
        ("/here/done", 405, "There is no page to open at this address", "/here"),
        ("/here/broken", 500, "Something went wrong on our side", "/here"),
    ],
)
async def test_an_address_opened_by_hand_tells_its_trouble_as_a_page(
    path: str, status: int, title: str, home: str
) -> None:
    async with service(ZeroDivisionError()) as client:
        answer = await client.get(path, headers={**BROWSER, "Accept-Language": "en"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{title}</h1>" in answer.text
    assert f'<a class="button" href="{home}">To the first page</a>' in answer.text
    assert "Idempotency-Key" not in answer.text
    assert answer.headers.get("Allow") == ("POST" if status == 405 else None)


async def test_that_page_speaks_the_readers_language_else_the_installations() -> None:
    async with service(StoreUnavailable()) as client:
        own = await client.get("/here/broken", headers={**BROWSER, "Accept-Language": "ug"})
        other = await client.get("/here/broken", headers=BROWSER)
    assert '<html lang="ug" dir="rtl">' in own.text
    assert '<html lang="zh" dir="ltr">' in other.text
    assert (own.status_code, own.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/here/broken", {}),
        ("/here/broken", {"Accept": "*/*"}),
        ("/here/broken", {**BROWSER, "HX-Request": "true"}),
        ("/api/here/broken", BROWSER),
        ("/open311/broken", BROWSER),
        ("/internal/broken", BROWSER),
    ],
)
async def test_programs_and_parts_of_pages_are_told_the_problem_itself(path: str, headers: dict[str, str]) -> None:
    async with service(StoreUnavailable()) as client:
        answer = await client.get(path, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
