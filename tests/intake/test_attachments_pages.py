"""Photos on the residents' pages, without a script: on the way to a report, and added to a case."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.chassis.clock import now
from services.chassis.eventstore import StoreUnavailable
from services.intake.attachments.blobs import Blobs
from services.intake.pages.draft import LONGEST_TEXT
from tests.intake.door import API, FrontDoor
from tests.intake.pictures import CANARY, bad_pictures, jpeg, opened, png, too_many_bytes, webp
from tests.intake.test_attachments_erased import album_of
from tests.intake.test_pages import Browser, anew, browser, case_of, reported

__all__ = ["browser"]

BAD = {one.name: one.content for one in bad_pictures()}


async def choose(page: Browser, *pictures: bytes, to: str = "/report", **typed: str) -> None:
    """Send the form with these files, as a browser does; with none, it sends an empty one."""
    chosen = [("photos", (f"{CANARY.decode()}.jpg", one, "image/jpeg")) for one in pictures]
    files = chosen or [("photos", ("", b"", "application/octet-stream"))]
    form = {**page.hidden(), **typed}
    page.page = await page.client.post(to, data=form, files=files, follow_redirects=True)


async def at_photos(page: Browser) -> None:
    await page.open("/")
    await page.send("/report", kind="fault")
    await page.answer(category="water-leak")
    await anew(page)
    await page.answer(text="A pipe burst.")
    assert page.heading == "Do you have a photo of it?"
    assert 'enctype="multipart/form-data"' in page.page.text


def thumbnails(page: Browser) -> Sequence[str]:
    return re.findall(r'<img src="(/photos/[^"]+)"', page.page.text)


async def photos_of(door: FrontDoor, receipt: str) -> list[dict[str, str]]:
    return (await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": receipt})).json()["photos"]


async def test_a_report_is_sent_with_its_photos(browser: Browser, door: FrontDoor) -> None:
    await at_photos(browser)
    await choose(browser, jpeg(), png(), go="next")
    assert browser.heading == "May we reach you?"
    await browser.answer(reach="anonymous")
    assert len(thumbnails(browser)) == 2
    for link in thumbnails(browser):
        assert opened((await browser.client.get(link)).content).format == "JPEG"
    assert "Until now nothing but the photos was stored." in browser.text
    await browser.answer(go="send")
    assert browser.heading == "Your report has arrived"
    assert len(await photos_of(door, browser.receipt)) == 2


async def test_it_goes_without_and_says_that_nothing_was_stored(browser: Browser, door: FrontDoor) -> None:
    await at_photos(browser)
    await choose(browser, go="next")
    await browser.answer(reach="anonymous")
    assert "Until now nothing was stored." in browser.text
    await browser.answer(go="send")
    assert await photos_of(door, browser.receipt) == []


@pytest.mark.parametrize("go", ["back", "next", "photos"])
async def test_whichever_way_one_goes_on_what_was_chosen_is_kept(browser: Browser, go: str) -> None:
    await at_photos(browser)
    await choose(browser, jpeg(), go=go)
    while browser.heading != "Do you have a photo of it?":
        await browser.answer(go="next" if go == "back" else "back", text="A pipe burst.")
    assert len(thumbnails(browser)) == 1
    await choose(browser, lang="ug")
    assert '<html lang="ug" dir="rtl">' in browser.page.text
    assert len(thumbnails(browser)) == 1


async def test_an_error_on_another_page_loses_none(browser: Browser, door: FrontDoor) -> None:
    await at_photos(browser)
    await choose(browser, jpeg(), go="next")
    await browser.answer(reach="me")
    assert browser.page.status_code == 422
    await browser.answer(go="send", text="x" * (LONGEST_TEXT + 1), reach="anonymous")
    assert browser.heading == "Tell us what happened"
    await browser.answer(go="send", text="A pipe burst.", reach="anonymous")
    assert len(await photos_of(door, browser.receipt)) == 1


async def test_what_is_no_photo_is_said_and_the_others_are_kept(browser: Browser) -> None:
    await at_photos(browser)
    await choose(browser, BAD["SVG"], jpeg(), too_many_bytes(), go="next")
    assert browser.page.status_code == 422
    assert browser.heading == "Do you have a photo of it?"
    assert browser.page.text.count("This file is no picture.") == 2
    assert CANARY.decode() not in browser.page.text
    assert len(thumbnails(browser)) == 1
    await choose(browser, too_many_bytes(), go="next")
    assert (browser.page.status_code, browser.page.text.count("larger than 10 MB")) == (413, 2)
    await choose(browser, BAD["a PDF"], go="next")
    assert "Photograph the page" in browser.text
    await choose(browser, BAD["fifty megapixels"], go="send")
    assert "40 megapixels" in browser.text
    assert "A pipe burst." in browser.hidden().values()


async def test_more_than_six_are_refused_and_one_is_removed(browser: Browser) -> None:
    await at_photos(browser)
    await choose(browser, *(jpeg(64, 48, f"#{nth}f0000") for nth in range(7)), go="next")
    assert "A case takes six photos." in browser.text
    assert len(thumbnails(browser)) == 6
    assert 'type="file"' not in browser.page.text
    [first, *_] = re.findall(r'name="remove" value="([^"]+)"', browser.page.text)
    await choose(browser, remove=first)
    assert len(thumbnails(browser)) == 5
    assert 'type="file"' in browser.page.text
    await choose(browser, remove="no such thing", go="photos")
    assert len(thumbnails(browser)) == 5


async def test_pressed_twice_it_is_sent_once_with_each_photo_once(browser: Browser, door: FrontDoor) -> None:
    await at_photos(browser)
    for _ in range(2):
        await choose(browser, jpeg(), go="photos")
    await choose(browser, go="next")
    await browser.answer(reach="anonymous")
    form = {**browser.hidden(), "go": "send"}
    for _ in range(2):
        browser.page = await browser.client.post("/report", data=form, follow_redirects=True)
    assert len(await photos_of(door, browser.receipt)) == 1


async def test_while_photos_can_t_be_stored_everything_else_goes_on(
    browser: Browser, door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    await at_photos(browser)
    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "put", away)
        await choose(browser, jpeg(), go="next")
    assert browser.page.status_code == 503
    assert "Nothing else is lost" in browser.text
    await choose(browser, go="next")
    await browser.answer(reach="anonymous")
    await browser.answer(go="send")
    assert await photos_of(door, browser.receipt) == []


async def test_a_draft_that_was_left_is_swept_and_its_report_still_goes(browser: Browser, door: FrontDoor) -> None:
    await at_photos(browser)
    await choose(browser, jpeg(), go="next")
    await album_of(door).sweep(now() + timedelta(days=1, minutes=1))
    await browser.answer(reach="anonymous")
    assert thumbnails(browser) == []
    await browser.answer(go="send")
    assert browser.heading == "Your report has arrived"


async def test_a_form_that_is_broken_off_or_no_form_is_not_taken(browser: Browser) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    begun = b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a"\r\n\r\n' + jpeg()
    for content in (begun, b"nothing", b"", b"--x\r\n" * 1000):
        answer = await browser.client.post("/report", content=content, headers=kind)
        assert answer.status_code == 422, content[:40]
        assert "Open the page again and repeat." in answer.text
    without = await browser.client.post("/report", content=begun, headers={"Content-Type": "multipart/form-data"})
    assert without.status_code == 422


async def test_photos_are_added_to_a_case_and_taken_back(browser: Browser, door: FrontDoor) -> None:
    receipt, _ = await reported(browser, door)
    await door.project()
    await browser.open("/case")
    await choose(browser, jpeg(), webp(), to="/case/photos")
    assert len(thumbnails(browser)) == 2
    assert "Photos (2)" in browser.text
    await choose(browser, BAD["HTML"], to="/case/photos")
    assert browser.page.status_code == 422
    assert browser.page.text.count("This file is no picture.") == 2
    [first, _] = re.findall(r'name="remove" value="([^"]+)"', browser.page.text)
    await choose(browser, to="/case/photos", remove=first)
    assert len(thumbnails(browser)) == 1
    assert len(await photos_of(door, receipt)) == 1


async def test_without_the_receipt_nothing_is_added(browser: Browser, door: FrontDoor) -> None:
    receipt, _ = await reported(browser, door)
    await browser.send("/case/leave")
    await choose(browser, jpeg(), to="/case/photos")
    assert browser.heading == "Look up my case"
    assert await photos_of(door, receipt) == []


async def test_no_other_site_adds_one(browser: Browser, door: FrontDoor) -> None:
    receipt, _ = await reported(browser, door)
    files = [("photos", ("a.jpg", jpeg(), "image/jpeg"))]
    for address in ("/report", "/case/photos"):
        foreign = await browser.client.post(address, files=files, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
    assert await photos_of(door, receipt) == []


async def test_a_case_that_was_withdrawn_shows_what_it_has_and_takes_no_more(browser: Browser, door: FrontDoor) -> None:
    receipt, _ = await reported(browser, door)
    await door.project()
    await browser.open("/case")
    await choose(browser, jpeg(), to="/case/photos")
    await browser.send("/case/withdraw", key="a-key-of-its-own-16")
    await door.project()
    await browser.open("/case")
    assert len(thumbnails(browser)) == 1
    assert 'type="file"' not in browser.page.text
    await choose(browser, png(), to="/case/photos")
    assert browser.page.status_code == 409
    assert "The report was withdrawn" in browser.text
    assert await case_of(door, receipt)
