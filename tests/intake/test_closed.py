"""A community that was closed: nothing is reported to it any more, by no door, and what was reported goes on."""

from uuid import UUID, uuid4

import pytest

from services.chassis import clock
from services.contracts.registry import community_stream
from services.intake import known
from tests.intake.door import API, FrontDoor
from tests.services import keyed, staff

OPERATOR = staff("operator")


@pytest.fixture
async def community(door: FrontDoor) -> str:
    """One of its own, with a case."""
    area = f"/lakeside/east/mill-{uuid4().hex[:8]}/"
    form = {"area": area, "name": "Old Mill", "time_zone": "UTC"}
    registered = await door.client.post(f"{API}/communities", json=form, headers=OPERATOR)
    assert registered.json()["community_id"] == str(community_stream(area))
    return registered.json()["community_id"]


async def listed(door: FrontDoor) -> dict[str, dict[str, str]]:
    await door.hear_of_places()
    answer = await door.client.get(f"{API}/communities")
    return {one["community_id"]: one for one in answer.json()["communities"]}


async def test_it_takes_reports_until_it_is_closed(door: FrontDoor, community: str) -> None:
    before = await door.report(community=community)
    assert (await listed(door))[community]["at"].endswith("/at/" + (await path_of(door, community)))
    closing = f"{API}/communities/{community}:close"
    assert (await door.client.post(closing, headers=staff("operator", "/nyc/"))).status_code == 404
    for _ in "twice":
        assert (await door.client.post(closing, headers=OPERATOR)).status_code == 204
    assert community not in await listed(door)
    form = door.report_form(community=community)
    refused = await door.client.post(f"{API}/reports", json=form, headers=keyed())
    assert refused.status_code == 422
    assert "takes no reports any more" in refused.text
    found = await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": before["receipt"]})
    assert found.json()["case_id"] == before["case_id"]


async def path_of(door: FrontDoor, community: str) -> str:
    return (await listed(door))[community]["area"].strip("/").replace("/", ".")


async def test_a_spot_is_whole_and_its_buildings_have_names(door: FrontDoor, community: str) -> None:
    where = f"{API}/communities/{community}:locate"
    good = {"latitude": 43.8, "longitude": 87.6, "buildings": ["House 3", "House 3", "House 5"]}
    assert (await door.client.post(where, json=good, headers=OPERATOR)).status_code == 204
    for bad in ({"latitude": 43.8}, {"latitude": 91, "longitude": 0}, {"buildings": [""]}, {"buildings": ["x" * 61]}):
        answer = await door.client.post(where, json=bad, headers=OPERATOR)
        assert answer.status_code == 422, bad
        assert "x" * 61 not in answer.text


async def test_another_process_hears_of_it_within_seconds(
    door: FrontDoor, community: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = known.Communities(door.service.store)
    assert (await elsewhere.find(UUID(community))) is not None
    await door.client.post(f"{API}/communities/{community}:close", headers=OPERATOR)
    later = clock.monotonic() + known.REMEMBERED_SECONDS + 1
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    found = await elsewhere.find(UUID(community))
    assert found is not None
    assert found.closed
