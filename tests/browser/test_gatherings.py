"""Gatherings in a real Chromium: announced by staff, signed up for by a resident, every width and direction."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from services.chassis.clock import now
from tests.browser.looking import EACH_LANGUAGE, looking, onward, served
from tests.browser.test_counter import Site, counter
from tests.conftest import Databases
from tests.intake.door import API, AREA, opened_door
from tests.services import keyed, staff


@pytest.fixture(scope="module")
async def site(postgres: Databases) -> AsyncGenerator[Site]:
    """Intake without Kafka, served on a port."""
    async with opened_door(postgres) as door, served(door.app) as address:
        await door.hear_of_places()
        yield Site(address, door)


async def announced(site: Site, title: str = "What a will needs") -> str:
    begins = now().replace(microsecond=0) + timedelta(days=3)
    times = {"starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=2)).isoformat()}
    form = {"community": site.door.community, "kind": "lecture", "title": title, "place": "Reading room", "seats": 40}
    headers = {**staff("cadre", AREA, subject="mei"), **keyed()}
    answer = await site.door.client.post(f"{API}/gatherings", json={**form, **times}, headers=headers)
    assert answer.status_code == 201, answer.text
    await site.door.project()
    return answer.json()["gathering_id"]


@pytest.mark.parametrize(("lang", "width", "scheme"), EACH_LANGUAGE)
async def test_they_are_sound_on_every_width_in_every_language(
    chromium: Browser, site: Site, lang: str, width: int, scheme: str
) -> None:
    gathering = await announced(site)
    how: dict[str, Any] = {"viewport": {"width": width, "height": 740}, "color_scheme": scheme}
    async with looking(chromium, **how) as seen:
        for path in ("/gatherings", f"/gatherings/{gathering}"):
            await seen.page.goto(f"{site.address}{path}?lang={lang}")
            await seen.sound()
        await seen.page.locator("details summary").click()
        await seen.sound()
    for path in ("/gatherings", f"/gatherings/{gathering}"):
        async with counter(chromium, site, path, lang, **how) as seen:
            for folded in await seen.page.locator("details").all():
                await folded.evaluate("it => { it.open = true }")
            await seen.sound()


async def test_a_resident_signs_up_and_off_with_seven_words(chromium: Browser, site: Site) -> None:
    gathering = await announced(site)
    async with looking(chromium, java_script_enabled=False, viewport={"width": 360, "height": 740}) as seen:
        page = seen.page
        await page.goto(f"{site.address}/gatherings/{gathering}?lang=en")
        await page.locator("#people").fill("2")
        await page.locator("#reach").fill("138 0000 0000")
        await onward(page, page.get_by_role("button", name="Sign up").click())
        words = " ".join(await page.locator(".receipt b").all_inner_texts())
        assert len(words.split()) == 7
        await page.goto(f"{site.address}/gatherings/{gathering}")
        await page.get_by_text("I signed up and can't come").click()
        await page.locator("#words").fill(words)
        await onward(page, page.get_by_role("button", name="Sign off").click())
        await expect(page.get_by_role("status")).to_contain_text("You are signed off.")
        assert seen.complaints == []


async def test_staff_announce_by_keyboard_and_take_down_what_is_voiced(chromium: Browser, site: Site) -> None:
    day = (now() + timedelta(days=4)).date()
    async with counter(chromium, site, "/gatherings") as seen:
        page = seen.page
        form = page.locator("form.entry")
        if not await form.is_visible():
            await page.get_by_text("Announce a gathering").click()
        await page.get_by_label("Bench meeting").focus()
        await page.keyboard.press("Space")
        await page.locator("#title").fill("On the bench at gate 3")
        await page.locator("#place").fill("Gate 3")
        await page.locator("#day").fill(day.isoformat())
        await page.locator("#begins").fill("09:30")
        await page.locator("#ends").fill("10:30")
        await onward(page, page.locator("#ends").press("Enter"))
        await expect(page.get_by_role("status")).to_contain_text("It is stored")  # nothing brings it here without Kafka
        await site.door.project()
        await page.reload()
        await onward(page, page.get_by_role("link", name="On the bench at gate 3").click())
        await expect(page.locator("h1")).to_have_text("On the bench at gate 3")
        await onward(page, page.get_by_role("link", name="Take down what somebody says").press("Enter"))
        await expect(page.locator(".kicker").first).to_have_text("Voiced at: On the bench at gate 3")
        await expect(page.locator("#about")).to_be_focused()
        await page.keyboard.type("rehab")
        await page.keyboard.press("Tab")
        await page.keyboard.type("A ramp at gate 3.")
        await onward(page, page.get_by_role("button", name="Enter it").press("Enter"))
        await site.door.project()
        await onward(page, page.get_by_role("link", name="To the meeting").click())
        await expect(page.get_by_role("link", name="Rehabilitation")).to_be_visible()
        await seen.sound()
