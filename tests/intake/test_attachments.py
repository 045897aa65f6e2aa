"""Photos of a case through the API: what is taken, what is not, and that nothing of where it was taken is left."""

from base64 import b64decode
from pathlib import Path

import pytest

from services.intake.attachments.refusals import MOST_BYTES, MOST_PHOTOS, MOST_PIXELS
from tests.intake.door import API, FrontDoor
from tests.intake.pictures import CANARY, Bad, bad_pictures, heic, jpeg, liar, opened, png, webp
from tests.services import keyed

ADD = f"{API}/case:add-photo"
CANARIES = (CANARY, b"Exif", b"\x31\0\0\0\1", b"http://ns.adobe.com")


def receipt(report: dict[str, str]) -> dict[str, str]:
    return {"Doorstep-Receipt": report["receipt"]}


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


async def test_a_photo_is_added_shown_and_kept_once(door: FrontDoor) -> None:
    report = await door.report()
    before = len(files(door.attachments))
    added = await door.client.post(ADD, content=jpeg(), headers=receipt(report))
    assert added.status_code == 201, added.text
    again = await door.client.post(ADD, content=jpeg(), headers=receipt(report))
    assert (again.status_code, again.json()["photo"]) == (201, added.json()["photo"])
    assert len(files(door.attachments)) == before + 2, "the photo and its thumbnail"
    [told] = (await door.client.get(f"{API}/case", headers=receipt(report))).json()["photos"]
    assert (told["photo"], told["width"], told["height"]) == (added.json()["photo"], 480, 640)
    for link, side in ((told["link"], 640), (told["thumbnail"], 320)):
        shown = await door.client.get(link)
        assert shown.headers["Content-Type"] == "image/jpeg"
        assert shown.headers["Cache-Control"] == "no-store"
        assert max(opened(shown.content).size) == side


@pytest.mark.parametrize("content", [jpeg(), png(), webp(), heic()], ids=["JPEG", "PNG", "WebP", "HEIC"])
async def test_nothing_but_pixels_is_carried_over(door: FrontDoor, content: bytes) -> None:
    assert CANARY in content
    report = await door.report()
    added = await door.client.post(ADD, content=content, headers={**receipt(report), "Content-Type": "text/html"})
    assert added.status_code == 201, added.text
    for link in (added.json()["link"], added.json()["thumbnail"]):
        shown = (await door.client.get(link)).content
        assert not [canary for canary in CANARIES if canary in shown]
        picture = opened(shown)
        assert picture.format == "JPEG"
        assert not picture.getexif()
        assert not {"exif", "comment", "xmp", "icc_profile"} & picture.info.keys()


async def test_a_photo_stands_as_it_was_taken(door: FrontDoor) -> None:
    """What its camera noted of up and down is carried out before it is forgotten."""
    report = await door.report()
    added = await door.client.post(ADD, content=jpeg(), headers=receipt(report))
    picture = opened((await door.client.get(added.json()["link"])).content)
    corner, opposite = picture.getpixel((470, 10)), picture.getpixel((10, 630))
    assert corner == (255, 255, 255), "the white corner was turned to the right"
    assert opposite != corner


@pytest.mark.parametrize("bad", bad_pictures(), ids=lambda bad: bad.name)
async def test_what_is_no_good_photo_is_answered_for_and_leaves_nothing(door: FrontDoor, bad: Bad) -> None:
    report = await door.report()
    before = files(door.attachments)
    headers = {**receipt(report), "Content-Type": "image/jpeg", "Accept-Language": "en"}
    answer = await door.client.post(ADD, content=bad.content, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (bad.status, f"urn:doorstep:{bad.code}"), answer.text
    assert bad.words in answer.json()["detail"]
    assert CANARY.decode() not in answer.text
    assert files(door.attachments) == before
    assert (await door.client.get(f"{API}/case", headers=receipt(report))).json()["photos"] == []


async def test_it_is_said_in_the_callers_language(door: FrontDoor) -> None:
    report = await door.report()
    headers = {**receipt(report), "Accept-Language": "zh"}
    answer = await door.client.post(ADD, content=b"%PDF-1.7", headers=headers)
    assert "不收文档" in answer.json()["detail"]


async def test_of_a_picture_with_a_gigabyte_behind_its_four_pixels_four_pixels_are_read(door: FrontDoor) -> None:
    report = await door.report()
    added = await door.client.post(ADD, content=liar(), headers=receipt(report))
    assert (added.json()["width"], added.json()["height"]) == (2, 2)


async def test_a_large_photo_is_made_smaller(door: FrontDoor) -> None:
    report = await door.report()
    added = await door.client.post(ADD, content=jpeg(4000, 3000), headers=receipt(report))
    assert (added.json()["width"], added.json()["height"]) == (1536, 2048)


async def test_a_case_takes_six_and_one_may_be_changed_for_another(door: FrontDoor) -> None:
    report = await door.report()
    for nth in range(MOST_PHOTOS):
        assert (
            await door.client.post(ADD, content=jpeg(64, 48, f"#0000{nth}0"), headers=receipt(report))
        ).status_code == 201
    refused = await door.client.post(ADD, content=png(), headers=receipt(report))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:doorstep:too-many-photos")
    assert "six photos" in refused.json()["detail"]
    photos = (await door.client.get(f"{API}/case", headers=receipt(report))).json()["photos"]
    for _ in range(2):
        removed = await door.client.post(
            f"{API}/case:remove-photo", json={"photo": photos[0]["photo"]}, headers={**receipt(report), **keyed()}
        )
        assert removed.status_code == 200
    assert (await door.client.get(photos[0]["link"])).status_code == 404
    assert (await door.client.post(ADD, content=png(), headers=receipt(report))).status_code == 201


async def test_nobody_takes_a_photo_from_another_case(door: FrontDoor) -> None:
    mine, other = await door.report(), await door.report()
    added = await door.client.post(ADD, content=jpeg(), headers=receipt(mine))
    form = {"photo": added.json()["photo"]}
    await door.client.post(f"{API}/case:remove-photo", json=form, headers={**receipt(other), **keyed()})
    assert len((await door.client.get(f"{API}/case", headers=receipt(mine))).json()["photos"]) == 1


async def test_a_case_that_was_withdrawn_or_erased_takes_none(door: FrontDoor) -> None:
    for act in ("withdraw", "erase"):
        report = await door.report()
        await door.client.post(f"{API}/case:{act}", headers={**receipt(report), **keyed()})
        refused = await door.client.post(ADD, content=jpeg(), headers=receipt(report))
        assert refused.status_code == 409, refused.text


async def test_the_copy_of_a_case_holds_its_photos(door: FrontDoor) -> None:
    report = await door.report()
    await door.client.post(ADD, content=jpeg(), headers=receipt(report))
    copy = (await door.client.get(f"{API}/case:export", headers=receipt(report))).json()
    [photo] = copy["photos"]
    assert opened(b64decode(photo["content"])).size == (photo["width"], photo["height"]) == (480, 640)
    looks = (await door.client.get(f"{API}/case", headers=receipt(report))).json()["looks"]
    assert {(look["role"], look["purpose"]) for look in looks} == {("resident", "export")}


async def test_open311_tells_nothing_of_photos(door: FrontDoor) -> None:
    report = await door.report()
    added = await door.client.post(ADD, content=jpeg(), headers=receipt(report))
    await door.project()
    path = f"/open311/v2/requests/{report['case_id']}.json"
    told = await door.client.get(path, params={"jurisdiction_id": "lakeside.east.willow-lane"})
    assert told.status_code == 200
    assert added.json()["photo"] not in told.text
    assert "/photos/" not in told.text


def test_the_texts_say_what_the_limits_are() -> None:
    assert (MOST_BYTES, MOST_PIXELS, MOST_PHOTOS) == (10_000_000, 40_000_000, 6)
