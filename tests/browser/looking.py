"""Looking at a page as a reader's browser shows it: what it complains of, what is too wide, what axe finds."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from axe_playwright_python.async_playwright import Axe
from fastapi import FastAPI
from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.async_api import Browser, Page

from tests.conftest import free_port


@dataclass
class Seen:
    """A page, with what the browser complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list[str])

    async def sound(self) -> None:
        """Nothing complained, nothing to be reached by scrolling sideways, nothing that axe finds wrong."""
        await self.page.wait_for_load_state("load")
        assert self.complaints == []
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await self.page.evaluate(wide) == 0, self.page.url
        axe: Any = Axe()
        found = await axe.run(self.page)
        assert found.violations_count == 0, found.generate_report()


async def onward(page: Page, pressed: Awaitable[None]) -> None:
    """Press what opens another page, and wait until that is there with its scripts.

    A click returns while the browser is still on its way: what follows and waits for nothing would meet the page
    before, or break off the way.
    """
    async with page.expect_navigation():
        await pressed


@asynccontextmanager
async def looking(chromium: Browser, **how: Any) -> AsyncGenerator[Seen]:
    context = await chromium.new_context(**how)
    page = await context.new_page()
    seen = Seen(page)
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    try:
        yield seen
    finally:
        await context.close()


@asynccontextmanager
async def served(app: FastAPI, port: int | None = None) -> AsyncGenerator[str]:
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
