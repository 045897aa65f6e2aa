"""Who sees photos: by a link, for a while, in their areas, and on record before they see anything."""

from base64 import urlsafe_b64decode
from datetime import timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.chassis.auth import ServiceTokens, Staff
from services.chassis.clock import now
from services.intake.attachments.links import LIFE, PhotoLinks
from services.intake.door import Door
from tests.intake.door import API, AREA, FrontDoor
from tests.intake.pictures import jpeg, opened
from tests.intake.test_attachments import ADD, receipt
from tests.services import service_key, staff

PURPOSE = {"purpose": "casework"}


@pytest.fixture
async def case(door: FrontDoor) -> dict[str, str]:
    report = await door.report()
    added = await door.client.post(ADD, content=jpeg(), headers=receipt(report))
    return {**report, "photo": added.json()["photo"], "link": added.json()["link"]}


async def links(door: FrontDoor, case: dict[str, str], area: str = AREA, role: str = "cadre") -> httpx.Response:
    path = f"{API}/cases/{case['case_id']}/photos"
    return await door.client.get(path, params=PURPOSE, headers=staff(role, area, subject="mei"))


async def looks(door: FrontDoor, case: dict[str, str]) -> list[tuple[str, str, str, str]]:
    async with door.service.worker.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT ref::text, actor, role, purpose FROM particulars_access WHERE stream_id = $1 ORDER BY nth",
            (UUID(case["case_id"]),),
        )
        return [tuple(row) for row in found]


async def test_staff_s_look_is_recorded_once_for_each_time_they_were_given_links(
    door: FrontDoor, case: dict[str, str]
) -> None:
    [photo] = (await links(door, case)).json()["photos"]
    assert await looks(door, case) == [], "a link is no look"
    for link in (photo["thumbnail"], photo["link"], photo["link"]):
        assert opened((await door.client.get(link)).content).format == "JPEG"
        assert await looks(door, case) == [(case["photo"], "mei", "cadre", "casework")]
    told = (await door.client.get(f"{API}/case", headers=receipt(case))).json()["looks"]
    assert [(look["role"], look["purpose"]) for look in told] == [("cadre", "casework")]


async def test_a_look_that_can_t_be_recorded_shows_nothing(door: FrontDoor, case: dict[str, str]) -> None:
    [photo] = (await links(door, case)).json()["photos"]
    owner = await asyncpg.connect(door.owner_dsn)
    try:
        await owner.execute("REVOKE INSERT ON particulars_access FROM intake_worker")
        refused = await door.client.get(photo["link"])
        assert (refused.status_code, b"JFIF" in refused.content) == (500, False)
        await owner.execute("GRANT INSERT ON particulars_access TO intake_worker")
    finally:
        await owner.close()
    assert (await door.client.get(photo["link"])).status_code == 200


async def test_a_photo_is_its_owner_s_own_and_no_look_of_theirs_is_recorded(
    door: FrontDoor, case: dict[str, str]
) -> None:
    assert (await door.client.get(case["link"])).status_code == 200
    assert await looks(door, case) == []


@pytest.mark.parametrize("area", ["/orchard/row/", f"{AREA}house-7/", "/lakeside/east/willow-lan/"])
async def test_in_another_area_there_is_no_such_case(door: FrontDoor, case: dict[str, str], area: str) -> None:
    answer = await links(door, case, area)
    assert answer.status_code == 404
    assert case["photo"] not in answer.text


@pytest.mark.parametrize("role", ["manager", "operator"])
async def test_who_does_not_work_on_cases_is_given_no_link(door: FrontDoor, case: dict[str, str], role: str) -> None:
    assert (await links(door, case, "/", role)).status_code == 403


async def test_another_service_is_given_links_for_staff_of_the_area_and_for_nobody_else(
    door: FrontDoor, case: dict[str, str]
) -> None:
    tokens = ServiceTokens("mediation", service_key())
    asked = {"case_id": case["case_id"], **PURPOSE}

    async def answered(token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await door.client.post("/internal/photos:list", json=asked, headers=headers)

    def as_staff(area: str, role: str = "cadre") -> str:
        return tokens.issue("intake", staff=Staff("mei", frozenset({role}), (area,)))

    [photo] = (await answered(as_staff(AREA))).json()["photos"]
    assert (await door.client.get(photo["link"])).status_code == 200
    assert await looks(door, case) == [(case["photo"], "mei", "cadre", "casework")]
    assert (await answered(as_staff("/orchard/"))).status_code == 404
    assert (await answered(as_staff("/", "manager"))).status_code == 403
    assert (await answered(tokens.issue("intake"))).status_code == 403
    assert (await answered(tokens.issue("intake", receipt_case=UUID(case["case_id"])))).status_code == 403
    assert (await answered("nothing")).status_code == 401


async def test_a_link_ends(door: FrontDoor, case: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    [photo] = (await links(door, case)).json()["photos"]
    late = now() + LIFE + timedelta(seconds=1)
    monkeypatch.setattr("services.intake.attachments.showing.now", lambda: late)
    for link in (case["link"], photo["link"], photo["thumbnail"]):
        answer = await door.client.get(link)
        assert answer.status_code == 404
        assert "the time of its link is over" in answer.text
    assert await looks(door, case) == []


async def test_no_link_is_forged(door: FrontDoor, case: dict[str, str]) -> None:
    inside: Door = door.app.state.door
    ref, at = UUID(case["photo"]), now()
    other = PhotoLinks(type(door.service.fingerprints)("AAAA")).issue(ref, at, thumbnail=False)
    token = case["link"].removeprefix("/photos/")
    changed = [token[:nth] + ("A" if token[nth] != "A" else "B") + token[nth + 1 :] for nth in (5, 40, -20)]
    for forged in (
        other,
        *(f"/photos/{one}" for one in changed),
        "/photos/x",
        f"/photos/{ref}",
        "/photos/%C3%A9",
        "/photos/",
    ):
        assert (await door.client.get(forged)).status_code == 404, forged
    assert (await door.client.get(inside.album.links.issue(ref, at, thumbnail=False))).status_code == 200


async def test_a_link_tells_nothing(door: FrontDoor, case: dict[str, str]) -> None:
    [photo] = (await links(door, case)).json()["photos"]
    content = urlsafe_b64decode(photo["link"].removeprefix("/photos/"))
    for told in (case["photo"].encode(), UUID(case["photo"]).bytes, b"mei", b"casework", b"cadre"):
        assert told not in content
