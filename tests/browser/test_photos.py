"""Photos in a real Chromium: with a report and without a script, added to a case, and seen at the desk."""

from collections.abc import AsyncGenerator
from itertools import chain
from uuid import UUID

import pytest
from playwright.async_api import Browser, FilePayload, Page, Route, expect

from services.mediation.read_models.feeds import COMMANDS_CONSUMER, READ_MODELS
from tests.browser import test_desk
from tests.browser.looking import looking, next_question, onward, served
from tests.browser.test_desk import desk
from tests.browser.test_resident import Site, site
from tests.conftest import Databases
from tests.intake.door import API
from tests.intake.pictures import jpeg, png
from tests.mediation.office import opened_office, recorded, reported
from tests.services import migrated

__all__ = ["site"]


def chosen(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


async def shown(page: Page, count: int) -> None:
    """So many pictures, each of them arrived."""
    await expect(page.locator(".photos img")).to_have_count(count)
    await page.wait_for_load_state("load")
    sizes = await page.locator(".photos img").evaluate_all("all => all.map(one => one.naturalWidth)")
    assert all(sizes), sizes


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize(("language", "width"), [("zh", 360), ("ug", 360), ("en", 1280)])
async def test_a_report_is_sent_with_photos(
    chromium: Browser, site: Site, language: str, width: int, *, scripts: bool
) -> None:
    how = {"viewport": {"width": width, "height": 740}, "java_script_enabled": scripts}
    async with looking(chromium, **how) as seen:
        page = seen.page

        async def sound() -> None:
            # What looks for faults is a script itself.
            if scripts:
                await seen.sound()

        await page.goto(f"{site.address}/?lang={language}")
        await onward(page, page.locator("button[value=fault]").click())
        await page.locator("input[name=community]").first.check()
        await next_question(page)
        await page.locator("input[value=water-leak]").check()
        await next_question(page)
        if not await page.locator("#text").count():
            await next_question(page)  # not one of those that earlier tests reported
        await page.locator("#text").fill("A pipe burst.")
        await next_question(page)
        await sound()
        await page.locator("#photos").set_input_files(chosen("page.pdf", b"%PDF-1.7"))
        await onward(page, page.locator("button[value=next].wide").click())
        await expect(page.get_by_role("alert")).to_be_visible()
        seen.complaints.clear()  # of the answer's status, which is meant
        await sound()
        await page.locator("#photos").set_input_files([chosen("a.jpg", jpeg(1600, 1200)), chosen("b.png", png())])
        await onward(page, page.locator("button[value=photos]").click())
        await shown(page, 2) if scripts else await expect(page.locator(".photos img")).to_have_count(2)
        await sound()
        await onward(page, page.locator("button[name=remove]").first.click())
        await expect(page.locator(".photos img")).to_have_count(1)
        await onward(page, page.locator("button[value=next].wide").click())
        await page.locator("input[value=anonymous]").check()
        await onward(page, page.locator("button[value=back]").click())
        await expect(page.locator(".photos img")).to_have_count(1)
        await onward(page, page.locator("button[value=next].wide").click())
        await page.locator("input[value=anonymous]").check()
        await onward(page, page.locator("button[value=next].wide").click())
        await sound()
        await onward(page, page.locator("button[value=send]").click())
        await expect(page).to_have_url(f"{site.address}/case/sent")
        receipt = " ".join(await page.locator(".receipt b").all_inner_texts())
        told = await site.door.client.get(f"{API}/case", headers={"Doorstep-Receipt": receipt})
        assert len(told.json()["photos"]) == 1
        await site.door.project()
        await onward(page, page.locator("a[href='/case']").click())
        await page.locator("#photos").set_input_files(chosen("c.jpg", jpeg(64, 480, "maroon")))
        await onward(page, page.locator(".album button:not([name])").click())
        await shown(page, 2) if scripts else await expect(page.locator(".photos img")).to_have_count(2)
        await sound()
        assert seen.complaints == []


async def test_everything_to_press_is_as_large_as_a_thumb(chromium: Browser, site: Site) -> None:
    async with looking(chromium, viewport={"width": 360, "height": 740}) as seen:
        page = seen.page
        report = await site.door.report()
        headers = {"Doorstep-Receipt": report["receipt"]}
        await site.door.client.post(f"{API}/case:add-photo", content=jpeg(), headers=headers)
        await page.goto(f"{site.address}/case?lang=ug")
        await page.locator("#words").fill(report["receipt"])
        await onward(page, page.locator(".onward button").click())
        for pressed in await page.locator(".album :is(a, button, input, summary)").all():
            box = await pressed.bounding_box()
            assert box is not None
            assert box["height"] >= 44
            assert box["width"] >= 44


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ug", 360)])
async def test_photos_are_seen_at_the_desk(
    chromium: Browser, site: Site, office: test_desk.Site, language: str, width: int
) -> None:
    """The desk's page names them, intake shows them: the gateway that makes them one site is stood in for."""
    report = await site.door.report(text="A pipe burst.")
    for colour in ("teal", "maroon"):
        headers = {"Doorstep-Receipt": report["receipt"]}
        await site.door.client.post(f"{API}/case:add-photo", content=jpeg(800, 600, colour), headers=headers)
    case = UUID(report["case_id"])
    await office.office.told(COMMANDS_CONSUMER, recorded(reported(), case))
    how = {"viewport": {"width": width, "height": 800}}
    async with desk(chromium, office, f"/cases/{case}", language, **how) as seen:
        page = seen.page

        async def through_the_gateway(route: Route) -> None:
            path = route.request.url.removeprefix(office.address)
            answer = await site.door.client.get(path)
            await route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

        await page.route("**/photos/*", through_the_gateway)
        await page.locator("#report summary").click()
        await onward(page, page.locator("#report form button").click())
        await shown(page, 2)
        await seen.sound()
    told = await site.door.client.get(f"{API}/case", headers={"Doorstep-Receipt": report["receipt"]})
    assert {(look["who"], look["purpose"]) for look in told.json()["looks"]} == {("mei", "casework")}


@pytest.fixture(scope="module")
async def office(postgres: Databases, site: Site) -> AsyncGenerator[test_desk.Site]:
    """Mediation, beside an intake that it can ask."""
    async with (
        migrated(postgres, "mediation", chain(*READ_MODELS.values())) as dsns,
        opened_office(dsns, intake_url=site.address) as office,
        served(office.app) as address,
    ):
        await office.register()
        yield test_desk.Site(address, office)
