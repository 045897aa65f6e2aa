"""Whoever brings messages is told how to reach the reporter, on record, and not a word more."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.chassis.auth import ServiceTokens
from services.chassis.particulars_endpoint import PATH
from tests.intake.door import FrontDoor
from tests.services import service_key

CONTACT = ["email", "phone", "language", "notify"]


async def ask(door: FrontDoor, report: dict[str, str], caller: str = "notifications", **changed: Any) -> httpx.Response:
    async with door.service.worker.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT ref FROM particulars WHERE stream_id = $1", (report["case_id"],)
        )
        refs = [str(ref) for ref in found.scalars()]
    asked = {"refs": refs, "purpose": "delivery", "case_id": report["case_id"], "fields": CONTACT, **changed}
    token = ServiceTokens(caller, service_key()).issue("intake")
    return await door.client.post(PATH, json=asked, headers={"Authorization": f"Bearer {token}"})


def told(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return list(answer.json()["particulars"].values())


async def test_the_contact_is_read_on_record_and_nothing_beside_it(door: FrontDoor) -> None:
    report = await door.report(name="Somebody", email="some@body.example", phone="12345", language="ug")
    answer = await ask(door, report)
    assert told(answer) == [{"email": "some@body.example", "phone": "12345", "language": "ug"}]
    looks = await door.client.get("/api/intake/v1/case", headers={"Doorstep-Receipt": report["receipt"]})
    assert [(one["role"], one["purpose"]) for one in looks.json()["looks"]] == [("delivery", "delivery")]


async def test_an_anonymous_resident_is_told_of_the_look_and_of_no_message(door: FrontDoor) -> None:
    """Nothing can be sent to them; to know that, the system has to look."""
    report = await door.report()
    assert told(await ask(door, report)) == [{}]
    page = await door.client.post("/case", data={"receipt": report["receipt"]}, follow_redirects=True)
    assert "the system, to see whether and how you want to be told" in unescape(re.sub(r"<[^>]+>", "", page.text))
    door.client.cookies.clear()


async def test_who_wants_no_message_says_so(door: FrontDoor) -> None:
    report = await door.report(phone="12345", notify=False)
    assert told(await ask(door, report)) == [{"phone": "12345", "notify": False}]


@pytest.mark.parametrize(
    "changed",
    [
        {"fields": ["email", "text"]},
        {"fields": ["name"]},
        {"fields": None},
        {"purpose": "triage"},
        {"caller": "reporting"},
        {"caller": "mediation"},
    ],
)
async def test_other_fields_purposes_and_callers_are_refused(door: FrontDoor, changed: dict[str, Any]) -> None:
    report = await door.report(name="Somebody", email="some@body.example")
    assert (await ask(door, report, **changed)).status_code == 403


async def test_a_row_of_another_case_is_not_there(door: FrontDoor) -> None:
    report = await door.report(email="some@body.example")
    assert told(await ask(door, report, case_id=str(uuid4()))) == []
