"""Outside your areas nothing exists: every route of every service, asked by staff of its area and of another."""

import re
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from services.chassis.auth import ServiceTokens, Staff
from services.chassis.database import scoped
from services.chassis.particulars_endpoint import PATH
from tests.conftest import Databases
from tests.security.areas import ASKED, ITSELF, NO_AREA, Ask
from tests.security.routes import routes_of, without_databases
from tests.security.world import Home, world
from tests.services import keyed, service_key, staff


def elsewhere(area: str) -> list[str]:
    """Somewhere else, below, beside under a name that begins alike, and above in another branch."""
    return ["/orchard/row/", f"{area}house-7/", f"{area[:-2]}/", "/lake/"]


@pytest.fixture(scope="module")
async def homes(postgres: Databases) -> AsyncGenerator[dict[str, Home]]:
    async with world(postgres) as opened:
        yield opened


def filled(template: Any, things: dict[str, str]) -> Any:
    """The same with `{case_id}` and the like put in, at any depth."""
    match template:
        case str():
            return re.sub(r"\{(\w+)\}", lambda found: things[found[1]], template)
        case dict():
            return {key: filled(value, things) for key, value in template.items()}  # pyright: ignore
        case _:
            return template


async def ask(home: Home, route: str, asked: Ask, area: str) -> httpx.Response:
    _service, method, path = route.split(" ")
    body = filled(asked.body, home.things)
    return await home.client.request(
        method,
        filled(path, home.things),
        params=filled(asked.query, home.things),
        json=body,
        data=filled(asked.form, home.things),
        headers={**staff(asked.role, area), **keyed()},
    )


def listed(answer: httpx.Response, asked: Ask) -> list[Any]:
    return answer.json() if asked.empty == ITSELF else answer.json()[asked.empty]


def test_every_route_is_described() -> None:
    there = {str(route) for route in routes_of(without_databases())}
    assert len(there) > 60  # the walk itself works
    unaware = {route for route in there if any(re.fullmatch(known, route) for known in NO_AREA)}
    missing, gone = sorted(there - ASKED.keys() - unaware), sorted(ASKED.keys() - there)
    assert not missing, f"nobody has said what {missing} answer to staff of other areas: see tests/security/areas.py"
    assert not gone, f"these are in tests/security/areas.py and in no service: {gone}; remove them there"
    assert not unaware & ASKED.keys(), "described twice"
    for reason in NO_AREA:
        assert any(re.fullmatch(reason, route) for route in there), f"no route is like {reason}; remove it"


@pytest.mark.parametrize("route", ASKED)
async def test_what_lies_in_another_area_is_not_there(homes: dict[str, Home], route: str) -> None:
    asked, home = ASKED[route], homes[route.split(" ", maxsplit=1)[0]]
    own = home.things["area"]
    for other in elsewhere(own):
        refused = await ask(home, route, asked, other)
        assert refused.status_code == (200 if asked.empty else asked.status), refused.text
        if asked.empty:
            assert listed(refused, asked) == []
        assert asked.says in refused.text
        if refused.status_code == 404:
            for thing in ("case_id", "ref", "alert_id"):
                assert home.things.get(thing, "no-such-id") not in refused.text
    if asked.endless:
        return
    answered = await ask(home, route, asked, own)  # or the test could not fail
    assert answered.status_code not in {401, 403, 404, 422} | ({asked.status} - {200}), answered.text
    if asked.empty:
        assert listed(answered, asked) != []
    assert not asked.says or asked.says not in answered.text


async def test_a_service_s_word_for_somebody_opens_what_lies_in_their_areas_alone(homes: dict[str, Home]) -> None:
    intake = homes["intake"]
    area = intake.things["area"]
    async with scoped(intake.service.application, [area]) as connection:
        found = await connection.exec_driver_sql("SELECT stream_id, ref FROM particulars LIMIT 1")
        row = found.one()
    mediation = ServiceTokens("mediation", service_key())
    opened: dict[str, bool] = {}
    for place in (area, *elsewhere(area)):
        token = mediation.issue("intake", staff=Staff("cadre-lin", frozenset({"cadre"}), (place,)))
        answer = await intake.client.post(
            PATH,
            json={"refs": [str(row.ref)], "purpose": "casework", "case_id": str(row.stream_id)},
            headers={"Authorization": f"Bearer {token}"},
        )
        opened[place] = str(row.ref) in answer.json().get("particulars", {})
    assert opened == {place: place == area for place in opened}
    manager = mediation.issue("intake", staff=Staff("manager-li", frozenset({"manager"}), ("/",)))
    refused = await intake.client.post(
        PATH,
        json={"refs": [str(row.ref)], "purpose": "casework", "case_id": str(row.stream_id)},
        headers={"Authorization": f"Bearer {manager}"},
    )
    assert refused.status_code == 403
