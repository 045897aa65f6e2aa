"""The residents' pages as a browser without JavaScript gets them: questions, receipt, story, what they can do."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from services.chassis.clock import now
from services.contracts.cases import CaseAcknowledged
from services.contracts.deadlines import Rule
from services.intake.pages import case
from tests.intake.door import API, AREA, FrontDoor
from tests.intake.test_residents_case import deadline, from_mediation, opened, resolved
from tests.services import staff

WORDS = "Zxqvy-Marked-8842 the pipe burst"


@dataclass
class Browser:
    """Follows redirects and keeps cookies; sends a form with its hidden fields, as a browser does."""

    client: httpx.AsyncClient
    page: httpx.Response = field(init=False)

    @property
    def text(self) -> str:
        """What the reader sees, tags left out."""
        return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.page.text)))

    @property
    def heading(self) -> str:
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.page.text, re.DOTALL)
        return unescape(found[1]).strip() if found else ""

    def hidden(self) -> dict[str, str]:
        fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', self.page.text)
        return {name: unescape(value) for name, value in fields}

    async def open(self, address: str, **headers: str) -> None:
        self.page = await self.client.get(address, headers=headers, follow_redirects=True)

    async def send(self, address: str, headers: dict[str, str] | None = None, **typed: str) -> None:
        form = {**self.hidden(), **typed}
        self.page = await self.client.post(address, data=form, headers=headers, follow_redirects=True)

    async def answer(self, go: str = "next", **typed: str) -> None:
        await self.send("/report", None, **typed, go=go)

    @property
    def receipt(self) -> str:
        return " ".join(re.findall(r"<b>([a-z]{5})</b>", self.page.text))


@pytest.fixture
async def browser(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Browser]:
    monkeypatch.setattr(case, "WAIT_SECONDS", 0.02)  # without Kafka nothing comes that a page could wait for
    await door.hear_of_places()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door.app), base_url="http://doorstep.test") as client:
        yield Browser(client)


async def anew(browser: Browser) -> None:
    """Not one of those that earlier tests reported."""
    if browser.heading == "Was it reported already?":
        await browser.answer()


async def written(browser: Browser, **changed: str) -> None:
    """A report as far as the page that asks whether all is right."""
    answers = {"kind": "fault", "category": "water-leak", "text": WORDS, "reach": "anonymous", **changed}
    await browser.open("/")
    await browser.send("/report", kind=answers["kind"])
    await browser.answer(category=answers["category"])
    await anew(browser)
    more = {name: answers[name] for name in ("place", "about_staff") if name in answers}
    await browser.answer(text=answers["text"], **more)
    assert browser.heading == "Do you have a photo of it?"
    await browser.answer()
    contact = {name: answers[name] for name in ("name", "email", "phone", "notify") if name in answers}
    await browser.answer(reach=answers["reach"], **contact)
    assert browser.heading == "Is this right?", browser.text


async def reported(browser: Browser, door: FrontDoor, **changed: str) -> tuple[str, str]:
    """A sent report's receipt and case."""
    await written(browser, **changed)
    await browser.answer(go="send")
    assert browser.heading == "Your report has arrived", browser.text
    receipt = browser.receipt
    assert len(receipt.split()) == 7
    return receipt, await case_of(door, receipt)


async def case_of(door: FrontDoor, receipt: str) -> str:
    found = await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": receipt})
    return found.json()["case_id"]


async def particulars_of(door: FrontDoor, case_id: str, area: str = "/") -> list[dict[str, Any]]:
    path = f"{API}/cases/{case_id}/report"
    read = await door.client.get(path, params={"purpose": "triage"}, headers=staff("cadre", area))
    return read.json().get("particulars", [])


async def test_the_first_screen_asks_one_thing_and_names_help(browser: Browser) -> None:
    await browser.open("/")
    assert browser.heading == "What is troubling you?"
    assert len(re.findall(r'<button name="kind"', browser.page.text)) == 7
    assert "Look up my case" in browser.text
    assert "110 Police" in browser.text
    for name in ("中文", "ئۇيغۇرچە", "قازاقشا", "Қазақша", "English"):
        assert name in browser.text
    assert browser.page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=", browser.page.text)


async def test_nothing_is_stored_before_it_is_sent_and_then_once(browser: Browser, door: FrontDoor) -> None:
    before = await door.stored()
    await written(browser)
    assert await door.stored() == before
    for _ in range(2):
        await browser.client.post("/report", data={**browser.hidden(), "go": "send"})
    after = await door.stored()
    assert [after[table] - before[table] for table in ("event", "stream", "particulars")] == [1, 1, 1]


async def test_a_report_arrives_with_what_was_typed_and_nothing_else(browser: Browser, door: FrontDoor) -> None:
    _, anonymous = await reported(browser, door, name="Never to be kept")
    assert await particulars_of(door, anonymous) == [{"text": WORDS, "language": "en"}]
    _, named = await reported(
        browser, door, reach="me", email="a@example.org", phone="138 0000", place="House 3", notify=""
    )
    assert await particulars_of(door, named) == [
        {
            "text": WORDS,
            "place": "House 3",
            "email": "a@example.org",
            "phone": "138 0000",
            "language": "en",
            "notify": False,
        }
    ]


async def test_back_loses_nothing_and_a_change_leads_back_to_the_check(browser: Browser) -> None:
    await written(browser, place="House 3")
    await browser.answer(go="back")
    assert browser.heading == "May we reach you?"
    await browser.answer(go="back", reach="anonymous")
    assert browser.heading == "Do you have a photo of it?"
    await browser.answer(go="back")
    assert browser.heading == "Tell us what happened"
    assert WORDS in browser.text
    assert 'value="House 3"' in browser.page.text
    await browser.answer(text="Other words", place="House 4")
    assert browser.heading == "Is this right?", "every question was seen before"
    assert "Other words" in browser.text
    assert "House 4" in browser.text
    await browser.answer(go="kind")
    await browser.answer(kind="dispute")
    assert browser.heading == "What is it about?", "the category no longer fits"
    assert "Other words" in browser.hidden().values()


async def test_what_is_missing_is_said_at_the_top_and_at_the_field_in_the_readers_language(browser: Browser) -> None:
    await browser.open("/")
    await browser.send("/report", kind="fault")
    await browser.answer()
    assert browser.page.status_code == 422
    assert browser.page.text.count("Choose what it is about.") == 2
    assert 'href="#category"' in browser.page.text
    await browser.answer(category="water-leak")
    await anew(browser)
    await browser.answer(text=" ")
    assert browser.page.text.count("Write in a sentence or two what is the matter.") == 2
    await browser.answer(text="x" * 5001)
    assert "Shorten what you wrote" in browser.text
    await browser.answer(text=WORDS)
    await browser.answer()
    for typed, told in (
        ({}, "Choose whether you stay anonymous"),
        ({"reach": "me"}, "Leave a mail address or a telephone number"),
        ({"reach": "me", "email": "nowhere"}, "like name@example.org"),
        ({"reach": "me", "phone": "call me"}, "Write the number in digits"),
    ):
        await browser.answer(**typed)
        assert (browser.page.status_code, told in browser.text) == (422, True), told


async def test_sending_what_is_not_whole_leads_to_the_question_that_lacks_an_answer(
    browser: Browser, door: FrontDoor
) -> None:
    await written(browser)
    before = await door.stored()
    await browser.answer(go="send", text="")
    assert browser.heading == "Tell us what happened"
    await browser.answer(go="send", kind="nothing", text=WORDS)
    assert browser.heading == "What is troubling you?"
    assert await door.stored() == before


async def test_the_language_changes_on_the_way_and_keeps_every_answer(browser: Browser) -> None:
    await written(browser)
    await browser.answer(go="back")
    await browser.send("/report", lang="ug", reach="anonymous")
    assert '<html lang="ug" dir="rtl">' in browser.page.text
    assert WORDS in browser.hidden().values()
    assert browser.client.cookies["doorstep-lang"] == "ug"
    await browser.open("/")
    assert '<html lang="ug" dir="rtl">' in browser.page.text


@pytest.mark.parametrize("address", ["/report", "/case/reopen"])
async def test_an_address_of_a_form_opened_without_it_leads_to_a_page_in_the_language_asked_for(
    browser: Browser, address: str
) -> None:
    await browser.open(f"{address}?lang=kk-Arab")
    assert browser.page.status_code == 200
    assert '<html lang="kk-Arab" dir="rtl">' in browser.page.text


async def test_after_sending_it_is_told_who_reads_it_and_by_when(browser: Browser, door: FrontDoor) -> None:
    receipt, case_id = await reported(browser, door)
    assert "Clear-Site-Data" in browser.page.history[-1].headers, "what was typed does not stay in the browser's cache"
    await door.project()
    due = now() + timedelta(hours=2)
    dated = opened().model_copy(update={"deadlines": (deadline(Rule.ACKNOWLEDGE, due),)})
    await door.tell(from_mediation(case_id, 1, dated))
    await browser.open("/case/sent")
    assert browser.receipt == receipt
    assert "Whoever is on duty in Willow Lane is told now" in browser.text
    assert f'datetime="{due.isoformat(timespec="seconds")}"' in browser.page.text


async def test_a_receipt_never_stands_in_an_address_nor_readable_in_a_cookie(browser: Browser, door: FrontDoor) -> None:
    receipt, _ = await reported(browser, door)
    for response in (*browser.page.history, browser.page):
        told = str(response.url) + str(response.headers)
        assert not any(word in told for word in receipt.split())
    cookie = browser.page.history[-1].headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/case"))
    assert "max-age" not in cookie
    assert "expires" not in cookie
    await browser.send("/case/leave")
    await browser.open("/case")
    assert browser.heading == "Look up my case"


async def test_a_case_is_found_by_its_words_and_by_no_others(browser: Browser, door: FrontDoor) -> None:
    report = await door.report()
    await door.project()
    await browser.open("/case")
    await browser.send("/case", receipt="not these words")
    assert browser.page.status_code == 404
    assert browser.page.text.count("No case has these words") == 2
    await browser.send("/case", receipt=report["receipt"].upper().replace(" ", "  "))
    assert browser.heading.startswith("Your report has arrived.")


async def test_the_story_is_told_and_what_can_be_done_is_one_button(browser: Browser, door: FrontDoor) -> None:
    _, case_id = await reported(browser, door)
    await door.project()
    until = now() + timedelta(days=3)
    done = CaseAcknowledged(owner="mei")
    dated = opened().model_copy(update={"deadlines": (deadline(Rule.DONE, until),)})
    await door.tell(from_mediation(case_id, 1, dated), from_mediation(case_id, 2, done))
    await particulars_of(door, case_id)
    await browser.open("/case")
    assert "mei has taken your case and answers for it." in browser.text
    assert "It is to be done by" in browser.text
    assert "a community worker, to see what is to be done" in browser.text
    assert "Yes, it is solved" not in browser.text
    await door.tell(from_mediation(case_id, 3, resolved(until)))
    await browser.open("/case")
    assert "Yes, it is solved" in browser.text
    await browser.send("/case/confirm")
    assert "You confirmed that it is solved" in browser.text
    await door.project()
    await browser.open("/case")
    assert browser.heading == "You confirmed that your case is resolved. Thank you."


async def test_what_is_not_solved_is_said_with_words_and_a_refusal_says_why(browser: Browser, door: FrontDoor) -> None:
    _, case_id = await reported(browser, door)
    await door.project()
    await door.tell(
        from_mediation(case_id, 1, opened()), from_mediation(case_id, 2, resolved(now() + timedelta(days=3)))
    )
    await browser.open("/case")
    await browser.send("/case/reopen", text=" ")
    assert browser.page.status_code == 422
    assert browser.page.text.count("Write in a sentence or two what is still the matter") == 2
    await browser.send("/case/reopen", text="It leaks again")
    await door.project()
    assert {"text": "It leaks again"} in await particulars_of(door, case_id)
    await browser.open("/case")
    assert browser.heading == "You said that it is not solved. Somebody else will look at it."
    await browser.send("/case/confirm", key="another-key-of-16")
    await browser.send("/case/reopen", text="Once more", key="yet-another-key-16")
    assert browser.page.status_code == 409
    assert "You said before that it is not solved" in browser.text


async def test_a_report_is_withdrawn_and_erased(browser: Browser, door: FrontDoor) -> None:
    _, case_id = await reported(browser, door, reach="me", email="a@example.org")
    await door.project()
    await browser.open("/case")
    await browser.send("/case/withdraw")
    assert "You withdrew your report." in browser.text
    await door.project()
    await browser.open("/case")
    assert "Withdraw my report" not in browser.text
    await browser.send("/case/erase")
    assert await particulars_of(door, case_id) == []
    await door.project()
    await browser.open("/case")
    assert browser.heading == "What was held about your case was erased."


async def test_what_is_about_staff_goes_one_level_up(browser: Browser, door: FrontDoor) -> None:
    _, case_id = await reported(browser, door, about_staff="yes")
    assert await particulars_of(door, case_id, AREA) == []
    assert len(await particulars_of(door, case_id, "/lakeside/east/")) == 1
    await door.project()
    level = opened().model_copy(update={"level": "/lakeside/east/"})
    await door.tell(from_mediation(case_id, 1, level))
    await browser.open("/case/sent")
    assert "East Street reads it, one level above your community." in browser.text


async def test_no_other_site_sends_a_form_here(browser: Browser, door: FrontDoor) -> None:
    await written(browser)
    before = await door.stored()
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for address in ("/report", "/case", "/case/withdraw", "/case/leave"):
        await browser.send(address, foreign, go="send")
        assert browser.page.status_code == 403
        assert browser.page.headers["content-type"].startswith("text/html")
    assert await door.stored() == before


async def test_a_report_sent_again_with_other_words_is_told_apart(browser: Browser, door: FrontDoor) -> None:
    await written(browser)
    form = {**browser.hidden(), "go": "send"}
    await browser.client.post("/report", data=form)
    before = await door.stored()
    again = await browser.client.post("/report", data={**form, "text": "Something else"})
    assert again.status_code == 409
    assert "begin anew" in again.text
    assert await door.stored() == before
