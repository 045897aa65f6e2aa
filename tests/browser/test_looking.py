"""What looks at pages does find what is wrong with them, with scripts and without."""

import pytest
from playwright.async_api import Browser

from tests.browser.looking import looking

SOUND = "<!doctype html><html lang=en><title>A page</title><main><h1>A page</h1></main></html>"
WRONG = {
    "nothing says what it shows": "<img src='data:,'>",
    "too wide": "<p style='width: 200vw'>Far out</p>",
    "too pale": "<p style='color: #ddd'>Hardly there</p>",
}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
async def test_a_sound_page_is_sound_and_another_is_not(chromium: Browser, *, scripts: bool) -> None:
    async with looking(chromium, java_script_enabled=scripts) as seen:
        await seen.page.set_content(SOUND)
        await seen.sound()
        for wrong in WRONG.values():
            await seen.page.set_content(SOUND.replace("</main>", f"{wrong}</main>"))
            with pytest.raises(AssertionError):
                await seen.sound()


async def test_what_the_browser_complains_of_is_heard(chromium: Browser) -> None:
    async with looking(chromium) as seen:
        await seen.page.set_content(SOUND.replace("<main>", "<script>console.error('it broke')</script><main>"))
        with pytest.raises(AssertionError, match="it broke"):
            await seen.sound()
