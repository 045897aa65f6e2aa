"""The board in a real Chromium: both directions, both widths, light and dark, its numbers and its events."""

from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import Browser, expect

from tests.browser.looking import looking, onward, served
from tests.conftest import Databases
from tests.reporting import constituents
from tests.reporting.bureau import bureau, registered
from tests.services import staff


@pytest.fixture(scope="module")
async def board(postgres: Databases) -> AsyncGenerator[str]:
    """The board of the committed sample of casework."""
    sample = constituents.read(constituents.SAMPLE)
    async with bureau(postgres) as opened:
        events = [event for work in sample for event in constituents.events_of(work)]
        await opened.learn(registered({work.area for work in sample}) + events)
        async with served(opened.app) as address:
            yield f"{address}/board"


@pytest.mark.parametrize(
    ("language", "width", "scheme"),
    [("en", 360, "dark"), ("zh", 1280, "light"), ("ug", 360, "light"), ("kk-Arab", 1280, "dark")],
)
async def test_the_board_is_sound_in_every_direction(
    chromium: Browser, board: str, language: str, width: int, scheme: str
) -> None:
    how = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    async with looking(chromium, **how, extra_http_headers=staff("manager", "/nyc/")) as seen:
        await seen.page.goto(f"{board}?lang={language}")
        await expect(seen.page.locator("html")).to_have_attribute("lang", language)
        await expect(seen.page.locator(".number-card")).to_have_count(10)
        await seen.sound()
        await onward(seen.page, seen.page.locator(".number-card .value a").first.click())
        await expect(seen.page.locator(".events")).to_be_visible()
        await seen.sound()
