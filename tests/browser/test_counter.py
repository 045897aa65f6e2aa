"""/counter in a real Chromium: an entry by keyboard alone, every width and direction, forms as they are printed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from services.chassis.auth import Staff
from services.chassis.signin.sessions import Sessions
from services.chassis.web.languages import Language, translator
from services.intake.pages.about import choices, meant
from tests.browser.looking import EACH_LANGUAGE, WALKS, Seen, looking, onward, served
from tests.conftest import Databases
from tests.intake.door import API, AREA, FrontDoor, opened_door

WIDE = {"width": 1280, "height": 800}


@dataclass(frozen=True, slots=True)
class Site:
    address: str
    door: FrontDoor


@pytest.fixture(scope="module")
async def site(postgres: Databases) -> AsyncGenerator[Site]:
    """Intake without Kafka, served on a port."""
    async with opened_door(postgres) as door, served(door.app) as address:
        await door.hear_of_places()
        yield Site(address, door)


@asynccontextmanager
async def counter(chromium: Browser, site: Site, path: str = "", lang: str = "en", **how: Any) -> AsyncGenerator[Seen]:
    """A page of the counter, open for mei."""
    sessions = Sessions("intake", site.door.service.worker)
    cookie: Any = {
        "name": sessions.cookie,
        "value": await sessions.begin(Staff("mei", frozenset({"cadre"}), (AREA,))),
        "url": site.address.replace("http:", "https:"),
        "secure": True,
        "httpOnly": True,
    }
    async with looking(chromium, viewport=how.pop("viewport", WIDE), **how) as seen:
        await seen.page.context.add_cookies([cookie])
        await seen.page.goto(f"{site.address}/counter{path}{'&' if '?' in path else '?'}lang={lang}")
        yield seen


async def case_of(site: Site, receipt: str) -> dict[str, Any]:
    await site.door.project()
    found = await site.door.client.get(f"{API}/case", headers={"Doorstep-Receipt": receipt})
    assert found.status_code == 200, found.text
    return found.json()


@pytest.mark.parametrize(("lang", "width", "scheme"), EACH_LANGUAGE)
async def test_it_is_sound_on_every_width_in_every_language(
    chromium: Browser, site: Site, lang: str, width: int, scheme: str
) -> None:
    how: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    async with counter(chromium, site, "", lang, **how) as seen:
        page = seen.page
        await seen.sound()
        await page.locator("input[name=ended]").nth(1).check()
        await seen.sound()
        seen.complaints.clear()
        async with page.expect_navigation():
            await page.locator("form.entry button").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        assert [one for one in seen.complaints if "422" not in one] == []
        seen.complaints.clear()
        await seen.sound()
    async with counter(chromium, site, "/blank-forms", lang, **how) as seen:
        await seen.sound()


@pytest.mark.parametrize(("lang", "width", "scheme", "scripts"), WALKS)
async def test_a_drop_in_is_entered_by_keyboard_alone(
    chromium: Browser, site: Site, lang: str, width: int, scheme: str, *, scripts: bool
) -> None:
    """Typed as a person types: letters, the tabulator, Enter."""
    language = translator(lang, "intake")
    async with counter(chromium, site, "", lang, **way(width, scheme, scripts=scripts)) as seen:
        page, keys = seen.page, seen.page.keyboard
        await expect(page.locator("#about")).to_be_focused()
        await seen.sound()
        strokes = 0

        async def typing(text: str) -> None:
            nonlocal strokes
            await keys.type(text)
            strokes += len(text)

        async def press(key: str) -> None:
            nonlocal strokes
            await keys.press(key)
            strokes += 1

        await typing(beginning_of("water-leak", language))
        await press("Tab")
        await typing(language.gettext("a pipe, a lamp, the lift, a tree"))
        await press("Tab")
        await typing("3-5")
        await press("Tab")
        await typing("138 0000 0000")
        await press("Enter")
        await page.wait_for_url(f"{site.address}/counter")
        await expect(page.locator("h1")).to_have_text(language.gettext("Entered"))
        await seen.sound()
        assert strokes < 80, "a practised hand types these in half a minute"
        receipt = " ".join(await page.locator(".receipt b").all_inner_texts())
        assert (await case_of(site, receipt))["category"] == "water-leak"
        await expect(page.get_by_role("link", name=language.gettext("Next entry"))).to_be_focused()
        await onward(page, keys.press("Enter"))
        await expect(page.locator("#about")).to_be_focused()
        assert seen.complaints == []


@pytest.mark.parametrize(("lang", "width", "scheme", "scripts"), WALKS)
async def test_a_talk_ends_at_the_counter_by_keyboard_alone(
    chromium: Browser, site: Site, lang: str, width: int, scheme: str, *, scripts: bool
) -> None:
    language = translator(lang, "intake")
    async with counter(chromium, site, "", lang, **way(width, scheme, scripts=scripts)) as seen:
        page, keys = seen.page, seen.page.keyboard
        await expect(page.locator("#about")).to_be_focused()
        await keys.type(beginning_of("loneliness", language))
        await keys.press("Tab")
        await keys.type("It is quiet since she died.")
        ending = page.locator("input[name=ended]").first
        for _ in range(20):
            await keys.press("Tab")
            if await ending.evaluate("it => it === document.activeElement"):
                break
        await expect(page.locator("#told")).to_be_hidden()
        for _ in range(2):
            await keys.press("ArrowDown")
        await expect(page.locator("#told")).to_be_visible()
        await seen.sound()
        await keys.press("Tab")
        await keys.type("There is tea on Tuesdays, and somebody to fetch him.")
        await keys.press("Tab")
        await onward(page, keys.press("Enter"))
        await expect(page.locator("main")).to_contain_text(
            language.gettext("It ended here, and you are named as who answered it. Nobody is alerted.")
        )
        await seen.sound()


def way(width: int, scheme: str, *, scripts: bool) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "java_script_enabled": scripts}


def beginning_of(category: str, language: Language) -> str:
    """So much of its name as means no other."""
    offered = choices(language)
    [one] = [one for one in offered if one.category == category]
    beginnings = (one.name[:letters] for letters in range(1, len(one.name) + 1))
    return next(beginning for beginning in beginnings if meant(beginning, offered) == [one])


async def test_a_fault_is_where_the_next_key_goes(chromium: Browser, site: Site) -> None:
    async with counter(chromium, site, java_script_enabled=False) as seen:
        page, keys = seen.page, seen.page.keyboard
        await page.locator("#text").fill("Who plants trees here?")
        await page.locator("#about").fill("another")
        await onward(page, page.locator("#about").press("Enter"))
        await expect(page.locator("select#about")).to_be_focused()
        await expect(page.locator("#text")).to_have_value("Who plants trees here?")
        await keys.type("Another idea")
        await onward(page, page.get_by_role("button", name="Enter it").press("Enter"))
        await expect(page.locator("main")).to_contain_text("It stands on the list of ideas")


@pytest.mark.parametrize("lang", ["zh", "ug", "kk-Arab", "kk", "en"])
async def test_each_form_is_printed_on_one_sheet(chromium: Browser, site: Site, lang: str) -> None:
    async with counter(chromium, site, "/blank-forms?copies=5", lang) as seen:
        printed = await seen.page.pdf(format="A4", prefer_css_page_size=True)
        assert printed.count(b"/Type /Page\n") == 5


async def test_the_code_on_a_form_leads_to_typing_it_in_and_a_second_time_to_its_case(
    chromium: Browser, site: Site
) -> None:
    async with counter(chromium, site, "/blank-forms") as seen:
        number = (await seen.page.locator(".numbered p").inner_text()).replace(" ", "")
    async with counter(chromium, site, f"/form?number={number}") as seen:
        page = seen.page
        await expect(page.locator("#about")).to_be_focused()
        await page.keyboard.type("golden")
        await page.keyboard.press("Tab")
        await page.keyboard.type("A bench at the bus stop.")
        await onward(page, page.get_by_role("button", name="Enter it").press("Enter"))
        await expect(page.locator("h1")).to_have_text("Entered")
    async with counter(chromium, site, f"/form?number={number}") as seen:
        await expect(seen.page.locator("h1")).to_have_text("This form was typed in before")
        await seen.sound()
