"""A resident who writes to whoever has their case, on an old phone: 360 px, from right to left, without scripts."""

from collections.abc import AsyncGenerator
from itertools import chain

import pytest
from playwright.async_api import Browser, expect

from services.mediation.read_models.feeds import READ_MODELS
from tests.browser.looking import looking, onward, served
from tests.conftest import Databases
from tests.mediation.test_conversation import Both, beside
from tests.services import migrated

LONG = "https://example.org/" + "a-very-long-address-without-a-space/" * 4


@pytest.fixture(scope="module")
async def both(postgres: Databases) -> AsyncGenerator[Both]:
    async with (
        migrated(postgres, "mediation", chain(*READ_MODELS.values())) as dsns,
        beside(postgres, dsns, text="كېچىدە بەك ۋاراڭ-چۇرۇڭ.", phone="138 0000") as there,
    ):
        yield there


@pytest.mark.parametrize(
    ("language", "direction", "width", "scheme"),
    [("ug", "rtl", 360, "light"), ("en", "ltr", 1280, "dark")],
)
async def test_they_write_correct_and_read_without_scripts(
    chromium: Browser, both: Both, language: str, direction: str, width: int, scheme: str
) -> None:
    await both.door.hear_of_places()
    viewport = {"width": width, "height": 740}
    async with (
        served(both.door.app) as address,
        looking(chromium, viewport=viewport, color_scheme=scheme, java_script_enabled=False) as seen,
    ):
        page = seen.page
        await page.goto(f"{address}/case?lang={language}")
        await page.locator("#words").fill(both.receipt)
        await onward(page, page.locator(".steps .button").click())
        await expect(page.locator("html")).to_have_attribute("dir", direction)
        await page.locator("#message").fill(f"It is the drums. {LONG}")
        await onward(page, page.locator(".conversation .button").click())
        await both.tracker("write", message="Which floor?")
        await page.goto(f"{address}/case?lang={language}")
        await expect(page.locator(".said .theirs .words").last).to_have_text("Which floor?")
        await expect(page.locator(".said .mine .words").last).to_contain_text("It is the drums.")
        await seen.fits()
        await page.locator("details:has(a[href='/case/correct']) > summary").click()
        await onward(page, page.locator("a[href='/case/correct']").click())
        await page.locator("#text").fill("Loud from ten to two.")
        await page.locator("#phone").fill("by night")
        await onward(page, page.locator(".onward .button").click())
        await expect(page.locator("#phone")).to_have_attribute("aria-invalid", "true")
        seen.complaints.clear()  # of the answer's status, which is meant
        await seen.fits()
        await page.locator("#phone").fill("")
        await onward(page, page.locator(".onward .button").click())
        await expect(page.locator(".notice.good")).to_be_visible()
    await both.carry()
    assert (await both.follow())["story"][0]["what"] == "corrected"


@pytest.mark.parametrize(("language", "width"), [("ug", 360), ("zh", 1280)])
async def test_the_case_and_its_correction_are_sound(chromium: Browser, both: Both, language: str, width: int) -> None:
    await both.tracker("write", message="Which floor?")
    async with (
        served(both.door.app) as address,
        looking(chromium, viewport={"width": width, "height": 740}) as seen,
    ):
        page = seen.page
        await page.goto(f"{address}/case?lang={language}")
        await page.locator("#words").fill(both.receipt)
        await onward(page, page.locator(".steps .button").click())
        await seen.sound()
        await page.goto(f"{address}/case/correct")
        await seen.sound()
