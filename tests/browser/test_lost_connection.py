"""The connection is lost while somebody reports: they write on, it waits on their device, and it is sent once."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, expect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.browser.looking import PATIENCE_MS, Seen, looking, onward, put_aside, served
from tests.conftest import Databases
from tests.intake.door import FrontDoor, opened_door

PHONE = {"width": 360, "height": 740}
WORDS = 'A pipe burst <b>&"here" سۇ'
WAITING = "localStorage.getItem('doorstep-report')"


class WayBack:
    """A gateway that loses an answer when it is told to: the report has arrived, and its sender is told otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.lose_next = False
        self.lost = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not (self.lose_next and scope.get("method") == "POST" and scope["path"] == "/report"):
            await self._app(scope, receive, send)
            return
        self.lose_next = False
        await self._app(scope, receive, _lose)
        await PlainTextResponse("The service is away.", 503)(scope, receive, send)
        self.lost.set()


async def _lose(_message: Message) -> None:
    pass


@dataclass
class Site:
    address: str
    door: FrontDoor
    way_back: WayBack

    async def reports(self) -> int:
        return (await self.door.stored())["stream"]


@pytest.fixture(scope="module")
async def site(postgres: Databases) -> AsyncGenerator[Site]:
    async with opened_door(postgres) as door:
        await door.hear_of_places()
        way_back = WayBack(door.app)
        async with served(way_back) as address:
            yield Site(address, door, way_back)


async def as_far_as_the_words(seen: Seen, site: Site, lang: str = "en") -> None:
    page = seen.page
    await page.goto(f"{site.address}/?lang={lang}")
    await put_aside(page)
    await onward(page, page.locator("button[value=fault]").click())
    await page.locator("input[value=elevator]").check()
    await onward(page, page.locator(".onward .button").click())
    await expect(page.locator("#text")).to_be_visible()
    await put_aside(page)


async def lose(page: Page) -> None:
    await page.context.set_offline(True)


async def write_on(page: Page) -> None:
    """On the form that came in place of the next question."""
    await expect(page.locator("#whole")).to_be_visible()
    await page.locator("input[name=reach][value=anonymous]").check()
    await page.get_by_role("button", name="Keep it here and send it").click()
    await expect(page.get_by_text("A report waits on this device")).to_be_visible()


async def kept_without_a_connection(seen: Seen, site: Site) -> None:
    page = seen.page
    await as_far_as_the_words(seen, site)
    await page.locator("#text").fill(WORDS)
    await lose(page)
    await onward(page, page.locator(".onward .button").click())
    await write_on(page)


async def test_it_is_written_on_without_a_connection_and_sent_once_when_it_returns(
    chromium: Browser, site: Site
) -> None:
    async with looking(chromium, viewport=PHONE) as seen:
        page = seen.page
        await as_far_as_the_words(seen, site)
        before = await site.reports()
        await lose(page)
        await page.locator("#text").fill(WORDS)
        await page.locator("#place").fill("House 3")
        await page.locator("input[name=minor]").check()
        await page.locator("#guardian").fill("Aunt Lin")
        await onward(page, page.locator(".onward .button").click())
        await expect(page.locator("#text")).to_have_value(WORDS)
        await expect(page.locator("input[name=minor]")).to_be_checked()
        await expect(page.locator("#guardian")).to_have_value("Aunt Lin")
        await expect(page.locator("#place")).to_have_value("House 3")
        await expect(page.locator("input[name=kind][value=fault]")).to_be_checked()
        await expect(page.locator("#category")).to_have_value("elevator")
        await page.reload()
        await expect(page.locator("#text")).to_have_value(WORDS)
        assert await page.evaluate(WAITING) is None, "nothing is kept before somebody says so"
        await write_on(page)
        assert WORDS[:6] in await page.evaluate(WAITING)
        assert await site.reports() == before
        await page.context.set_offline(False)
        await page.wait_for_url(f"{site.address}/case/sent")
        assert len(await page.locator(".receipt b").all()) == 7
        assert await page.evaluate(WAITING) is None
        assert await site.reports() == before + 1
        await page.goto(site.address)
        await expect(page.locator("[data-kept]")).to_be_hidden()
        assert await site.reports() == before + 1


async def test_what_arrived_though_its_answer_was_lost_is_sent_again_and_is_one(chromium: Browser, site: Site) -> None:
    async with looking(chromium, viewport=PHONE) as seen:
        page = seen.page
        before = await site.reports()
        await kept_without_a_connection(seen, site)
        site.way_back.lose_next = True
        await page.context.set_offline(False)
        await asyncio.wait_for(site.way_back.lost.wait(), PATIENCE_MS / 1000)
        assert await site.reports() == before + 1
        await page.get_by_role("button", name="Try now").click()
        await page.wait_for_url(f"{site.address}/case/sent")
        assert len(await page.locator(".receipt b").all()) == 7
        assert await site.reports() == before + 1


async def test_the_first_page_opens_without_a_connection_and_what_waits_is_sent_at_the_next_visit(
    chromium: Browser, site: Site
) -> None:
    async with looking(chromium, viewport=PHONE) as seen:
        page = seen.page
        await page.goto(f"{site.address}/?lang=ug")
        await put_aside(page)
        before = await site.reports()
        await lose(page)
        await page.goto(site.address)
        await expect(page.locator("html")).to_have_attribute("lang", "ug")
        await page.locator("input[name=kind][value=listening]").check()
        await page.locator("#category").select_option("talk")
        await page.locator("#community").select_option(index=1)
        await page.locator("#text").fill("سۆزلەشكۈم بار")
        await page.locator("input[name=reach][value=anonymous]").check()
        await page.locator("button[value=send]").click()
        await expect(page.locator("[data-kept]")).to_be_visible()
        await page.close()
        again = await seen.page.context.new_page()
        await again.context.set_offline(False)
        await again.goto(site.address)
        await again.wait_for_url(f"{site.address}/case/sent")
        assert await again.evaluate(WAITING) is None
        assert await site.reports() == before + 1


async def test_it_can_be_discarded_and_nothing_of_it_stays(chromium: Browser, site: Site) -> None:
    async with looking(chromium, viewport=PHONE) as seen:
        page = seen.page
        before = await site.reports()
        await kept_without_a_connection(seen, site)
        await page.get_by_role("button", name="Try now").click()
        await expect(page.get_by_text("A report waits on this device")).to_be_visible()
        await page.get_by_role("button", name="Discard it").click()
        assert await page.evaluate(WAITING) is None
        await page.context.set_offline(False)
        await page.goto(site.address)
        await expect(page.locator("[data-kept]")).to_be_hidden()
        assert await site.reports() == before


async def test_what_the_form_does_not_take_is_handed_to_the_page_that_says_so(chromium: Browser, site: Site) -> None:
    async with looking(chromium, viewport=PHONE) as seen:
        page = seen.page
        await as_far_as_the_words(seen, site)
        await page.locator("#text").fill(WORDS)
        await lose(page)
        await onward(page, page.locator(".onward .button").click())
        await page.locator("input[name=reach][value=me]").check()
        await page.get_by_role("button", name="Keep it here and send it").click()
        await page.context.set_offline(False)
        await expect(page.get_by_role("alert")).to_contain_text("Leave a mail address or a telephone number")
        assert await page.evaluate(WAITING) is None
        await page.locator("input[value=anonymous]").check()
        await onward(page, page.locator(".onward .button").click())
        await expect(page.locator("h1")).to_have_text("Is this right?")
        await expect(page.locator("dl.check")).to_contain_text(WORDS)


async def test_without_scripts_a_send_that_failed_is_repeated_by_the_browser_and_is_one(
    chromium: Browser, site: Site
) -> None:
    async with looking(chromium, viewport=PHONE, java_script_enabled=False) as seen:
        page = seen.page
        before = await site.reports()
        await page.goto(f"{site.address}/?lang=en")
        await onward(page, page.locator("button[value=fault]").click())
        await page.locator("input[value=elevator]").check()
        await onward(page, page.locator(".onward .button").click())
        await page.locator("#text").fill(WORDS)
        await onward(page, page.locator(".onward .button").click())
        await onward(page, page.locator(".onward .button").click())  # without photos
        await page.locator("input[value=anonymous]").check()
        await onward(page, page.locator(".onward .button").click())
        await lose(page)
        async with page.expect_event("requestfailed"):
            await page.locator("button[value=send]").click()
        await page.context.set_offline(False)
        await page.reload()
        await expect(page.locator("h1")).to_have_text("Your report has arrived")
        assert await site.reports() == before + 1
