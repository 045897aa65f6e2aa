"""Looking at a page as a reader's browser shows it: what it complains of, what is too wide, what axe finds."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.async_api import Browser, Page
from starlette.types import ASGIApp

from tests.conftest import free_port

PATIENCE_MS = 30_000
"""How long a page may take to show what is expected of it: no test waits so long, but on a machine that is busy."""

EVERY_WAY = (
    ("en", 360, "light"),
    ("en", 1280, "dark"),
    ("zh", 1280, "light"),
    ("zh", 360, "dark"),
    ("ug", 360, "dark"),
    ("ug", 1280, "light"),
    ("kk-Arab", 1280, "dark"),
    ("kk-Arab", 360, "light"),
    ("kk", 360, "light"),
    ("kk", 1280, "dark"),
)
"""How pages are looked at: the language, the width of the window, the colours."""
EACH_LANGUAGE = EVERY_WAY[::2]
"""The same in one way each, of both widths and directions."""
WALKS = [
    pytest.param(
        *way,
        scripts,
        id=f"{way[0]}-{way[1]}-{'scripts' if scripts else 'no-scripts'}",
        marks=() if way in at_once else pytest.mark.long,
    )
    for scripts, at_once in ((True, EACH_LANGUAGE), (False, [("ug", 360, "dark")]))
    for way in EVERY_WAY
]
"""Every way with scripts and without: a few of them at once, the rest with what takes long."""

SCRIPT = re.compile(r"<script\b[^>]*></script>")
PUT_ASIDE = """async () => {
  const ready = async () => (await navigator.serviceWorker.ready).active.state === "activated";
  const own = () => sessionStorage.getItem("doorstep-form") === document.documentElement.lang;
  while (!(await ready()) || !own()) await new Promise(requestAnimationFrame);
}"""
"""Page.wait_for_function does not wait for what a promise holds."""


@dataclass
class Seen:
    """A page, with what the browser complained of.

    `drawn` is another, for what is seen without scripts: what looks for faults is a script itself, so that it looks at
    the same text with the same styles there.
    """

    page: Page
    complaints: list[str] = field(default_factory=list[str])
    drawn: Page | None = None

    async def sound(self) -> None:
        """Nothing complained, nothing to be reached by scrolling sideways, nothing that axe finds wrong."""
        await self.page.wait_for_load_state("load")
        await self.fits()
        axe: Any = Axe()
        found = await axe.run(await self._as_drawn(self.drawn) if self.drawn else self.page)
        assert found.violations_count == 0, found.generate_report()

    async def fits(self) -> None:
        """Nothing complained, nothing to be reached by scrolling sideways."""
        assert self.complaints == [], f"{self.page.url}: {self.complaints}"
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await self.page.evaluate(wide) == 0, self.page.url

    async def _as_drawn(self, drawn: Page) -> Page:
        here = f'<head><base href="{self.page.url}">'
        await drawn.set_content(SCRIPT.sub("", await self.page.content()).replace("<head>", here, 1))
        return drawn


async def onward(page: Page, pressed: Awaitable[None]) -> None:
    """Press what opens another page, and wait until that is there with its scripts.

    A click returns while the browser is still on its way: what follows and waits for nothing would meet the page
    before, or break off the way.
    """
    async with page.expect_navigation():
        await pressed


async def next_question(page: Page) -> None:
    await onward(page, page.locator(".onward .button").click())


async def until_told(page: Page, words: str) -> None:
    """Look again until the page says so: what others do reaches it within moments."""
    async with asyncio.timeout(2 * PATIENCE_MS / 1000):
        while words not in await page.locator("main").inner_text():
            await page.reload()


async def put_aside(page: Page) -> None:
    """Wait until the browser has put aside what the form needs without a connection, in the language of the page."""
    await page.wait_for_load_state("load")
    await asyncio.wait_for(page.evaluate(PUT_ASIDE), PATIENCE_MS / 1000)


@asynccontextmanager
async def looking(chromium: Browser, **how: Any) -> AsyncGenerator[Seen]:
    context = await chromium.new_context(**how)
    page = await context.new_page()
    seen = Seen(page)
    if how.get("java_script_enabled") is False:
        still: dict[str, Any] = {**how, "java_script_enabled": True, "reduced_motion": "reduce"}
        seen.drawn = await chromium.new_page(**still)
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    try:
        yield seen
    finally:
        await context.close()
        if seen.drawn:
            await seen.drawn.close()


@asynccontextmanager
async def served(app: ASGIApp, port: int | None = None) -> AsyncGenerator[str]:
    """The address of an application that is otherwise running already."""
    port = port or free_port()
    server = Server(app, port=port, interface=Interfaces.ASGINL, log_enabled=False, log_access=False)
    serving = asyncio.create_task(server.serve())
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client, asyncio.timeout(20):
            while True:
                try:
                    await client.get(f"{address}/nothing")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        yield address
    finally:
        server.stop()
        await serving
