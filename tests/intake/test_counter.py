"""The counter's pages: a drop-in that becomes a case or ends there, a call, a paper form that is typed in twice."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.chassis.database import scoped
from services.contracts.cases import CaseReported, CaseResolved, Channel, Ending, Kind, Resolution, Urgency
from services.contracts.envelope import Recorded
from tests.intake.door import API, AREA, FrontDoor
from tests.intake.test_pages import particulars_of
from tests.intake.test_residents_case import from_mediation, opened
from tests.services import staff

MEI = staff("cadre", AREA, subject="mei")
BAO = staff("cadre", AREA, subject="bao")
ELSEWHERE = staff("cadre", "/orchard/")
WORDS = "Zxqvy-Marked-7710 wants to know about a will"
TOLD = "Zxqvy-Marked-7711 a will needs two witnesses"


@dataclass
class Counter:
    """Somebody with a token, which needs no session: tests/browser has one."""

    door: FrontDoor
    who: dict[str, str]
    page: httpx.Response | None = None

    @property
    def text(self) -> str:
        assert self.page is not None
        return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.page.text)))

    @property
    def receipt(self) -> str:
        assert self.page is not None
        return " ".join(re.findall(r"<b>([a-z]{5})</b>", self.page.text))

    async def open(self, address: str, **asked: str) -> httpx.Response:
        self.page = await self.door.client.get(address, params=asked, headers=self.who)
        return self.page

    def hidden(self) -> dict[str, str]:
        assert self.page is not None
        fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', self.page.text)
        return {name: unescape(value) for name, value in fields}

    async def enter(self, **typed: str) -> httpx.Response:
        """What the page that is open holds, and what is typed into it."""
        form = {
            **self.hidden(),
            "about": "question of law",
            "text": WORDS,
            "language": "en",
            "came": "counter",
            **typed,
        }
        self.page = await self.door.client.post("/counter", data=form, headers=self.who)
        return self.page

    async def new(self, **typed: str) -> httpx.Response:
        await self.open("/counter")
        return await self.enter(**typed)


@pytest.fixture
async def counter(door: FrontDoor) -> Counter:
    await door.hear_of_places()
    return Counter(door, MEI)


async def report_of(door: FrontDoor, receipt: str) -> tuple[UUID, Recorded, CaseReported]:
    found = await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": receipt})
    case_id = UUID(found.json()["case_id"])
    async with scoped(door.service.application, ["/"]) as connection:
        recorded = (await door.service.store.read_stream(connection, case_id))[0]
    event = recorded.event()
    assert isinstance(event, CaseReported)
    return case_id, recorded, event


async def test_a_drop_in_becomes_a_case_with_its_receipt(counter: Counter, door: FrontDoor) -> None:
    entered = await counter.new(about="water l", reach="138 0000", name="Mr Wu", place="House 3", urgent="yes")
    assert entered.status_code == 200, counter.text
    assert "It is a case now." in counter.text
    case_id, recorded, event = await report_of(door, counter.receipt)
    assert (event.kind, event.category) == (Kind.FAULT, "water-leak")
    assert (event.channel, event.urgency, event.answered) == (Channel.COUNTER, Urgency.URGENT, None)
    assert recorded.actor == "mei"
    [written] = await particulars_of(door, str(case_id))
    assert written == {
        "text": WORDS,
        "place": "House 3",
        "name": "Mr Wu",
        "phone": "138 0000",
        "language": "en",
        "notify": False,
    }
    assert f"/desk/cases/{case_id}" in entered.text


async def test_who_leaves_nothing_is_anonymous_and_who_calls_came_by_telephone(
    counter: Counter, door: FrontDoor
) -> None:
    await counter.new(came="phone", reach="wu@home.example", notify="yes")
    case_id, _, event = await report_of(door, counter.receipt)
    assert event.channel is Channel.PHONE
    assert await particulars_of(door, str(case_id)) == [{"text": WORDS, "email": "wu@home.example", "language": "en"}]
    await counter.new()
    case_id, _, _ = await report_of(door, counter.receipt)
    assert await particulars_of(door, str(case_id)) == [{"text": WORDS, "language": "en"}]


@pytest.mark.parametrize("ending", Ending)
async def test_what_ends_at_the_counter_says_who_answered_and_holds_no_word_of_it(
    counter: Counter, door: FrontDoor, ending: Ending
) -> None:
    await counter.new(ended=ending.value, told=TOLD, language="ug")
    assert "you are named as who answered it" in counter.text
    _, recorded, event = await report_of(door, counter.receipt)
    assert event.answered is not None
    assert (event.answered.how, event.answered.by, event.answered.language) == (ending, "mei", "ug")
    assert b"Zxqvy" not in recorded.data


async def test_the_resident_reads_what_they_were_told_with_their_receipt(counter: Counter, door: FrontDoor) -> None:
    await counter.new(ended="advice", told=TOLD)
    receipt = counter.receipt
    case_id, _, event = await report_of(door, receipt)
    assert event.answered is not None
    await door.project()
    resolution = CaseResolved(
        resolution=Resolution.ON_THE_SPOT,
        resolved_on=event.reported_on,
        answer=event.answered.explanation,
        language="en",
    )
    await door.tell(from_mediation(str(case_id), 1, opened()), from_mediation(str(case_id), 2, resolution))
    with_receipt = {"Doorstep-Receipt": receipt}
    await door.client.get(f"{API}/case", headers=with_receipt)
    read = (await door.client.get(f"{API}/case", headers=with_receipt)).json()
    assert read["solution"]["explanation"] == TOLD
    assert read["looks"] == [], "no look of the resident's own at their answer is told to them"
    copied = await door.client.get(f"{API}/case:export", headers={"Doorstep-Receipt": receipt})
    assert TOLD in copied.text
    headers = {"Doorstep-Receipt": receipt, "Idempotency-Key": "k" * 16}
    await door.client.post(f"{API}/case:erase", headers=headers)
    assert await particulars_of(door, str(case_id)) == []
    gone = (await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": receipt})).json()
    assert TOLD not in str(gone)


async def test_the_same_entry_again_is_one_report_and_other_words_are_refused(
    counter: Counter, door: FrontDoor
) -> None:
    await counter.open("/counter")
    hidden = counter.hidden()
    before = await door.stored()
    await counter.enter()
    first = counter.receipt
    await counter.enter(**hidden)
    assert counter.receipt == first
    after = await door.stored()
    assert [after[table] - before[table] for table in ("event", "stream", "particulars")] == [1, 1, 1]
    again = await counter.enter(**hidden, text="Something else")
    assert again.status_code == 409
    assert "entered before, with other words" in counter.text
    assert await door.stored() == after


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"about": ""}, "Type the beginning of what it is about"),
        ({"about": "xyzzy"}, "Type the beginning of what it is about"),
        ({"about": "another"}, "More than one begins like this"),
        ({"text": " "}, "Write in a few words what is the matter."),
        ({"text": "x" * 5001}, "Shorten what you wrote to 5,000 characters."),
        ({"place": "x" * 201}, "Shorten the place to 200 characters."),
        ({"reach": "call me"}, "Write a number in digits or an address"),
        ({"reach": "nowhere@"}, "Write a number in digits or an address"),
        ({"language": "xx"}, "Choose the language."),
        ({"ended": "talk"}, "Write what they were told"),
        ({"ended": "talk", "told": TOLD, "about_staff": "yes"}, "let it become a case"),
    ],
)
async def test_what_is_missing_is_said_at_the_top_and_at_the_field(
    counter: Counter, door: FrontDoor, typed: dict[str, str], told: str
) -> None:
    before = await door.stored()
    answer = await counter.new(**typed)
    assert answer.status_code == 422
    assert counter.text.count(told) == 2, counter.text
    assert await door.stored() == before
    if typed.get("text", WORDS) == WORDS:
        assert WORDS in counter.text, "nothing that was typed is lost"


async def test_several_that_fit_are_offered_and_one_is_taken(counter: Counter, door: FrontDoor) -> None:
    answer = await counter.new(about="another")
    [offered] = re.findall(r'<select id="about".*?</select>', answer.text, re.DOTALL)
    labels = [unescape(label) for label in re.findall(r"<option>(.*?)</option>", offered)]
    assert "Another idea · Idea" in labels
    await counter.enter(about="Another idea · Idea")
    assert "It stands on the list of ideas" in counter.text
    _, _, event = await report_of(door, counter.receipt)
    assert (event.kind, event.category) == (Kind.IDEA, "other")


async def test_what_is_about_staff_goes_one_level_up(counter: Counter, door: FrontDoor) -> None:
    await counter.new(about_staff="yes")
    assert "It goes to the level above" in counter.text
    case_id, _, _ = await report_of(door, counter.receipt)
    assert await particulars_of(door, str(case_id), AREA) == []
    assert len(await particulars_of(door, str(case_id), "/lakeside/east/")) == 1


async def test_danger_and_a_minor_are_entered_as_on_the_form(counter: Counter, door: FrontDoor) -> None:
    await counter.new(danger="yes", minor="yes", guardian="Her aunt, 138 0000 0000")
    assert "or to whoever is on duty where none are named" in counter.text
    assert "110" in counter.text, "whom to call at once"
    case_id, recorded, event = await report_of(door, counter.receipt)
    assert (event.danger, event.minor, event.guardian, event.urgency) == (True, True, True, Urgency.URGENT)
    assert b"aunt" not in recorded.data
    [told] = await particulars_of(door, str(case_id), AREA)
    assert told["guardian"] == "Her aunt, 138 0000 0000"


async def test_danger_does_not_end_at_the_counter(counter: Counter, door: FrontDoor) -> None:
    before = await door.stored()
    answer = await counter.new(danger="yes", ended="advice", told="Call again tomorrow.")
    assert answer.status_code == 422
    assert "Where somebody is in danger it can't end here" in counter.text
    assert await door.stored() == before


async def test_nobody_enters_for_a_community_of_others(counter: Counter, door: FrontDoor) -> None:
    counter.who = ELSEWHERE
    await counter.open("/counter")
    assert "No community lies in your areas." in counter.text
    before = await door.stored()
    assert (await counter.enter(community=door.community)).status_code == 404
    assert await door.stored() == before


async def blank(counter: Counter, copies: int = 1, **asked: str) -> list[tuple[str, str]]:
    """The numbers of new forms, each with the receipt at its end."""
    printed = await counter.open("/counter/blank-forms", community=counter.door.community, copies=str(copies), **asked)
    numbers = re.findall(r'<p dir="ltr">([\d ]+)</p>', printed.text)
    receipts = re.findall(r'<p class="seven"[^>]*>([a-z ]+)</p>', printed.text)
    return list(zip(numbers, receipts, strict=True))


@pytest.mark.parametrize("language", ["zh", "ug", "kk-Arab", "kk", "en"])
async def test_forms_are_printed_in_every_language_each_with_a_number_of_its_own(
    counter: Counter, language: str, door: FrontDoor
) -> None:
    before = await door.stored()
    made = await blank(counter, 5, lang=language)
    assert len({number for number, _ in made}) == 5
    assert len({receipt for _, receipt in made}) == 5
    assert counter.page is not None
    assert f'<html lang="{language}"' in counter.page.text
    assert counter.page.text.count('<article class="blank"') == 5
    assert await door.stored() == before, "a form that nobody hands in leaves nothing"


async def test_a_paper_form_is_typed_in_once_and_a_second_time_shows_the_first_s_case(
    counter: Counter, door: FrontDoor
) -> None:
    [(number, receipt)] = await blank(counter)
    await counter.open("/counter/form", number=number)
    assert "Type in a paper form" in counter.text
    assert number in counter.text
    hidden = counter.hidden()
    await counter.enter()
    assert counter.receipt == receipt, "the strip that was torn off is the receipt"
    case_id, recorded, event = await report_of(door, receipt)
    assert (event.channel, recorded.actor) == (Channel.PAPER, "mei")
    after = await door.stored()

    counter.who = BAO
    seen = await counter.open("/counter/form", number=number.replace(" ", "-"))
    assert seen.status_code == 200
    assert "This form was typed in before" in counter.text
    assert "mei typed it in" in counter.text
    assert f"/desk/cases/{case_id}" in seen.text
    for other in ({}, {"key": "another-key-of-this-page"}):
        again = await counter.enter(**{**hidden, **other}, text="Other words, by somebody else")
        assert again.status_code == 409
        assert f"/desk/cases/{case_id}" in again.text
    assert await door.stored() == after


async def test_a_form_about_staff_is_not_shown_to_who_may_not_see_it(counter: Counter) -> None:
    [(number, _)] = await blank(counter)
    await counter.open("/counter/form", number=number)
    await counter.enter(about_staff="yes")
    counter.who = BAO
    seen = await counter.open("/counter/form", number=number)
    assert "It lies outside your areas" in counter.text
    assert "/desk/cases/" not in seen.text


async def test_a_number_that_is_no_form_s_is_told_and_its_neighbour_s_is_not_taken(
    counter: Counter, door: FrontDoor
) -> None:
    [(number, _)] = await blank(counter)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    answer = await counter.open("/counter/form", number=wrong)
    assert answer.status_code == 422
    assert counter.text.count("No form of your communities has this number") == 2
    before = await door.stored()
    await counter.open("/counter")
    assert (await counter.enter(number=wrong)).status_code == 404
    assert await door.stored() == before


async def test_no_resident_takes_a_form_s_place_who_knows_its_number(counter: Counter, door: FrontDoor) -> None:
    [(number, receipt)] = await blank(counter)
    digits: Any = number.replace(" ", "")
    for key in (digits, f"paper-form:{digits}"):
        await door.client.post(f"{API}/reports", json=door.report_form(), headers={"Idempotency-Key": key})
    await counter.open("/counter/form", number=number)
    await counter.enter()
    assert counter.receipt == receipt
