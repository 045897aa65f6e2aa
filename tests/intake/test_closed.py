"""A community that was closed: told clearly at every door, nothing that was written is lost, and it can open again."""

import secrets
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from services.chassis.web.languages import translator
from services.contracts.registry import CommunityClosed, CommunityRegistered, CommunityReopened, community_stream
from services.intake.domain.commands import CloseCommunity, RegisterCommunity, ReopenCommunity
from services.intake.domain.errors import NotRegistered
from services.intake.domain.registry import COMMUNITIES
from services.intake.pages.draft import CLOSED
from tests.conftest import Databases
from tests.given import Given
from tests.intake.door import API, AREA, FrontDoor, line, opened_door
from tests.services import keyed, staff

OPERATOR = staff("operator")
OTHER = "/lakeside/east/mill-yard/"

given = Given(COMMUNITIES)
ID = community_stream(AREA)
REGISTERED = CommunityRegistered(community=ID, area=AREA, name="Willow Lane", time_zone="Asia/Shanghai")
CLOSED_EVENT, REOPENED = CommunityClosed(community=ID), CommunityReopened(community=ID)


def test_it_closes_once_and_opens_again() -> None:
    given(REGISTERED).when(CloseCommunity()).then(CLOSED_EVENT)
    given(REGISTERED, CLOSED_EVENT).when(CloseCommunity()).then()
    given(REGISTERED, CLOSED_EVENT).when(ReopenCommunity()).then(REOPENED)
    given(REGISTERED).when(ReopenCommunity()).then()
    given(REGISTERED, CLOSED_EVENT, REOPENED).when(CloseCommunity()).then(CLOSED_EVENT)
    given(REGISTERED, CLOSED_EVENT).when(RegisterCommunity(ID, AREA, "Willow Lane", "Asia/Shanghai")).then()


def test_what_was_never_registered_can_do_neither() -> None:
    given().when(CloseCommunity()).refused(NotRegistered)
    given().when(ReopenCommunity()).refused(NotRegistered)


@pytest.fixture
async def closing(postgres: Databases) -> AsyncGenerator[FrontDoor]:
    """A door with another community beside, which stays open."""
    async with opened_door(postgres) as door:
        form = {"area": OTHER, "name": "Mill Yard", "time_zone": "Asia/Shanghai"}
        await door.client.post(f"{API}/communities", json=form, headers=OPERATOR)
        await door.hear_of_places()
        yield door


async def standing(door: FrontDoor, act: str, **more: str) -> httpx.Response:
    path = f"{API}/communities/{door.community}:{act}"
    return await door.client.post(path, headers={**OPERATOR, **keyed(), **more})


async def close(door: FrontDoor) -> None:
    answer = await standing(door, "close")
    assert (answer.status_code, answer.json()["closed"]) == (200, True)
    await door.hear_of_places()


async def test_a_report_is_told_so_and_a_repeat_of_an_earlier_one_gets_its_answer(closing: FrontDoor) -> None:
    headers, form = keyed(), closing.report_form()
    first = await closing.client.post(f"{API}/reports", json=form, headers=headers)
    await close(closing)
    before = await closing.stored()
    later = keyed()
    refused = await closing.client.post(f"{API}/reports", json=form, headers={**later, "Accept-Language": "zh"})
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert "Willow Lane" in refused.json()["detail"]
    assert "takes no reports" not in refused.json()["detail"]
    again = await closing.client.post(f"{API}/reports", json=form, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert await closing.stored() == before
    assert (await standing(closing, "reopen")).status_code == 200
    assert (await closing.client.post(f"{API}/reports", json=form, headers=later)).status_code == 201


async def test_each_line_of_its_system_is_told_and_nothing_is_forgotten_of_before(closing: FrontDoor) -> None:
    before, new, past = line(), line(), line(imported=True, occurred_on="2015-01-02")
    await closing.send(before)
    await close(closing)
    told = await closing.send(before, new, past, {**before, "text": "Another."})
    assert [one["status"] for one in told] == ["duplicate", "rejected", "accepted", "conflict"]
    [fault] = told[1]["faults"]
    assert (fault["field"], told[1]["reference"]) == ("community", new["reference"])
    await standing(closing, "reopen")
    assert [one["status"] for one in await closing.send(new)] == ["accepted"]


async def test_its_cases_go_on(closing: FrontDoor) -> None:
    receipt = (await closing.report())["receipt"]
    await close(closing)
    headers = {"Doorstep-Receipt": receipt}
    assert (await closing.client.get(f"{API}/case", headers=headers)).status_code == 200
    withdrawn = await closing.client.post(f"{API}/case:withdraw", headers={**headers, **keyed()})
    assert withdrawn.status_code == 200


async def test_it_is_offered_to_nobody_any_more(closing: FrontDoor) -> None:
    async def offered() -> list[str]:
        answer = await closing.client.get(f"{API}/communities")
        return [one["name"] for one in answer.json()["communities"]]

    assert await offered() == ["Mill Yard", "Willow Lane"]
    await close(closing)
    assert await offered() == ["Mill Yard"]
    await standing(closing, "reopen")
    await closing.hear_of_places()
    assert await offered() == ["Mill Yard", "Willow Lane"]


def draft(door: FrontDoor, **changed: str) -> dict[str, str]:
    return {
        "kind": "fault",
        "community": door.community,
        "category": "water-leak",
        "text": "A pipe burst in the yard.",
        "reach": "anonymous",
        "key": secrets.token_hex(16),
        "at": "check",
        "go": "send",
    } | changed


@pytest.mark.parametrize("heard", [True, False], ids=["known to the page", "closed a moment ago"])
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_who_was_writing_chooses_another_and_loses_no_word(
    closing: FrontDoor, language: str, heard: bool
) -> None:
    answer = await standing(closing, "close")
    assert answer.status_code == 200
    if heard:
        await closing.hear_of_places()
    told = await closing.client.post("/report", data=draft(closing), headers={"Accept-Language": language})
    assert told.status_code == 422
    assert translator(language, "intake").gettext(CLOSED) in told.text
    assert "A pipe burst in the yard." in told.text
    assert "Mill Yard" in told.text
    moved = draft(closing, community=str(community_stream(OTHER)))
    assert (await closing.client.post("/report", data=moved)).headers["location"] == "/case/sent"


async def test_open311_tells_its_own_way(closing: FrontDoor) -> None:
    await close(closing)
    form: dict[str, Any] = {"api_key": closing.key, "service_code": "water-leak", "address_string": "Gate 3"}
    form["jurisdiction_id"] = AREA.strip("/").replace("/", ".")
    answer = await closing.client.post("/open311/v2/requests.json", data=form)
    assert answer.status_code == 400
    assert "Willow Lane takes no reports any more" in answer.json()[0]["description"]


async def test_closing_is_repeated_under_its_key_and_told_to_everybody(closing: FrontDoor) -> None:
    key = keyed()
    answers = [await standing(closing, "close", **key) for _ in range(2)]
    assert [answer.json()["closed"] for answer in answers] == [True, True]
    assert len({answer.headers["Doorstep-Position"] for answer in answers}) == 1
    assert (await closing.types_of(ID)) == ["community.registered", "community.closed"]
    other = {**key, **OPERATOR}
    reused = await closing.client.post(f"{API}/communities/{closing.community}:reopen", headers=other)
    assert reused.status_code == 422
