"""The cursor feed: every event of an area exactly once, whoever writes meanwhile, and of no other area."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from services.chassis.auth import System, SystemTokens
from services.chassis.ids import new_id
from services.chassis.taken import Taken
from services.contracts.cases import CaseReported, CaseWithdrawn, Channel, Kind, Urgency
from services.contracts.envelope import Recorded
from services.contracts.registry import community_stream
from services.reporting.feed import MEDIA_TYPE, Feed
from services.reporting.public_log import PublicLog
from tests.reporting.bureau import NOON, Bureau, happened
from tests.services import service_key, staff

EVENTS = "/api/reporting/v1/events"
HERE, THERE = "/lakeside/east/", "/lakeside/west/"
WRITERS, BATCHES, OF_A_BATCH = 4, 15, 6


def reported(**changed: Any) -> CaseReported:
    told = {
        "community": uuid4(),
        "kind": Kind.FAULT,
        "category": "water-leak",
        "urgency": Urgency.ORDINARY,
        "channel": Channel.WEB,
        "reported_on": NOON.date(),
        "particulars": uuid4(),
    }
    return CaseReported.model_validate({**told, **changed})


def system(*scopes: str, area: str = HERE) -> dict[str, str]:
    """Headers of a community's system, with the token that intake gives it for its key."""
    token = SystemTokens(service_key()).issue(System(community_stream(area), area, frozenset(scopes)))
    return {"Authorization": f"Bearer {token}"}


def reports(number: int, area: str = HERE) -> list[Recorded]:
    return [happened(reported(), new_id(), area=area) for _ in range(number)]


def onward(answer: httpx.Response) -> str:
    [link] = re.findall(r'^<(.+)>; rel="next"$', answer.headers["Link"])
    return link


async def told(bureau: Bureau, headers: dict[str, str], path: str = EVENTS, **asked: Any) -> list[dict[str, Any]]:
    answer = await bureau.client.get(path, params=asked or None, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    return orjson.loads(answer.content)


async def test_paging_tells_each_event_once_while_others_write(empty: Bureau) -> None:
    written = {
        nth: [reports(OF_A_BATCH // 2) + reports(OF_A_BATCH // 2, THERE) for _ in range(BATCHES)]
        for nth in range(WRITERS)
    }
    expected = {f"{one.stream_id}:1" for of in written.values() for batch in of for one in batch if one.area == HERE}

    async def write(batches: Sequence[list[Recorded]]) -> None:
        log = PublicLog(empty.worker)
        for batch in batches:
            async with empty.worker.begin() as connection:
                await log.take(connection, [Taken(one) for one in batch])

    writing = [asyncio.create_task(write(batches)) for batches in written.values()]
    seen: list[dict[str, Any]] = []
    path = f"{EVENTS}?limit=7"
    while True:
        ended = all(task.done() for task in writing)
        answer = await empty.client.get(path, headers=system("events"))
        assert answer.status_code == 200, answer.text
        page: list[dict[str, Any]] = orjson.loads(answer.content)
        seen += page
        path = onward(answer)
        if ended and not page:
            break
    await asyncio.gather(*writing)
    assert len(seen) == len(expected)
    assert {one["id"] for one in seen} == expected
    positions = [int(one["cursor"].split("-")[1]) for one in seen]
    assert positions == sorted(set(positions))
    assert {one["area"] for one in seen} == {HERE}


async def test_an_event_is_told_as_cloudevents_wants_it_and_nobody_who_acted(empty: Bureau) -> None:
    case = new_id()
    await empty.learn([happened(reported(), case, area=HERE)])
    [event] = await told(empty, system("events"))
    assert event["specversion"] == "1.0"
    assert (event["source"], event["type"], event["subject"]) == ("intake", "case.reported", str(case))
    assert (event["id"], event["streamversion"], event["area"]) == (f"{case}:1", 1, HERE)
    assert event["data"]["category"] == "water-leak"
    assert event["cursor"] == "0-1"
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in event)
    assert "somebody" not in str(event)  # who the bureau's events say that acted


async def test_only_what_is_asked_for_is_told(empty: Bureau) -> None:
    case = new_id()
    await empty.learn([happened(reported(), case, area=HERE), happened(CaseWithdrawn(), case, 2, area=HERE)])
    await empty.learn(reports(2, f"{HERE}mill-yard/") + reports(2, THERE))
    assert len(await told(empty, staff("manager", "/lakeside/"))) == 6
    assert len(await told(empty, staff("manager", "/lakeside/"), area=f"{HERE}mill-yard/")) == 2
    assert [one["type"] for one in await told(empty, system("events"), types="case.withdrawn")] == ["case.withdrawn"]
    assert await told(empty, system("events"), after="now") == []
    assert [one["cursor"] for one in await told(empty, system("events"), after="0-1", limit=2)] == ["0-2", "0-3"]


async def test_who_may_read_it_and_of_which_area(empty: Bureau) -> None:
    await empty.learn(reports(1))
    for headers, status in (
        ({}, 401),
        (staff("cadre"), 403),
        (staff("mediator"), 403),
        (system("webhooks"), 403),
        ({"Authorization": "Bearer dk_000000000000_0"}, 401),
    ):
        assert (await empty.client.get(EVENTS, headers=headers)).status_code == status
    for area in (THERE, "/lakeside/", "/", "/lakeside/eastern/"):
        answer = await empty.client.get(EVENTS, params={"area": area}, headers=system("events"))
        assert answer.status_code == 404, area
    assert await told(empty, system("events", area=THERE)) == []
    several = await empty.client.get(EVENTS, headers=staff("manager", HERE, THERE))
    assert several.status_code == 422


async def test_a_case_about_staff_is_not_told_to_those_who_work_there(empty: Bureau) -> None:
    case, other = new_id(), new_id()
    events = [happened(reported(about_staff=True), case, area=HERE), happened(CaseWithdrawn(), case, 2, area=HERE)]
    await empty.learn([*events, happened(reported(), other, area=HERE)])
    assert [one["subject"] for one in await told(empty, system("events"))] == [str(other)]
    assert len(await told(empty, staff("supervisor", HERE))) == 3


@pytest.mark.parametrize("asked", [{"after": "x"}, {"limit": 0}, {"limit": 501}, {"wait": 21}, {"types": "case.x"}])
async def test_what_cannot_be_asked_is_told_so(empty: Bureau, asked: dict[str, Any]) -> None:
    answer = await empty.client.get(EVENTS, params=asked, headers=system("events"))
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["faults"]] == list(asked)


async def test_a_cursor_of_before_a_restore_is_not_taken_for_one_of_now(empty: Bureau) -> None:
    await empty.learn(reports(3))
    ahead = await empty.client.get(EVENTS, params={"after": "0-4"}, headers=system("events"))
    assert (ahead.status_code, ahead.json()["type"]) == (410, "urn:doorstep:cursor-gone")
    async with empty.owner.begin() as connection:
        await connection.exec_driver_sql("INSERT INTO restored (to_time) VALUES (now())")
    gone = await empty.client.get(EVENTS, params={"after": "0-2"}, headers=system("events"))
    assert gone.status_code == 410
    assert [one["cursor"] for one in await told(empty, system("events"))] == ["1-1", "1-2", "1-3"]


async def test_whoever_waits_is_told_of_what_comes(empty: Bureau) -> None:
    waiting = asyncio.create_task(told(empty, system("events"), wait=20))
    await empty.learn(reports(1, THERE))
    await empty.learn(reports(1))
    assert [one["area"] for one in await waiting] == [HERE]


async def test_whoever_waits_is_let_go_when_the_service_ends(empty: Bureau) -> None:
    feed: Feed = empty.app.state.feed
    answers = [asyncio.create_task(told(empty, system("events"), wait=20)) for _ in range(3)]
    feed.leave()
    assert await asyncio.gather(*answers) == [[], [], []]


async def test_a_long_log_of_others_is_looked_through_in_strides(
    empty: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.reporting.feed.STRIDE", 10)
    monkeypatch.setattr("services.reporting.feed.STRIDES", 3)
    await empty.learn(reports(95, THERE) + reports(1))
    answer = await empty.client.get(EVENTS, headers=system("events"))
    seen: list[dict[str, Any]] = orjson.loads(answer.content)
    asked = 1
    while not seen:
        answer = await empty.client.get(onward(answer), headers=system("events"))
        seen, asked = orjson.loads(answer.content), asked + 1
    assert (len(seen), asked) == (1, 4)
