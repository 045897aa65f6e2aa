"""The residents' pages without JavaScript: writing, correcting, appealing, and danger and minors on the form."""

from datetime import timedelta
from typing import Any

from services.chassis.clock import now
from services.chassis.ids import new_id
from services.contracts.cases import CaseClosed, CaseDeclined, CaseMessageWritten, Closure, DeclineReason
from services.contracts.deadlines import Rule
from tests.intake.door import API, FrontDoor
from tests.intake.test_pages import Browser, anew, browser, particulars_of, reported, written
from tests.intake.test_residents_case import deadline, from_mediation, opened

__all__ = ["browser"]


async def test_a_message_is_written_on_the_page_and_stands_there(browser: Browser, door: FrontDoor) -> None:
    _, case = await reported(browser, door)
    await browser.open("/case")
    assert "You need not say who you are to write" in browser.text
    await browser.send("/case/write", text="")
    assert browser.page.status_code == 422
    assert 'id="message-fault"' in browser.page.text
    await browser.send("/case/write", text="It is <loud>.")
    assert "Whoever has your case is told that you wrote." in browser.text
    await door.project()
    await browser.open("/case")
    assert "It is <loud>." in browser.text
    assert await door.types_of(case) == ["case.reported", "case.amended"]


async def test_the_same_form_sent_twice_writes_once(browser: Browser, door: FrontDoor) -> None:
    _, case = await reported(browser, door)
    await browser.open("/case")
    form = {**browser.hidden(), "text": "Once."}
    for _ in range(2):
        await browser.client.post("/case/write", data=form)
    assert (await door.types_of(case)).count("case.amended") == 1


async def test_what_was_written_to_them_waits_while_it_can_not_be_fetched(browser: Browser, door: FrontDoor) -> None:
    _, case = await reported(browser, door)
    await door.project()
    said = CaseMessageWritten(by="mei", message=new_id())
    await door.tell(from_mediation(case, 1, opened()), from_mediation(case, 2, said))
    await browser.open("/case")
    assert "mei wrote to you." in browser.text
    assert "Something was written to you, which can't be fetched just now." in browser.text
    assert "What was recorded at the desk can't be fetched just now" in browser.text


async def test_a_report_is_corrected_on_a_page_of_its_own(browser: Browser, door: FrontDoor) -> None:
    contact = {"reach": "me", "name": "Ana", "phone": "138 0000", "notify": "yes"}
    _, case = await reported(browser, door, text="A lamp broke.", place="Gate 3", **contact)
    await browser.open("/case/correct")
    assert browser.heading == "Correct what you told"
    assert all(told in browser.page.text for told in ("A lamp broke.", "Gate 3", "Ana", "138 0000"))
    typed = {"text": "Two lamps broke.", "place": "", "name": "", "phone": "nonsense", "email": "a@b.example"}
    await browser.send("/case/correct", None, **typed)
    assert browser.page.status_code == 422
    assert 'id="phone-fault"' in browser.page.text
    assert "Two lamps broke." in browser.page.text
    await browser.send("/case/correct", None, **{**typed, "phone": "", "notify": "yes"})
    assert "It is corrected." in browser.text
    versions: list[dict[str, Any]] = await particulars_of(door, case)
    assert {"text": "A lamp broke.", "place": "Gate 3", "language": "en"} in versions
    [after] = [one for one in versions if "corrects" in one]
    assert (after["text"], after["email"]) == ("Two lamps broke.", "a@b.example")
    assert not {"place", "name", "phone"} & after.keys()


async def test_where_their_phone_was_is_taken_back_and_held_no_longer(browser: Browser, door: FrontDoor) -> None:
    spot = "geo:43.8256,87.6168;u=12"
    _, case = await reported(browser, door, text="A lamp broke.", place="Gate 3", spot=spot)
    await browser.open("/case/correct")
    typed = {"text": "Two lamps broke.", "place": "Gate 3"}
    await browser.send("/case/correct", None, **typed, spot="beside the moon")
    assert browser.page.status_code == 422
    assert 'id="spot-fault"' in browser.page.text
    await browser.send("/case/correct", None, **typed, spot=spot)
    assert [one.get("spot") for one in await particulars_of(door, case)] == [None, spot]
    await browser.open("/case/correct")
    await browser.send("/case/correct", None, **typed)
    assert [one.get("spot") for one in await particulars_of(door, case)] == [None] * 3


async def test_what_was_erased_is_not_corrected(browser: Browser, door: FrontDoor) -> None:
    await reported(browser, door)
    await browser.open("/case/correct")
    before = browser.hidden()
    await browser.open("/case")
    await browser.send("/case/erase")
    await door.project()
    await browser.open("/case/correct")
    assert browser.page.url.path == "/case"
    late = await browser.client.post("/case/correct", data={**before, "text": "More."})
    assert late.status_code == 409


async def test_who_declined_it_and_why_is_told_and_appealed_in_words(browser: Browser, door: FrontDoor) -> None:
    _, case = await reported(browser, door)
    declined = CaseDeclined(
        by="mei",
        reason=DeclineReason.OUTSIDE_REMIT,
        explanation=new_id(),
        language="en",
        deadlines=(deadline(Rule.REOPEN, now() + timedelta(days=3)),),
    )
    steps = (opened(), declined, CaseClosed(closure=Closure.DECLINED))
    await door.project()
    await door.tell(*(from_mediation(case, nth, event) for nth, event in enumerate(steps, 1)))
    await browser.open("/case")
    assert browser.heading.startswith("Your case was declined")
    assert "Nobody here may do it." in browser.text
    assert "Declined by mei." in browser.text
    await browser.send("/case/appeal", text=" ")
    assert (browser.page.status_code, 'id="text-fault"' in browser.page.text) == (422, True)
    await browser.send("/case/appeal", text="They sent me here.")
    await door.project()
    await browser.open("/case")
    assert browser.heading.startswith("You appealed.")
    assert await door.types_of(case) == ["case.reported", "case.appealed"]


async def test_help_stands_on_the_form_before_anything_is_told(browser: Browser) -> None:
    await browser.open("/")
    await browser.send("/report", kind="fault")
    await browser.answer(category="water-leak")
    await anew(browser)
    for number in ("110", "120", "12356"):
        assert f'href="tel:{number}"' in browser.page.text


async def test_danger_and_a_minor_travel_as_marks_and_the_guardian_is_sealed(browser: Browser, door: FrontDoor) -> None:
    await browser.open("/")
    await browser.send("/report", kind="dispute")
    await browser.answer(category="family")
    await browser.answer(text="He beats her.", danger="yes", minor="yes", guardian="Aunt Lin, 139 1111")
    await browser.answer()  # without photos
    await browser.answer(reach="anonymous")
    assert browser.heading == "Is this right?"
    assert "goes first to the people named to protect, or to whoever is on duty where none are named" in browser.text
    assert "at once to people who protect" not in browser.text, "no desk need be named"
    assert 'class="danger' in browser.page.text
    await browser.answer(go="send")
    case = (await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": browser.receipt})).json()["case_id"]
    async with door.service.worker.connect() as connection:
        found = await connection.exec_driver_sql("SELECT data::text FROM event WHERE stream_id = $1", (case,))
        data = found.scalar_one()
    assert '"danger":true' in data.replace(" ", "")
    assert '"guardian":true' in data.replace(" ", "")
    assert '"urgency":"urgent"' in data.replace(" ", "")
    assert "Lin" not in data
    [held] = await particulars_of(door, case)
    assert held["guardian"] == "Aunt Lin, 139 1111"
    await door.project()
    await browser.open("/case")
    assert 'href="tel:110"' in browser.page.text, "help stays in sight"


async def test_a_guardian_without_a_minor_is_not_kept(browser: Browser, door: FrontDoor) -> None:
    await written(browser)
    await browser.answer(go="words")
    await browser.answer(text="A lamp.", guardian="Aunt Lin")
    await browser.answer(go="send")
    case = (await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": browser.receipt})).json()["case_id"]
    assert not [one for one in await particulars_of(door, case) if "guardian" in one]
