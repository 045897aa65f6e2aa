"""One resident's whole way, as they see it: told, sent, followed, answered, confirmed, taken up again, erased.

They never say who they are. Each step is named by what stands on the page, in the language of the page.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Locator, expect

from deploy.local.tokens import mint
from services.chassis.web.arabic_kazakh import in_arabic_script
from services.chassis.web.languages import COOKIE, Language, translator
from services.intake.following import Can
from services.intake.pages.case import DONE, PURPOSES
from services.intake.read_models.case_status import State
from services.intake.story import SENTENCES
from tests.browser.looking import (
    PATIENCE_MS,
    WALKS,
    Seen,
    looking,
    next_question,
    onward,
    put_aside,
    until_told,
)
from tests.e2e.conftest import Stack

LANE = "/herons/east/lane/"
OF_THE_LANE = "Heron Lane"
FIRST, SECOND = "cadre-mei", "cadre-lin"

LONG = "https://example.org/" + "a-very-long-address-without-a-space/" * 4
TOLD = {
    "en": "They play drums until two in the morning.",
    "zh": "楼上每天打鼓到凌晨两点。",
    "ug": "قوشنىلار كېچە سائەت ئىككىگىچە دۇمباق چالىدۇ.",
    "kk": "Көршілер түнгі екіге дейін дабыл қағады.",
}
TOLD["kk-Arab"] = in_arabic_script(TOLD["kk"])
ASKED = "Which floor is it?"
EXPLAINED = "They have agreed to stop at nine in the evening."
OFFLINE = "net::ERR_INTERNET_DISCONNECTED"
"""The browser's own word for what was asked for without a connection."""


@dataclass(frozen=True, slots=True)
class Office:
    """The staff of the lane, through the API."""

    stack: Stack
    http: httpx.AsyncClient

    def by(self, subject: str, role: str = "cadre", area: str = LANE) -> dict[str, str]:
        token = mint(self.stack.state.staff_private_key, role, (area,), subject)
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": token_hex(16)}

    async def case_of(self, receipt: str) -> str:
        answer = await self.http.get("/intake/v1/case", headers={"Doorstep-Receipt": receipt})
        return answer.raise_for_status().json()["case_id"]

    async def do(self, person: str, case: str, what: str, **form: str) -> None:
        answer = await self.http.post(f"/mediation/v1/cases/{case}/{what}", json=form, headers=self.by(person))
        assert answer.status_code == 200, answer.text

    async def read(self, person: str, case: str) -> list[dict[str, Any]]:
        """What the resident wrote; the look is on record."""
        path, purpose = f"/intake/v1/cases/{case}/report", {"purpose": "casework"}
        answer = await self.http.get(path, params=purpose, headers=self.by(person))
        return answer.raise_for_status().json()["particulars"]

    async def take_duty(self, person: str, place: str, after: str) -> str:
        """As soon as notifications has heard of the place; what is reached by it."""
        shift = {"area": LANE, "place": place}
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while True:
                headers = {**self.by(person), "Doorstep-Position": after}
                answer = await self.http.post("/notifications/v1/duty:take", json=shift, headers=headers)
                if answer.is_success:
                    return answer.headers["Doorstep-Position"]


@pytest.fixture(scope="module")
async def office(stack: Stack) -> AsyncGenerator[Office]:
    """Two communities, so that which is asked; in one of them two are on duty."""
    async with httpx.AsyncClient(base_url=f"{stack.url}/api", trust_env=False, timeout=30) as http:
        here = Office(stack, http)

        async def register(what: str, **form: str) -> httpx.Response:
            answer = await http.post(f"/intake/v1/{what}", json=form, headers=here.by("operator-1", "operator", "/"))
            return answer.raise_for_status()

        await register("areas", path="/herons/", name="Herons")
        await register("areas", path="/herons/east/", name="Herons East")
        await register("communities", area="/herons/east/yard/", name="Heron Yard", time_zone="Asia/Shanghai")
        made = await register("communities", area=LANE, name=OF_THE_LANE, time_zone="Asia/Shanghai")
        position = made.headers["Doorstep-Position"]
        for person, place in ((FIRST, "first"), (SECOND, "second")):
            position = await here.take_duty(person, place, position)
        yield here


class Resident:
    """Somebody with a browser, who reads one language."""

    def __init__(self, seen: Seen, language: Language) -> None:
        self.seen, self.page, self._language = seen, seen.page, language

    def said(self, text: str) -> str:
        """As it stands on the page."""
        return self._language.gettext(text)

    def button(self, text: str) -> Locator:
        return self.page.get_by_role("button", name=self.said(text), exact=True)

    def link(self, text: str) -> Locator:
        return self.page.get_by_role("link", name=self.said(text), exact=True)

    def field(self, text: str) -> Locator:
        return self.page.get_by_label(self.said(text), exact=True)

    def choice(self, text: str) -> Locator:
        """By the first words beside it: more may follow that explain."""
        return self.page.get_by_role("radio", name=re.compile(f"^{re.escape(self.said(text))}"))

    async def sees(self, heading: str) -> None:
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(self.said(heading))
        await self.seen.sound()

    async def is_told(self, text: str) -> None:
        await expect(self.page.get_by_role("status")).to_have_text(self.said(text))
        await self.seen.sound()

    async def unfold(self, text: str) -> None:
        await self.page.locator("summary").filter(has_text=self.said(text)).click()

    async def answer_every_question(self, words: str) -> None:
        """As far as the page on which all of it is checked."""
        page = self.page
        await self.sees("What is troubling you?")
        await onward(page, page.get_by_role("button").filter(has_text=self.said("A dispute")).click())
        await self.sees("Which is your community?")
        await page.get_by_role("radio", name=OF_THE_LANE, exact=True).check()
        await next_question(page)
        await self.sees("What is it about?")
        await self.choice("Noise and disturbance").check()
        await next_question(page)
        await self.sees("Tell us what happened")
        await self.field("In your own words").fill(words)
        await next_question(page)
        await self.sees("Do you have a photo of it?")
        await next_question(page)
        await self.sees("May we reach you?")
        await self.choice("I stay anonymous").check()
        await next_question(page)
        await self.sees("Is this right?")
        await expect(page.get_by_text(words)).to_be_visible()
        await expect(page.get_by_text(self.said("You stay anonymous."))).to_be_visible()

    async def send_without_a_connection(self, words: str) -> None:
        """It waits on the device, and goes by itself."""
        page, context = self.page, self.page.context
        await put_aside(page)
        await context.set_offline(True)
        await onward(page, self.button("Send it").click())
        await expect(self.field("In your own words")).to_have_value(words)
        await expect(self.choice("I stay anonymous")).to_be_checked()
        self._forgive_the_lost_connection()
        await self.sees("There is no connection")
        await self.button("Keep it here and send it").click()
        await expect(page.get_by_text(self.said("A report waits on this device; it is not sent yet."))).to_be_visible()
        self._forgive_the_lost_connection()
        await self.seen.sound()
        await context.set_offline(False)
        await page.wait_for_url("**/case/sent")
        self._forgive_the_lost_connection()

    def _forgive_the_lost_connection(self) -> None:
        self.seen.complaints[:] = [one for one in self.seen.complaints if OFFLINE not in one]

    async def keep_the_receipt(self) -> str:
        """Its words, and nothing of it on this device."""
        await self.sees("Your report has arrived")
        receipt = self.page.get_by_role("region", name=self.said("Your receipt"))
        words = await receipt.get_by_role("listitem").all_inner_texts()
        assert len(words) == 7
        await onward(self.page, self.button("Done: forget the words on this device").click())
        return " ".join(words)

    async def look_up(self, receipt: str) -> None:
        await onward(self.page, self.link("Look up my case").click())
        await self.sees("Look up my case")
        await self.field("The seven words of your receipt").fill(receipt)
        await onward(self.page, self.button("Show my case").click())

    async def follow_until(self, state: State) -> None:
        await until_told(self.page, self.said(SENTENCES[state]))
        await self.seen.sound()

    async def write(self, words: str) -> None:
        await self.field("Write to whoever has your case").fill(words)
        await onward(self.page, self.button("Send the message").click())
        await self.is_told(DONE[Can.WRITE])

    async def read(self, words: str) -> None:
        await until_told(self.page, words)
        await self.seen.sound()

    async def confirm(self) -> None:
        await onward(self.page, self.button("Yes, it is solved").click())
        await self.is_told(DONE[Can.CONFIRM])

    async def reopen(self, words: str) -> None:
        await self.unfold("No, it is not solved")
        await self.seen.sound()
        await self.field("What is still the matter?").fill(words)
        await onward(self.page, self.button("Ask to take it up again").click())
        await self.is_told(DONE[Can.REOPEN])

    async def see_who_looked(self, person: str) -> None:
        await self.unfold("Who looked at your case")
        looks = self.page.locator("details").filter(has_text=self.said("Who looked at your case"))
        [look] = await looks.get_by_role("listitem").filter(has_text=self.said(PURPOSES["casework"])).all()
        await expect(look).to_contain_text(person)
        assert "<" not in await looks.inner_text(), "times are marked up, and none of the mark-up is read"
        await self.seen.sound()

    async def erase(self) -> None:
        await self.unfold("Erase what I wrote")
        await self.seen.sound()
        await onward(self.page, self.button("Erase it for good").click())
        await self.is_told(DONE[Can.ERASE])

    async def hear_no_more_of(self, words: str) -> None:
        """What others wrote to them goes within moments, too."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while words in await self.page.content():
                await self.page.reload()
        await self.seen.sound()

    async def leave(self) -> None:
        """Nothing stays on this device but which language is read."""
        await onward(self.page, self.button("Close the case on this device").click())
        cookies = await self.page.context.cookies()
        assert [cookie.get("name") for cookie in cookies] == [COOKIE]
        assert await self.page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize(("language", "width", "scheme", "scripts"), WALKS)
async def test_from_the_first_question_to_the_last_word(
    chromium: Browser, office: Office, language: str, width: int, scheme: Any, *, scripts: bool
) -> None:
    how: dict[str, Any] = {"viewport": {"width": width, "height": 740}, "color_scheme": scheme}
    async with looking(chromium, **how, java_script_enabled=scripts) as seen:
        resident = Resident(seen, translator(language, "intake"))
        words, page = TOLD[language], seen.page
        await page.goto(f"{office.stack.url}/?lang={language}")
        await resident.answer_every_question(words)
        if scripts:
            await resident.send_without_a_connection(words)
        else:
            await onward(page, resident.button("Send it").click())
        receipt = await resident.keep_the_receipt()
        await resident.look_up(receipt)
        await resident.follow_until(State.ASSIGNED)

        case = await office.case_of(receipt)
        await office.do(FIRST, case, "acknowledge")
        [told] = await office.read(FIRST, case)
        assert told == {"text": words, "language": language}, "nothing of who they are"
        await resident.follow_until(State.ACKNOWLEDGED)
        await resident.see_who_looked(FIRST)

        await resident.write(f"{words} {LONG}")
        assert LONG in str(await office.read(FIRST, case))
        await office.do(FIRST, case, "write", message=ASKED)
        await resident.read(ASKED)

        await office.do(FIRST, case, "resolve", resolution="explained", language="en", explanation=EXPLAINED)
        await resident.read(EXPLAINED)
        await resident.confirm()
        await resident.reopen(words)
        await resident.read(SECOND)

        await resident.erase()
        assert words not in await page.content()
        await resident.hear_no_more_of(ASKED)
        assert await office.read(SECOND, case) == []
        await resident.leave()
        assert seen.complaints == []
