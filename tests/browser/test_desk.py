"""/desk in a real Chromium: by keys alone, at every width, in both directions, and a word when a case has changed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, expect

from services.chassis.auth import Staff
from services.chassis.signin.sessions import Sessions
from services.contracts.registry import UnitRegistered, unit_stream
from services.mediation.read_models.feeds import READ_MODELS, REGISTRY_CONSUMER
from tests.browser.looking import Seen, looking, onward, served
from tests.conftest import Databases
from tests.mediation.happened import WILLOW_LANE
from tests.mediation.office import Office, opened_office, recorded
from tests.services import keyed, migrated, staff

WIDE = {"width": 1280, "height": 800}
CADRE = staff("cadre", WILLOW_LANE, subject="bao")


@dataclass(frozen=True, slots=True)
class Site:
    address: str
    office: Office


@pytest.fixture(scope="module")
async def site(postgres: Databases) -> AsyncGenerator[Site]:
    """Mediation without Kafka, served on a port."""
    async with (
        migrated(postgres, "mediation", chain(*READ_MODELS.values())) as dsns,
        opened_office(dsns) as office,
        served(office.app) as address,
    ):
        await office.register()
        unit = UnitRegistered(unit="water", area=WILLOW_LANE, name="Water company")
        await office.told(REGISTRY_CONSUMER, recorded(unit, unit_stream("water"), WILLOW_LANE, source="mediation"))
        yield Site(address, office)


@asynccontextmanager
async def desk(chromium: Browser, site: Site, path: str = "", lang: str = "en", **how: Any) -> AsyncGenerator[Seen]:
    """A page of the desk, open for mei."""
    sessions = Sessions("mediation", site.office.service.worker)
    cookie: Any = {
        "name": sessions.cookie,
        "value": await sessions.begin(Staff("mei", frozenset({"cadre"}), (WILLOW_LANE,))),
        "url": site.address.replace("http:", "https:"),
        "secure": True,
        "httpOnly": True,
    }
    async with looking(chromium, viewport=how.pop("viewport", WIDE), **how) as seen:
        await seen.page.context.add_cookies([cookie])
        await seen.page.goto(f"{site.address}/desk{path}?lang={lang}")
        yield seen


async def changed(site: Site, case: UUID) -> None:
    path = f"/api/mediation/v1/cases/{case}/acknowledge"
    answer = await site.office.client.post(path, headers={**CADRE, **keyed()})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("lang", "width", "scheme"),
    [("en", 360, "light"), ("zh", 1280, "light"), ("ug", 360, "dark"), ("kk-Arab", 1280, "dark"), ("kk", 360, "light")],
)
async def test_it_is_sound_on_every_width_in_every_language(
    chromium: Browser, site: Site, lang: str, width: int, scheme: str
) -> None:
    [case] = await site.office.report()
    viewport = {"width": width, "height": 800}
    for path in ("", f"/cases/{case}", "/sign-out"):
        async with desk(chromium, site, path, lang, viewport=viewport, color_scheme=scheme) as seen:
            await seen.sound()
            for folded in await seen.page.locator("details").all():
                await folded.evaluate("it => { it.open = true }")
            await seen.sound()
            if path.startswith("/cases") and width == 360:
                await seen.page.locator('a[href="#actions"]').click()
                await expect(seen.page.locator("#actions")).to_be_visible()
                await expect(seen.page.locator("#promises")).to_be_hidden()
                await seen.sound()


async def test_the_day_s_work_needs_no_mouse(chromium: Browser, site: Site) -> None:
    await site.office.report(times=2)
    async with desk(chromium, site) as seen:
        page, keys = seen.page, seen.page.keyboard
        await keys.press("?")
        await expect(page.locator("#keys")).to_be_visible()
        await keys.press("j")
        await keys.press("Escape")
        await expect(page.locator("#keys")).to_be_hidden()
        for _ in "jj":
            await keys.press("j")
        second = page.locator("a.row").nth(1)
        await expect(second).to_be_focused()
        await keys.press("k")
        await expect(page.locator("a.row").first).to_be_focused()
        await onward(page, keys.press("Enter"))
        await keys.press("w")
        await expect(page.locator("#promises details[open]")).to_have_count(1)

        await keys.press("a")
        await onward(page, keys.press("Enter"))
        await expect(page.get_by_role("status").first).to_have_text("You have taken the case on.")
        await keys.press("d")
        await page.locator("#dispatch-unit").select_option("water")
        await page.locator("#dispatch-shared").fill("r is a letter here, and e another.")
        await onward(page, page.get_by_role("button", name="Hand it over").press("Enter"))
        await expect(page.locator("#link")).to_be_visible()
        await keys.press("e")
        await expect(page.locator("details[data-act=escalate]")).to_have_attribute("open", "")
        await keys.press("/")
        await expect(page.locator("#find")).to_be_focused()
        await seen.sound()


async def test_an_open_page_says_when_somebody_changed_its_case(chromium: Browser, site: Site) -> None:
    [case] = await site.office.report()
    async with desk(chromium, site, f"/cases/{case}") as seen:
        hint = seen.page.locator("[data-changed]")
        async with seen.page.expect_response("**/version"):
            await seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await expect(hint).to_be_hidden()
        await changed(site, case)
        await seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await expect(hint).to_be_visible()
        await onward(seen.page, hint.get_by_role("link").click())
        await expect(seen.page.locator("#file")).to_contain_text("bao has it")
        await seen.sound()


async def test_a_refused_form_keeps_what_was_typed_without_scripts(chromium: Browser, site: Site) -> None:
    [case] = await site.office.report()
    async with desk(chromium, site, f"/cases/{case}", java_script_enabled=False) as seen:
        page = seen.page
        await page.locator("details[data-act=resolve] summary").click()
        await page.locator("#resolve-resolution").select_option("mediated")
        await page.locator("#resolve-explanation").fill("They agreed.")
        await onward(page, page.get_by_role("button", name="Look at what they will be told").click())
        await expect(page.locator(".letter")).to_contain_text("They agreed.")
        await onward(page, page.get_by_role("button", name="Resolve and tell the resident").click())
        refused = "No session ended in agreement; record the one that did, or resolve it otherwise."
        await expect(page.get_by_role("alert")).to_have_text(refused)
        await expect(page.locator("#resolve-explanation")).to_have_value("They agreed.")
