"""A community's keys over their lives: replaced without a gap, last used on a day, elsewhere stood for by a token."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from services.chassis.auth import SystemTokens, Unauthenticated
from services.chassis.clock import now
from tests.intake.door import API, AREA, FrontDoor, line
from tests.services import service_key, staff

OPERATOR = staff("operator")


async def issued(door: FrontDoor, *scopes: str) -> str:
    keys = f"{API}/communities/{door.community}/keys"
    answer = await door.client.post(keys, json={"scopes": scopes}, headers=OPERATOR)
    assert answer.status_code == 201, answer.text
    return answer.json()["api_key"]


async def act(door: FrontDoor, key: str, what: str, **form: Any) -> Any:
    path = f"{API}/communities/{door.community}/keys/{key.split('_')[1]}:{what}"
    return await door.client.post(path, json=form, headers=OPERATOR)


async def listed(door: FrontDoor, key: str) -> dict[str, Any]:
    answer = await door.client.get(f"{API}/communities/{door.community}/keys", headers=OPERATOR)
    [told] = [one for one in answer.json()["keys"] if one["key_id"] == key.split("_")[1]]
    return told


async def test_two_keys_hold_beside_each_other_until_the_old_one_ends(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await issued(door, "report", "history")
    assert [one["status"] for one in await door.send(line(), key=old)] == ["accepted"]
    answer = await act(door, old, "replace", overlap_hours=2)
    assert answer.status_code == 201
    new, ends_at = answer.json()["api_key"], datetime.fromisoformat(answer.json()["old_ends_at"])
    assert answer.json()["scopes"] == ["history", "report"]
    assert timedelta(hours=1, minutes=59) < ends_at - now() <= timedelta(hours=2)
    for key in (old, new):
        assert [one["status"] for one in await door.send(line(), key=key)] == ["accepted"]
    assert (await listed(door, old))["ends_at"] == answer.json()["old_ends_at"]
    assert (await listed(door, new))["replaces"] == old.split("_")[1]
    monkeypatch.setattr("services.intake.credentials.now", lambda: ends_at)
    assert (await door.bulk(b"", old)).status_code == 401
    assert (await door.bulk(b"", new)).status_code == 200
    refused = await act(door, old, "replace")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:doorstep:key-ended")


async def test_a_key_replaced_again_does_not_live_longer_for_it(door: FrontDoor) -> None:
    key = await issued(door, "report")
    first = (await act(door, key, "replace", overlap_hours=1)).json()["old_ends_at"]
    later = (await act(door, key, "replace", overlap_hours=48)).json()["old_ends_at"]
    at_once = await act(door, key, "replace", overlap_hours=0)
    assert (first, at_once.status_code) == (later, 201)
    assert (await door.bulk(b"", key)).status_code == 401
    assert (await act(door, "dk_000000000000_0", "replace")).status_code == 404
    assert (await act(door, key, "replace", overlap_hours=100_000)).status_code == 422


async def test_the_day_of_the_last_use_is_written_once_and_by_nobody_who_only_knows_the_id(door: FrontDoor) -> None:
    key = await issued(door, "report")
    assert (await door.bulk(b"", key[:-4] + "0000")).status_code == 401
    assert (await listed(door, key))["last_used_on"] is None
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "last_used_on =" in statement:
            written.append(statement)

    worker = door.service.worker.sync_engine
    event.listen(worker, "before_cursor_execute", note)
    try:
        for _ in range(5):
            door.app.state.door.credentials._remembered.clear()
            assert (await door.bulk(b"", key)).status_code == 200
    finally:
        event.remove(worker, "before_cursor_execute", note)
    assert len(written) == 1
    assert (await listed(door, key))["last_used_on"] == f"{now():%Y-%m-%d}"


async def test_elsewhere_a_token_stands_for_the_key(door: FrontDoor) -> None:
    key = await issued(door, "report", "events")
    answer = await door.client.post(f"{API}/keys:token", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 600, "events")
    system = SystemTokens(service_key()).system(told["access_token"])
    assert (system.community, system.area, system.scopes) == (UUID(door.community), AREA, {"events"})
    assert key.split("_")[2] not in told["access_token"]
    plain = {"Authorization": f"Bearer {await issued(door, 'report')}"}
    assert (await door.client.post(f"{API}/keys:token", headers=plain)).status_code == 403
    assert (await door.client.post(f"{API}/keys:token")).status_code == 401


async def test_such_a_token_ends_and_passes_for_no_other(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await issued(door, "events")
    headers = {"Authorization": f"Bearer {key}"}
    token = (await door.client.post(f"{API}/keys:token", headers=headers)).json()["access_token"]
    as_staff = await door.client.get(f"{API}/conflicts", headers={"Authorization": f"Bearer {token}"})
    assert as_staff.status_code == 401
    with pytest.raises(Unauthenticated):
        door.service.service_tokens.caller(token)
    for wrong in (door.service.service_tokens.issue("doorstep"), token[:-3] + "AAA", key):
        with pytest.raises(Unauthenticated):
            SystemTokens(service_key()).system(wrong)
    earlier = now() - timedelta(seconds=700)
    monkeypatch.setattr("services.chassis.auth.now", lambda: earlier)
    old = (await door.client.post(f"{API}/keys:token", headers=headers)).json()["access_token"]
    with pytest.raises(Unauthenticated):
        SystemTokens(service_key()).system(old)
