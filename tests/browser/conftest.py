"""A real Chromium; without one these tests are skipped, with a word."""

import shutil
from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.looking import PATIENCE_MS, served

__all__ = ["chromium", "served"]

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"))), None
)
"""The shell, without what only a person at a screen needs, takes less than half the processor's time for a page."""


@pytest.fixture(scope="session")
async def chromium() -> AsyncGenerator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: nothing was looked at in a browser")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()
