"""Areas, communities and their keys: registered for good, told to everybody, taken back at once."""

from typing import Any
from uuid import uuid4

import pytest

from services.intake.credentials import Credentials
from tests.intake.door import API, AREA, FrontDoor, line
from tests.services import staff

OPERATOR = staff("operator")


async def issued(door: FrontDoor, *scopes: str) -> str:
    keys = f"{API}/communities/{door.community}/keys"
    answer = await door.client.post(keys, json={"scopes": scopes}, headers=OPERATOR)
    assert answer.status_code == 201
    return answer.json()["api_key"]


async def listed(door: FrontDoor, key: str) -> dict[str, Any]:
    """What is told of a key."""
    answer = await door.client.get(f"{API}/communities/{door.community}/keys", headers=OPERATOR)
    assert key.split("_")[2] not in answer.text
    [told] = [one for one in answer.json()["keys"] if one["key_id"] == key.split("_")[1]]
    return told


async def test_an_area_is_registered_for_good(door: FrontDoor) -> None:
    again = await door.client.post(f"{API}/areas", json={"path": "/lakeside/", "name": "Lakeside"}, headers=OPERATOR)
    other = await door.client.post(f"{API}/areas", json={"path": "/lakeside/", "name": "Other"}, headers=OPERATOR)
    assert again.status_code == 201
    assert other.status_code == 409
    assert "Lakeside" in other.json()["detail"]


async def test_a_community_gets_its_first_key_once(door: FrontDoor) -> None:
    form = {"area": AREA, "name": "Willow Lane", "time_zone": "Asia/Shanghai"}
    again = await door.client.post(f"{API}/communities", json=form, headers=OPERATOR)
    assert (again.status_code, again.json()["community_id"], again.json()["api_key"]) == (200, door.community, None)
    other = await door.client.post(f"{API}/communities", json={**form, "time_zone": "UTC"}, headers=OPERATOR)
    assert other.status_code == 409


async def test_only_an_operator_registers_and_only_within_reach(door: FrontDoor) -> None:
    form = {"path": "/lakeside/west/", "name": "West"}
    assert (await door.client.post(f"{API}/areas", json=form, headers=staff("supervisor"))).status_code == 403
    assert (await door.client.post(f"{API}/areas", json=form)).status_code == 401
    assert (await door.client.post(f"{API}/areas", json=form, headers=staff("operator", "/nyc/"))).status_code == 422
    for method, path in (("POST", "keys"), ("GET", "keys"), ("POST", "keys/000000000000:revoke")):
        for community, headers in ((door.community, staff("operator", "/nyc/")), (uuid4(), OPERATOR)):
            url = f"{API}/communities/{community}/{path}"
            answer = await door.client.request(method, url, json={}, headers=headers)
            assert answer.status_code == 404


async def test_a_key_can_do_what_its_scopes_say(door: FrontDoor) -> None:
    plain, past = await issued(door, "report"), await issued(door, "history")
    [told] = await door.send(line(imported=True, occurred_on="2015-01-01"), key=plain)
    assert told["status"] == "rejected"
    assert [fault["field"] for fault in told["faults"]] == ["imported"]
    assert (await door.bulk(b"{}", past)).status_code == 403


async def test_a_key_that_was_taken_back_is_not_taken(door: FrontDoor) -> None:
    key = await issued(door, "report")
    assert (await listed(door, key))["last_used_on"] is None
    assert (await door.bulk(b"", key)).status_code == 200
    assert (await listed(door, key))["last_used_on"] is not None
    revoke = f"{API}/communities/{door.community}/keys/{key.split('_')[1]}:revoke"
    assert [(await door.client.post(revoke, headers=OPERATOR)).status_code for _ in range(2)] == [204, 204]
    assert (await listed(door, key))["revoked_at"] is not None
    assert (await door.bulk(b"", key)).status_code == 401


async def test_another_process_notices_within_seconds(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await issued(door, "report")
    assert (await door.bulk(b"", key)).status_code == 200
    async with door.service.worker.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE community_key SET revoked_at = now() WHERE key_id = $1", (key.split("_")[1],)
        )
    assert (await door.bulk(b"", key)).status_code == 200
    monkeypatch.setattr("services.intake.credentials.time.monotonic", lambda: float("inf"))
    assert (await door.bulk(b"", key)).status_code == 401


async def test_only_a_hash_of_a_key_is_stored(door: FrontDoor) -> None:
    key = await issued(door, "report")
    async with door.service.worker.connect() as connection:
        rows = (await connection.exec_driver_sql("SELECT row_to_json(k)::text FROM community_key k")).scalars().all()
    secret = key.split("_")[2]
    assert not [row for row in rows if secret in row or secret.encode().hex() in row]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    assert (await door.bulk(b"", wrong)).status_code == 401
    assert isinstance(door.app.state.door.credentials, Credentials)


async def test_everybody_can_read_what_may_be_reported(door: FrontDoor) -> None:
    told = (await door.client.get(f"{API}/categories")).json()
    assert told["fault"]["water-leak"] == "Water leak"
    assert set(told) == {"dispute", "need", "consultation", "idea", "listening", "fault", "information"}
