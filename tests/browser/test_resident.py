"""The residents' pages in a real Chromium: both widths and directions, light and dark, without scripts too."""

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from services.chassis.clock import now
from services.contracts.cases import CaseAcknowledged
from services.contracts.deadlines import Rule
from services.intake.pages import receipt_code
from tests.browser.looking import EACH_LANGUAGE, Seen, looking, next_question, onward, served
from tests.conftest import Databases
from tests.intake.door import API, FrontDoor, opened_door
from tests.intake.test_residents_case import deadline, from_mediation, opened, resolved
from tests.services import keyed, staff


@dataclass
class Site:
    address: str
    door: FrontDoor


@pytest.fixture(scope="module")
async def site(postgres: Databases) -> AsyncGenerator[Site]:
    """Intake with two communities, served on a port."""
    async with opened_door(postgres) as door:
        form = {"area": "/lakeside/east/old-mill/", "name": "Old Mill", "time_zone": "Asia/Shanghai"}
        await door.client.post(f"{API}/communities", json=form, headers=staff("operator"))
        await door.hear_of_places()
        async with served(door.app) as address:
            yield Site(address, door)


async def report(seen: Seen, site: Site, language: str, *, check: bool) -> str:
    """From the first question to the receipt."""
    page = seen.page
    await page.goto(f"{site.address}/?lang={language}")
    sound = seen.sound if check else _nothing
    await sound()
    await onward(page, page.locator("button[value=listening]").click())
    await sound()
    await page.locator("input[name=community]").first.check()
    await next_question(page)
    await sound()
    await page.locator("input[name=category]").first.check()
    await next_question(page)
    await page.locator("#text").fill("It is quiet here since she died.")
    await sound()
    await next_question(page)
    await sound()
    await next_question(page)
    await page.locator("input[value=me]").check()
    await page.locator("#phone").fill("138 0000 0000")
    await sound()
    await next_question(page)
    await sound()
    await onward(page, page.locator("button[value=send]").click())
    await expect(page).to_have_url(f"{site.address}/case/sent")
    await sound()
    return " ".join(await page.locator(".receipt b").all_inner_texts())


async def _nothing() -> None:
    pass


@pytest.mark.parametrize(("language", "width", "scheme"), EACH_LANGUAGE)
async def test_a_report_is_sent_on_every_width_in_every_language(
    chromium: Browser, site: Site, language: str, width: int, scheme: str
) -> None:
    async with looking(chromium, viewport={"width": width, "height": 740}, color_scheme=scheme) as seen:
        receipt = await report(seen, site, language, check=True)
        assert len(receipt.split()) == 7
        assert await seen.page.locator("html").get_attribute("lang") == language


async def test_the_case_is_read_and_decided_without_scripts(chromium: Browser, site: Site) -> None:
    async with looking(chromium, java_script_enabled=False, viewport={"width": 360, "height": 740}) as seen:
        page, door = seen.page, site.door
        receipt = await report(seen, site, "en", check=False)
        found = await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": receipt})
        case_id = found.json()["case_id"]
        await door.project()
        dated = opened().model_copy(update={"deadlines": (deadline(Rule.DONE, now() + timedelta(days=2)),)})
        await door.tell(from_mediation(case_id, 1, dated), from_mediation(case_id, 2, CaseAcknowledged(owner="mei")))
        await onward(page, page.locator("a[href='/case']").click())
        await page.get_by_text("Take a copy").click()
        async with page.expect_download() as downloading:
            await page.get_by_text("Save the copy").click()
        saved = json.loads((await (await downloading.value).path()).read_text())
        [written] = saved["written"]
        assert written["text"] == "It is quiet here since she died."
        await expect(page.locator(".promise")).to_contain_text("It is to be done by")
        await door.tell(from_mediation(case_id, 3, resolved(now() + timedelta(days=2))))
        await page.reload()
        await page.get_by_text("No, it is not solved").click()
        await page.locator("#text").fill("Nobody came.")
        await onward(page, page.get_by_role("button", name="Ask to take it up again").click())
        await expect(page.get_by_role("status")).to_contain_text("Somebody else will look at it.")
        assert seen.complaints == []


async def test_the_code_on_a_receipt_opens_the_case_on_another_device(chromium: Browser, site: Site) -> None:
    async with looking(chromium, viewport={"width": 360, "height": 740}) as seen:
        receipt = await report(seen, site, "en", check=False)
        drawn = await seen.page.locator(".qr path").get_attribute("d")
        await expect(seen.page.get_by_role("button", name="Print the receipt")).to_be_visible()
    words = receipt.replace(" ", "-")
    link = f"{site.address}/case/find#{words}"
    assert drawn
    assert drawn in receipt_code.drawn(link)
    async with looking(chromium) as other:
        page, asked = other.page, list[str]()
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(link)
        await expect(page.locator("#words")).to_have_value(receipt)
        assert page.url == f"{site.address}/case/find"
        await onward(page, page.get_by_role("button", name="Show my case").click())
        await expect(page).to_have_url(f"{site.address}/case")
        assert other.complaints == []
        assert len(asked) > 3


async def test_the_browsers_own_back_loses_nothing(chromium: Browser, site: Site) -> None:
    async with looking(chromium) as seen:
        page = seen.page
        await page.goto(f"{site.address}/?lang=en")
        await onward(page, page.locator("button[value=fault]").click())
        await page.locator("input[name=community]").first.check()
        await next_question(page)
        await page.locator("input[value=water-leak]").check()
        await next_question(page)
        await page.locator("#text").fill("A pipe burst.")
        await next_question(page)
        await next_question(page)
        await expect(page.locator("h1")).to_have_text("May we reach you?")
        await page.go_back()
        await page.go_back()
        await expect(page.locator("#text")).to_have_value("A pipe burst.")
        await page.go_forward()
        await page.go_forward()
        await expect(page.locator("h1")).to_have_text("May we reach you?")
        assert seen.complaints == []


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ug", 360), ("kk-Arab", 360), ("zh", 1280)])
async def test_who_writes_to_a_community_that_closes_meanwhile_goes_on_with_another(
    chromium: Browser, postgres: Databases, language: str, width: int
) -> None:
    async with opened_door(postgres) as door, served(door.app) as address:
        operator = staff("operator")
        for area, name in (("/lakeside/east/old-mill/", "Old Mill"), ("/lakeside/east/yard/", "Yard")):
            form = {"area": area, "name": name, "time_zone": "Asia/Shanghai"}
            await door.client.post(f"{API}/communities", json=form, headers=operator)
        await door.hear_of_places()
        async with looking(chromium, java_script_enabled=False, viewport={"width": width, "height": 740}) as seen:
            page = seen.page
            await page.goto(f"{address}/?lang={language}")
            await onward(page, page.locator("button[value=fault]").click())
            await page.locator(f"input[name=community][value='{door.community}']").check()
            await next_question(page)
            await page.locator("input[value=water-leak]").check()
            await next_question(page)
            await page.locator("#text").fill("A pipe burst.")
            await next_question(page)
            await next_question(page)  # without photos
            await page.locator("input[value=anonymous]").check()
            await next_question(page)
            closing = await door.client.post(
                f"{API}/communities/{door.community}:close", headers={**operator, **keyed()}
            )
            assert closing.status_code == 200
            await door.hear_of_places()
            await onward(page, page.locator("button[value=send]").click())
            await expect(page.locator("input[name=community]")).to_have_count(2)
            await expect(page.locator(".fault").first).to_be_visible()
            await page.locator("input[name=community]").first.check()
            await next_question(page)
            await expect(page.get_by_text("A pipe burst.")).to_be_visible()
            await onward(page, page.locator("button[value=send]").click())
            await expect(page).to_have_url(f"{address}/case/sent")


async def test_whoever_gave_too_many_wrong_words_is_told_on_a_sound_page(chromium: Browser, site: Site) -> None:
    wrong = " ".join(["babab"] * 7)
    limit = site.door.app.state.door.limits.wrong_receipts
    for _ in range(limit.most):
        limit.count("")
    async with looking(chromium, viewport={"width": 360, "height": 740}) as seen:
        page = seen.page
        await page.goto(f"{site.address}/case?lang=en")
        await page.locator("#words").fill(wrong)
        await onward(page, page.get_by_role("button", name="Show my case").click())
        await expect(page.locator("#words")).to_have_value(wrong)
        await expect(page.get_by_text("Wait ten minutes").first).to_be_visible()
        seen.complaints.clear()  # the browser's own word for a 429
        await seen.sound()
    limit.forget()


async def test_it_goes_by_keyboard_alone(chromium: Browser, site: Site) -> None:
    async with looking(chromium, viewport={"width": 1280, "height": 740}) as seen:
        page = seen.page
        await page.goto(f"{site.address}/?lang=en")
        await page.keyboard.press("Tab")
        await expect(page.locator(":focus")).to_have_text("Skip to the content")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("#"))
        await page.keyboard.press("Tab")
        await expect(page.locator(":focus")).to_have_attribute("value", "fault")
        await onward(page, page.keyboard.press("Enter"))
        await page.locator("input[name=community]").first.focus()
        await page.keyboard.press("Space")
        await onward(page, page.keyboard.press("Enter"))
        # Enter in a field goes on; it neither changes the language nor goes back.
        await expect(page.locator("h1")).to_have_text("What is it about?")


async def test_everything_to_press_is_as_large_as_a_thumb(chromium: Browser, site: Site) -> None:
    async with looking(chromium, viewport={"width": 360, "height": 740}) as seen:
        page = seen.page
        for address in (f"{site.address}/?lang=ug", f"{site.address}/case"):
            await page.goto(address)
            for pressed in (
                await page.locator("main a.button, main button, .languages a, .danger a, label:has(input)")
                .filter(visible=True)
                .all()
            ):
                box = await pressed.bounding_box()
                assert box is not None
                assert box["height"] >= 44, await pressed.inner_text()
                assert box["width"] >= 44, await pressed.inner_text()
