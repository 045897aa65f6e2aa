"""Choosing a community, saying where, adding oneself, the poster: in every language and width, and by keys alone."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Response, expect

from tests.browser.looking import EVERY_WAY, looking, next_question, onward, put_aside, served
from tests.conftest import Databases
from tests.intake.door import API, opened_door
from tests.services import staff

OPERATOR = staff("operator")
FIRST_LOAD_BYTES = 60 * 1024
HERE = {"latitude": 43.8102, "longitude": 87.6001, "accuracy": 11.5}


@pytest.fixture(scope="module")
async def site(postgres: Databases) -> AsyncGenerator[str]:
    """A town of ten communities, most of them on the map, where a lamp was reported before."""
    async with opened_door(postgres) as door:
        for nth in range(9):
            form = {"area": f"/lakeside/east/lane-{nth}/", "name": f"Lane {nth}", "time_zone": "Asia/Shanghai"}
            made = await door.client.post(f"{API}/communities", json=form, headers=OPERATOR)
            where = {"latitude": 43.8 + nth / 100, "longitude": 87.6 + nth % 3 / 100, "buildings": ["House 3"]}
            located = f"{API}/communities/{made.json()['community_id']}:locate"
            await door.client.post(located, json=where, headers=OPERATOR)
        await door.report(category="street-light")
        await door.project()
        await door.hear_of_places()
        async with served(door.app) as address:
            yield address


@pytest.mark.parametrize(("language", "width", "scheme"), EVERY_WAY)
async def test_every_page_is_sound(chromium: Browser, site: str, language: str, width: int, scheme: Any) -> None:
    async with looking(chromium, viewport={"width": width, "height": 740}, color_scheme=scheme) as seen:
        page = seen.page
        await page.goto(f"{site}/at/lakeside.east.willow-lane?lang={language}")
        await seen.sound()
        await page.goto(site)
        await seen.sound()
        await onward(page, page.locator("button[value=fault]").click())
        await page.locator("details.map summary").click()
        await seen.sound()
        await page.get_by_text("Willow Lane").click()
        await next_question(page)
        await seen.sound()
        await page.locator("input[value=street-light]").check()
        await next_question(page)
        await expect(page.locator("input[name=same_as]")).to_have_count(2)
        await seen.sound()
        await page.locator("input[name=same_as]").last.check()
        await next_question(page)
        await seen.sound()
        await page.locator("#text").fill("The lamp by the gate is out.")
        await next_question(page)
        await next_question(page)  # without photos
        await page.locator("input[value=anonymous]").check()
        await next_question(page)
        await seen.sound()
        for address in ("/report/whole", "/at/lakeside.east.lane-3/poster"):
            await page.goto(f"{site}{address}")
            await seen.sound()
        assert await page.locator("html").get_attribute("lang") == language


async def test_at_twice_the_size_nothing_is_cut_off(chromium: Browser, site: str) -> None:
    """200 % on a window of 720 is a window of 360 at twice the pixels."""
    async with looking(chromium, viewport={"width": 360, "height": 370}, device_scale_factor=2) as seen:
        for address in ("/", "/report/whole", "/at/lakeside.east.lane-3/poster"):
            await seen.page.goto(f"{site}{address}?lang=ug")
            await seen.sound()


async def test_a_number_on_the_map_chooses_with_a_finger_by_keys_and_without_scripts(
    chromium: Browser, site: str
) -> None:
    async with looking(chromium, viewport={"width": 360, "height": 740}) as seen:
        page = seen.page
        await _to_the_communities(page, site)
        await page.get_by_role("link", name="Lane 4").click()
        await expect(page.get_by_role("radio", name="Lane 4")).to_be_checked()
        await page.get_by_role("link", name="Lane 5").press("Enter")
        await expect(page.get_by_role("radio", name="Lane 5")).to_be_checked()
        await expect(page.get_by_role("radio", name="Lane 5")).to_be_focused()
        box = await page.get_by_role("link", name="Lane 5").bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 40
        assert seen.complaints == []
    async with looking(chromium, java_script_enabled=False) as seen:
        page = seen.page
        await _to_the_communities(page, site)
        await page.get_by_role("link", name="Lane 4").press("Enter")
        await expect(page.get_by_role("radio", name="Lane 4")).to_be_focused()
        await page.keyboard.press("Space")
        await expect(page.get_by_role("radio", name="Lane 4")).to_be_checked()
        await next_question(page)
        await expect(page.locator("h1")).to_have_text("What is it about?")


async def _to_the_communities(page: Page, site: str) -> None:
    await page.goto(f"{site}/?lang=en")
    await onward(page, page.locator("button[value=fault]").click())
    await page.get_by_text("Choose on the map").click()


async def test_letters_narrow_the_list_as_they_are_typed(chromium: Browser, site: str) -> None:
    async with looking(chromium) as seen:
        page = seen.page
        await page.goto(f"{site}/?lang=en")
        await onward(page, page.locator("button[value=fault]").click())
        await page.locator("#find").press_sequentially("willow")
        await expect(page.get_by_role("radio")).to_have_count(1)
        await onward(page, page.locator("#find").press("Enter"))
        await expect(page.get_by_role("radio")).to_have_count(1)
        await page.get_by_role("radio").press("Space")
        await next_question(page)
        await expect(page.locator("h1")).to_have_text("What is it about?")
        assert seen.complaints == []


async def test_the_phone_finds_the_nearest_and_where_it_is_goes_only_where_it_is_wanted(
    chromium: Browser, site: str
) -> None:
    async with looking(chromium, geolocation=HERE, permissions=["geolocation"]) as seen:
        page = seen.page
        await page.goto(f"{site}/?lang=en")
        await onward(page, page.locator("button[value=fault]").click())
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.post_data or ""))
        await page.get_by_role("button", name="The one nearest to where I am").click()
        await expect(page.get_by_role("radio", name="Lane 1")).to_be_checked()
        await next_question(page)
        assert not any("43.81" in form for form in sent)
        await page.locator("input[value=elevator]").check()
        await next_question(page)
        await page.get_by_role("button", name="Add where I am now").click()
        spot = page.locator("input[name=spot]")
        await expect(spot).to_be_checked()
        await expect(spot).to_have_value("geo:43.81020,87.60010;u=12")
        await page.locator("#text").fill("It stands still.")
        await spot.uncheck()
        sent.clear()
        await next_question(page)
        assert sent
        assert not any("43.81" in form for form in sent)
        assert seen.complaints == []


async def test_whoever_gives_no_place_is_told_to_say_it_in_words(chromium: Browser, site: str) -> None:
    async with looking(chromium) as seen:
        page = seen.page
        await page.goto(f"{site}/at/lakeside.east.lane-1?lang=en")
        await onward(page, page.locator("button[value=fault]").click())
        await page.locator("input[value=elevator]").check()
        await next_question(page)
        await page.get_by_role("button", name="Add where I am now").click()
        await expect(page.get_by_text("Your phone could not tell where you are.")).to_be_visible()


async def test_a_poster_is_one_sheet(chromium: Browser, site: str) -> None:
    async with looking(chromium, viewport={"width": 1280, "height": 740}) as seen:
        page = seen.page
        for asked in ("", "&in=ug"):
            await page.goto(f"{site}/at/lakeside.east.lane-3/poster?lang=en{asked}")
            await expect(page.get_by_role("button", name="Print the poster")).to_be_visible()
            sheet = await page.pdf(format="A4", prefer_css_page_size=False)
            assert sheet.count(b"/Type /Page\n") == 1
        await page.emulate_media(media="print")
        await expect(page.get_by_text("Languages on the poster")).to_be_hidden()
        assert seen.complaints == []


@pytest.mark.parametrize("language", ["en", "ug"])
async def test_a_first_visit_loads_little(chromium: Browser, site: str, language: str) -> None:
    """All that is sent for the first page, what is put aside for later included; fonts are counted apart."""
    async with looking(chromium) as seen:
        page, answers = seen.page, list[Response]()
        page.context.on("response", lambda answer: answers.append(answer))
        await page.goto(f"{site}/?lang={language}", wait_until="networkidle")
        await put_aside(page)
        sizes = {answer.url: await _bytes(answer) for answer in answers}
        loaded = {url: size for url, size in sizes.items() if not url.endswith(".woff2")}
        assert any("keep." in url for url in loaded)
        assert any("/report/whole" in url for url in loaded)
        assert sum(loaded.values()) <= FIRST_LOAD_BYTES, loaded
        assert sum(loaded.values()) > 10_000, "the measure itself works"


async def _bytes(answer: Response) -> int:
    sizes = await answer.request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]
