"""A community's own program on a running stack: a key from the command line, reports in, events out, a key replaced."""

from collections.abc import Generator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Stack
from tests.e2e.waiting import until

AREA = "/systems/east/willow-lane/"
EVENTS = "/api/reporting/v1/events"


@pytest.fixture(scope="module")
def http(stack: Stack) -> Generator[httpx.Client]:
    with httpx.Client(base_url=stack.url, trust_env=False, timeout=60) as http:
        operator = {"Authorization": f"Bearer {stack.token('operator')}"}
        for path in ("/systems/", "/systems/east/"):
            http.post("/api/intake/v1/areas", json={"path": path, "name": path}, headers=operator).raise_for_status()
        place = {"area": AREA, "name": "Willow Lane", "time_zone": "Asia/Shanghai"}
        http.post("/api/intake/v1/communities", json=place, headers=operator).raise_for_status()
        yield http


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def report(http: httpx.Client, key: str, reference: str) -> dict[str, Any]:
    line = f'{{"reference": "{reference}", "kind": "fault", "category": "water-leak", "text": "A pipe burst."}}'
    return http.post("/api/intake/v1/reports:bulk", content=line, headers=bearer(key)).json()


def test_what_it_reports_it_reads_again_as_events(stack: Stack, http: httpx.Client) -> None:
    key = stack.doorstep("keys", "issue", AREA, "--scope", "report", "--scope", "events").strip().splitlines()[-1]
    case = report(http, key, "S-1")["case_id"]
    token = http.post("/api/intake/v1/keys:token", headers=bearer(key)).json()["access_token"]
    assert http.get(EVENTS, headers=bearer(key)).status_code == 401

    def told() -> list[dict[str, Any]] | None:
        answer = http.get(EVENTS, params={"wait": 5}, headers=bearer(token))
        events = [one for one in answer.json() if one["subject"] == case]
        return events if {"case.reported", "case.opened"} <= {one["type"] for one in events} else None

    events = until(told, "what became of the report")
    assert {one["area"] for one in events} == {AREA}
    assert "A pipe burst" not in str(events)


def test_its_key_is_replaced_without_a_gap_and_taken_back(stack: Stack, http: httpx.Client) -> None:
    old = stack.doorstep("keys", "issue", AREA).strip().splitlines()[-1]
    key_id = old.split("_")[1]
    said = stack.doorstep("keys", "replace", AREA, key_id, "--overlap-hours", "1")
    [new] = [line for line in said.splitlines() if line.startswith("dk_")]
    assert [report(http, key, f"S-2-{nth}")["status"] for nth, key in enumerate((old, new))] == ["accepted"] * 2
    listed = stack.doorstep("keys", "list", AREA)
    assert key_id in listed
    assert new.split("_")[2] not in listed
    stack.doorstep("keys", "revoke", AREA, key_id)
    assert http.post("/api/intake/v1/reports:bulk", content=b"", headers=bearer(old)).status_code == 401
    assert "no such" in stack.doorstep("keys", "revoke", AREA, "000000000000", code=1)


def test_its_community_is_closed_and_opened_again(stack: Stack, http: httpx.Client) -> None:
    def offered() -> bool:
        told = http.get("/api/intake/v1/communities").json()["communities"]
        return AREA in [one["area"] for one in told]

    stack.doorstep("communities", "close", AREA)
    until(lambda: True if not offered() else None, "that nobody is offered it")
    stack.doorstep("communities", "reopen", AREA)
    until(lambda: True if offered() else None, "that it is offered again")


def test_who_may_not_send_something_large_is_told_so(http: httpx.Client) -> None:
    """Not that the service is away, which is what a gateway makes of a connection closed on a body still coming."""
    lines = b"{}\n" * 2_000_000
    answers = [http.post("/api/intake/v1/reports:bulk", content=lines, headers=bearer("dk_no_key")) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401] * 4
