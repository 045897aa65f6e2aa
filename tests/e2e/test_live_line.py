"""One case from the resident's browser to the cadre's, to a unit's and back, as people see it, on a whole stack."""

import asyncio
import time
from collections.abc import Generator
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from deploy.local.people import WILLOW_LANE
from tests.browser.looking import Seen, looking, next_question, onward, until_told
from tests.e2e.conftest import Stack

PHONE = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 800}
TEXT = "The pipe in the cellar has burst, water stands a hand high."
EXPLANATION = "The water company changed the pipe. The cellar is dry, and you need not pay."


@pytest.fixture(scope="module")
def lakeside(stack: Stack) -> Generator[httpx.Client]:
    """The demo's areas, a unit, and nobody on duty yet."""
    with httpx.Client(base_url=f"{stack.url}/api", trust_env=False, timeout=30) as http:

        def operator() -> dict[str, str]:
            return {"Authorization": f"Bearer {stack.token('operator')}", "Idempotency-Key": token_hex(16)}

        for path, name in (("/lakeside/", "Lakeside"), ("/lakeside/east/", "Lakeside East")):
            http.post("/intake/v1/areas", json={"path": path, "name": name}, headers=operator()).raise_for_status()
        place = {"area": WILLOW_LANE, "name": "Willow Lane", "time_zone": "Asia/Shanghai"}
        registered = http.post("/intake/v1/communities", json=place, headers=operator())
        there = {"Doorstep-Position": registered.headers["Doorstep-Position"]}
        water = {"area": "/lakeside/", "name": "Water company"}
        http.put("/mediation/v1/units/water", json=water, headers=operator()).raise_for_status()
        for service, path in (("mediation", "cases"), ("notifications", f"duty?area={WILLOW_LANE}")):
            for _ in range(30):
                answer = http.get(f"/{service}/v1/{path}", headers={**operator(), **there})
                if answer.status_code == 200 and "Doorstep-Behind" not in answer.headers:
                    break
        yield http


async def signed_in(seen: Seen, stack: Stack, person: str, face: str) -> None:
    await seen.page.goto(f"{stack.url}{face}")
    await onward(seen.page, seen.page.locator(f"button[value={person}]").click())
    await seen.page.wait_for_url(f"{stack.url}{face}*")


async def report(seen: Seen, stack: Stack) -> float:
    """From the first question to the receipt; the moment at which it was sent."""
    page = seen.page
    await page.goto(f"{stack.url}/?lang=en")
    await seen.sound()
    await onward(page, page.locator("button[value=fault]").click())
    if await page.locator("input[type=radio][name=community]").count():  # not asked where there is but one
        await page.locator("#community").get_by_text("Willow Lane").click()
        await next_question(page)
    await page.locator("input[value=water-leak]").check()
    await next_question(page)
    await page.locator("#text").fill(TEXT)
    await next_question(page)
    await next_question(page)  # no photos
    await page.locator("input[value=anonymous]").check()
    await next_question(page)
    await seen.sound()
    sent = time.perf_counter()
    await onward(page, page.locator("button[value=send]").click())
    await expect(page.locator(".receipt b")).to_have_count(7)
    await seen.sound()
    return sent


async def test_from_the_resident_to_a_unit_and_back(stack: Stack, lakeside: httpx.Client, chromium: Browser) -> None:
    del lakeside
    async with (
        looking(chromium, viewport=PHONE) as resident,
        looking(chromium, viewport=PHONE) as cadre,
        looking(chromium, viewport=PHONE) as second,
        looking(chromium, viewport=WIDE) as unit,
    ):
        for who, person, place in ((cadre, "cadre-lin", "first"), (second, "cadre-aygul", "second")):
            await signed_in(who, stack, person, "/duty?lang=en")
            await who.page.locator("details:has(form.take)").evaluate("it => it.open = true")
            await who.page.locator(f"form.take input[value={place}]").check()
            await who.page.locator("form.take button").click()
            await expect(who.page.locator("#desk .turn")).to_contain_text(person)
        await expect(cadre.page.locator("#live.on")).to_be_visible()
        await cadre.sound()

        known = await cards_on(second.page)
        alerted = asyncio.create_task(new_card(cadre.page, await cards_on(cadre.page)))
        sent = await report(resident, stack)
        number, shown = await alerted
        card = cadre.page.locator(f"#{number}")
        file = await card.locator("a").get_attribute("href")
        print(f"on the cadre's open page {shown - sent:.2f} s after it was sent")
        await cadre.sound()
        await card.get_by_role("button", name="I take it").click()
        await expect(card.locator(".note")).to_be_visible()

        desk = cadre.page
        await desk.goto(f"{stack.url}{file}?lang=en")
        await desk.set_viewport_size({"width": 1280, "height": 800})
        await until_told(desk, "you have it")
        await cadre.sound()
        await act(desk, "dispatch")
        await desk.locator("#dispatch-unit").select_option("water")
        await desk.locator("#dispatch-shared").fill("Burst pipe in the cellar of house 3.")
        await onward(desk, desk.get_by_role("button", name="Hand it over").click())
        link = await desk.locator("#link").input_value()
        await cadre.sound()

        await unit.page.goto(f"{stack.url}{link.removeprefix(stack.url)}?lang=en")
        await expect(unit.page.locator("main")).to_contain_text("Burst pipe in the cellar of house 3.")
        assert TEXT not in await unit.page.content()
        await unit.sound()
        await onward(unit.page, unit.page.get_by_role("button", name="We take it on").click())
        await unit.page.locator("#done-note").fill("Pipe changed.")
        await onward(unit.page, unit.page.get_by_role("button", name="Say that it is done").click())
        await expect(unit.page.locator("h1")).to_have_text("It is taken down")
        await unit.sound()

        await desk.goto(f"{stack.url}{file}")
        await act(desk, "resolve")
        await desk.locator("#resolve-resolution").select_option("by_unit")
        await desk.locator("#resolve-language").select_option("en")
        await desk.locator("#resolve-explanation").fill(EXPLANATION)
        await onward(desk, desk.get_by_role("button", name="Look at what they will be told").click())
        await cadre.sound()
        await onward(desk, desk.get_by_role("button", name="Resolve and tell the resident").click())
        await expect(desk.get_by_role("status").first).to_contain_text("resolved")

        page = resident.page
        await onward(page, page.get_by_role("link", name="Look at my case").click())
        await until_told(page, EXPLANATION)
        await resident.sound()
        await page.get_by_text("No, it is not solved").click()
        await page.locator("#text").fill("It drips again.")
        await onward(page, page.get_by_role("button", name="Ask to take it up again").click())
        await until_told(page, "cadre-aygul")
        await resident.sound()
        assert "cadre-lin" not in await page.locator(".facts").inner_text()

        assert number not in known
        await expect(second.page.locator(f"#{number}[data-mine]")).to_be_visible()
        for seen in (resident, cadre, second, unit):
            assert seen.complaints == []


async def cards_on(page: Page) -> list[str]:
    return await page.locator("#cards .card").evaluate_all("cards => cards.map(card => card.id)")


async def new_card(page: Page, known: list[str]) -> tuple[str, float]:
    """The next card that was not among these, and when it was there."""
    found = await page.wait_for_function(
        "known => [...document.querySelectorAll('#cards .card')].map(card => card.id).find(id => !known.includes(id))",
        arg=known,
        timeout=60_000,
    )
    return str(await found.json_value()), time.perf_counter()


async def act(desk: Page, name: str) -> None:
    await desk.locator(f"details[data-act={name}]").evaluate("it => it.open = true")
