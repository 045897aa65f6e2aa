"""Choosing a community in the form, by a poster's address or with letters; saying where; adding oneself to a case."""

import re
from collections.abc import AsyncGenerator
from uuid import UUID, uuid4

import httpx
import pytest

from services.chassis.database import scoped
from services.contracts.cases import CaseReported
from services.contracts.registry import community_stream
from services.intake.pages import case
from tests.conftest import Databases
from tests.intake.door import API, FrontDoor, opened_door
from tests.intake.test_pages import Browser, case_of, particulars_of
from tests.services import keyed, staff

OPERATOR = staff("operator")
WORDS = "The lamp by the gate is out."
LANES = 9


@pytest.fixture(scope="module")
async def town(postgres: Databases) -> AsyncGenerator[FrontDoor]:
    """Ten communities in two streets, three of them on a map."""
    async with opened_door(postgres) as door:
        await door.client.post(f"{API}/areas", json={"path": "/lakeside/west/", "name": "West"}, headers=OPERATOR)
        for nth in range(LANES):
            form = {"area": f"/lakeside/west/lane-{nth}/", "name": f"Lane {nth}", "time_zone": "Asia/Shanghai"}
            made = await door.client.post(f"{API}/communities", json=form, headers=OPERATOR)
            if nth < 3:
                where = {"latitude": 43.8 + nth / 100, "longitude": 87.6, "buildings": ["House 3", "Gate <2>"]}
                located = f"{API}/communities/{made.json()['community_id']}:locate"
                assert (await door.client.post(located, json=where, headers=OPERATOR)).status_code == 204
        await door.hear_of_places()
        yield door


@pytest.fixture
async def browser(town: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Browser]:
    monkeypatch.setattr(case, "WAIT_SECONDS", 0.02)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(town.app), base_url="http://doorstep.test") as client:
        yield Browser(client)


def lane(nth: int) -> str:
    return str(community_stream(f"/lakeside/west/lane-{nth}/"))


def listed(browser: Browser) -> list[str]:
    return re.findall(
        r'<input type="radio" name="community"[^>]*>.*?<span dir="auto">([^<]+)</span>', browser.page.text
    )


async def reported_event(door: FrontDoor, case_id: str) -> CaseReported:
    async with scoped(door.service.application, ["/"]) as connection:
        first, *_ = await door.service.store.read_stream(connection, UUID(case_id))
    event = first.event()
    assert isinstance(event, CaseReported)
    return event


async def test_all_of_a_few_are_listed_by_area_and_those_with_a_spot_are_on_the_map(browser: Browser) -> None:
    await browser.open("/")
    await browser.send("/report", kind="fault")
    assert browser.heading == "Which is your community?"
    assert listed(browser) == ["Willow Lane", *(f"Lane {nth}" for nth in range(LANES))]
    assert re.findall(r'<h2 dir="auto">([^<]+)</h2>', browser.page.text) == ["East Street", "West"]
    pins = re.findall(r'<a href="#c-([^"]+)" aria-label="([^"]+)"', browser.page.text)
    assert pins == [(lane(nth), f"Lane {nth}") for nth in range(3)]
    for community, _ in pins:
        assert f'id="c-{community}"' in browser.page.text


async def test_letters_narrow_the_list_without_a_script_and_choose_nothing(browser: Browser) -> None:
    await browser.open("/")
    await browser.send("/report", kind="fault")
    await browser.answer(go="look", find="lane 7")
    assert listed(browser) == ["Lane 7"]
    await browser.answer(find="west")
    assert len(listed(browser)) == LANES, "the Enter key in the field looks, too"
    assert browser.page.status_code == 200
    await browser.answer(go="look", find="nowhere")
    assert "No community has these letters" in browser.text
    await browser.answer(go="in:/lakeside/east/")
    assert listed(browser) == ["Willow Lane"]
    await browser.answer(go="in:")
    assert len(listed(browser)) == 1 + LANES
    await browser.answer(community=lane(7), find="")
    assert browser.heading == "What is it about?"
    await browser.answer(go="back")
    await browser.answer(go="look", find="lane 2", community=lane(7))
    assert "Chosen: Lane 7" in browser.text
    await browser.answer()
    assert browser.heading == "What is it about?"


async def test_a_posters_address_fills_the_community_in_and_it_can_still_be_changed(
    browser: Browser, town: FrontDoor
) -> None:
    await browser.open("/at/lakeside.west.lane-4?lang=en")
    assert browser.heading == "What is troubling you?"
    assert "Your community: Lane 4" in browser.text
    await browser.send("/report", kind="fault")
    assert browser.heading == "What is it about?"
    await browser.answer(category="elevator")
    await browser.answer(text=WORDS)
    await browser.answer()  # without photos
    await browser.answer(reach="anonymous")
    assert browser.heading == "Is this right?"
    await browser.answer(go="where")
    assert browser.heading == "Which is your community?"
    await browser.answer(community=lane(5))
    assert browser.heading == "Is this right?"
    assert "Lane 5" in browser.text
    await browser.answer(go="send")
    event = await reported_event(town, await case_of(town, browser.receipt))
    assert event.community == UUID(lane(5))


async def test_a_poster_holds_every_language_or_one_and_the_address(browser: Browser) -> None:
    await browser.open("/at/lakeside.west.lane-4/poster?lang=en")
    assert browser.page.status_code == 200
    assert "doorstep.test/at/lakeside.west.lane-4" in browser.text
    for told in ("What is troubling you?", "您遇到了什么烦心事？", 'lang="ug" dir="rtl"', 'lang="kk-Arab" dir="rtl"'):
        assert told in browser.page.text
    assert browser.page.text.count("<section") == 5
    await browser.open("/at/lakeside.west.lane-4/poster?in=ug")
    assert browser.page.text.count("<section") == 1
    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=", browser.page.text)


async def test_behind_an_old_code_is_a_clear_page(browser: Browser, town: FrontDoor) -> None:
    for address in ("/at/lakeside.nowhere", "/at/NOT..an-area", "/at/lakeside.nowhere/poster"):
        await browser.open(f"{address}?lang=en")
        assert browser.page.status_code == 404
        assert "choose your community yourself" in browser.text
    area = f"/lakeside/west/gone-{uuid4().hex[:8]}/"
    form = {"area": area, "name": "Gone", "time_zone": "UTC"}
    made = await town.client.post(f"{API}/communities", json=form, headers=OPERATOR)
    await town.client.post(f"{API}/communities/{made.json()['community_id']}:close", headers=OPERATOR | keyed())
    await browser.open(f"/at/{area.strip('/').replace('/', '.')}?lang=ug")
    assert browser.page.status_code == 410
    assert '<html lang="ug" dir="rtl">' in browser.page.text
    await browser.open(f"/at/{area.strip('/').replace('/', '.')}?lang=en")
    assert "takes no reports any more" in browser.text
    assert 'href="/"' in browser.page.text


async def test_where_it_is_is_said_in_words_by_building_and_by_the_phone_and_is_sealed(
    browser: Browser, town: FrontDoor
) -> None:
    await browser.open("/at/lakeside.west.lane-1?lang=en")
    await browser.send("/report", kind="fault")
    await browser.answer(category="elevator")
    assert '<option value="Gate &lt;2&gt;">' in browser.page.text
    await browser.answer(text=WORDS, place="House 3", spot="geo:43.81001,87.60002;u=12")
    await browser.answer(go="back")
    assert 'value="geo:43.81001,87.60002;u=12" checked' in browser.page.text
    await browser.answer(text=WORDS, place="House 3", spot="geo:43.81001,87.60002;u=12")
    await browser.answer()  # without photos
    await browser.answer(reach="anonymous")
    assert "Place by your phone" in browser.text
    assert "43.81001" not in browser.text, "nobody reads coordinates"
    await browser.answer(go="send")
    case_id = await case_of(town, browser.receipt)
    [written] = await particulars_of(town, case_id)
    assert (written["place"], written["spot"]) == ("House 3", "geo:43.81001,87.60002;u=12")
    event = await reported_event(town, case_id)
    assert "43.81001" not in event.model_dump_json()


async def test_a_spot_that_is_none_is_asked_for_again(browser: Browser) -> None:
    await browser.open("/at/lakeside.west.lane-1?lang=en")
    await browser.send("/report", kind="fault")
    await browser.answer(category="elevator")
    await browser.answer(text=WORDS, spot="geo:somewhere")
    await browser.answer()  # without photos
    await browser.answer(reach="anonymous")
    await browser.answer(go="send")
    assert browser.heading == "Tell us what happened"


async def test_what_was_reported_before_is_offered_and_joined(browser: Browser, town: FrontDoor) -> None:
    first = await town.report(community=lane(6), category="street-light", text="Marked-words-of-another")
    await town.project()
    await browser.open("/at/lakeside.west.lane-6?lang=en")
    await browser.send("/report", kind="fault")
    await browser.answer(category="street-light")
    assert browser.heading == "Was it reported already?"
    assert "Marked-words-of-another" not in browser.text
    assert browser.page.text.count('name="same_as"') == 2
    await browser.answer(same_as=first["case_id"])
    await browser.answer(text=WORDS)
    await browser.answer()  # without photos
    await browser.answer(reach="anonymous")
    assert "Add me to this one" in browser.text
    await browser.answer(go="send")
    mine = await case_of(town, browser.receipt)
    assert mine != first["case_id"]
    assert (await reported_event(town, mine)).same_as == UUID(first["case_id"])


async def test_a_dispute_is_never_offered_another_one(browser: Browser, town: FrontDoor) -> None:
    await town.report(community=lane(6), kind="dispute", category="noise")
    await town.project()
    await browser.open("/at/lakeside.west.lane-6?lang=en")
    await browser.send("/report", kind="dispute")
    await browser.answer(category="noise")
    assert browser.heading == "Tell us what happened"


async def test_every_fault_and_dispute_has_a_picture(browser: Browser) -> None:
    for kind, many in (("fault", 18), ("dispute", 11)):
        await browser.open("/at/lakeside.west.lane-2?lang=en")
        await browser.send("/report", kind=kind)
        assert browser.page.text.count('<svg class="symbol"') == many


async def test_the_form_on_one_page_holds_nothing_of_anybody_and_sends_without_a_script(
    browser: Browser, town: FrontDoor
) -> None:
    await browser.open("/report/whole?lang=en")
    assert browser.page.headers["Content-Encoding"] == "gzip"
    assert '<option value="lakeside.west.lane-3">' in browser.page.text
    answers = {"kind": "fault", "category": "elevator", "community": "lakeside.west.lane-3", "text": WORDS}
    await browser.send("/report?lang=en", None, **answers, reach="anonymous", go="send")
    assert browser.heading == "Your report has arrived"
    event = await reported_event(town, await case_of(town, browser.receipt))
    assert event.community == UUID(lane(3))


async def test_the_worker_is_a_script_that_every_visit_asks_for_anew(browser: Browser) -> None:
    await browser.open("/worker.js")
    assert browser.page.headers["Content-Type"].startswith("text/javascript")
    assert browser.page.headers["Cache-Control"] == "no-cache"
