"""What others made runs under our policy: htmx swaps a part of a page, and nothing inline is asked for."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser, expect

from services.chassis.web.pages import Assets, Pages
from tests.browser.looking import served

PAGE = """{% extends "base.html" %}
{% block content %}
<button id="more" hx-get="/part" hx-target="#here">More</button><p id="here">Nothing yet</p>
{% endblock %}
"""


@pytest.fixture
async def address(tmp_path: Path) -> AsyncGenerator[str]:
    (tmp_path / "page.html").write_text(PAGE)
    assets = Assets("/assets")
    pages = Pages(tmp_path, assets, ("tokens.css", "base.css"), ("htmx.min.js", "hx-sse.min.js"))
    app = FastAPI()
    app.include_router(assets.router())

    @app.get("/")
    async def page() -> Response:
        return pages.render("page.html", {})

    @app.get("/part")
    async def part(request: Request) -> Response:
        return HTMLResponse("Fetched" if "HX-Request" in request.headers else "Opened")

    async with served(app) as address:
        yield address


async def test_htmx_runs_under_our_policy(chromium: Browser, address: str) -> None:
    page = await chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(address)
    await page.locator("#more").click()
    await expect(page.locator("#here")).to_have_text("Fetched")
    assert complaints == []
    await page.close()
