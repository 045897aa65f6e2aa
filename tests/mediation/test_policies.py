"""Policies and calendars: the nearest one applies, what is wrong is not stored, a version name means one content."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
import yaml

from deploy.local.postgres import Dsns
from services.chassis.areas import up_from
from services.contracts.cases import CaseOpened
from services.contracts.deadlines import Allowance, Deadline, Unit
from services.contracts.policies import PolicySet, policy_stream
from services.mediation.domain.policy_decider import POLICIES, SetPolicy, VersionTaken
from services.mediation.rules import shipped
from tests.mediation.office import Office, opened_office
from tests.services import keyed, staff

API = "/api/mediation/v1"


@pytest.fixture
async def office(mediation_database: Dsns) -> AsyncGenerator[Office]:
    async with opened_office(mediation_database) as office:
        yield office


_nth = iter(range(10_000))


async def district(office: Office) -> tuple[str, str]:
    """A district and its community, of this test alone."""
    above = f"/d{next(_nth)}/"
    await office.register(f"{above}lane/")
    return above, f"{above}lane/"


def a_policy(version: str, **more: Any) -> dict[str, Any]:
    return {**shipped().policy.model_dump(mode="json"), "version": version, **more}


def a_calendar(version: str, **more: Any) -> dict[str, Any]:
    return {**shipped().calendar.model_dump(mode="json"), "closes_at": "17:30", "version": version, **more}


async def put(office: Office, what: str, area: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    headers = {"Content-Type": "application/json", **staff("supervisor", "/"), **keyed(), **(headers or {})}
    content = body if isinstance(body, str | bytes) else orjson.dumps(body)
    return await office.client.put(f"{API}/{what}", params={"area": area}, headers=headers, content=content)


async def asked(office: Office, area: str, role: str, within: str) -> httpx.Response:
    return await office.client.get(f"{API}/policies", params={"area": area}, headers=staff(role, within))


async def in_force(office: Office, area: str) -> dict[str, Any]:
    answer = await asked(office, area, "cadre", "/")
    assert answer.status_code == 200, answer.text
    return answer.json()


def a_name() -> str:
    return f"v-{next(_nth)}"


async def events_in(office: Office, area: str) -> list[str]:
    return [recorded.type for recorded in await office.events_of(policy_stream(area))]


async def test_where_nothing_is_set_what_ships_applies(office: Office) -> None:
    _, lane = await district(office)
    there = await in_force(office, lane)
    assert (there["policy"]["version"], there["policy_set_in"]) == ("default-1", None)
    assert (there["calendar"]["country"], there["calendar_set_in"]) == ("CN", None)


async def test_the_nearest_one_applies_each_for_itself(office: Office) -> None:
    above, lane = await district(office)
    far, near, calendar = a_name(), a_name(), a_name()
    assert (await put(office, "policies", above, a_policy(far))).status_code == 200
    assert (await in_force(office, lane))["policy_set_in"] == above
    assert (await put(office, "policies", lane, a_policy(near))).status_code == 200
    assert (await put(office, "calendars", above, a_calendar(calendar))).status_code == 200
    there = await in_force(office, lane)
    assert (there["policy"]["version"], there["policy_set_in"]) == (near, lane)
    assert (there["calendar"]["version"], there["calendar_set_in"]) == (calendar, above)
    assert (await in_force(office, above))["policy"]["version"] == far


async def promised(office: Office, case_id: UUID) -> dict[str, Deadline]:
    """The dates that a case was opened with."""
    [opened] = [event for one in await office.events_of(case_id) if isinstance(event := one.event(), CaseOpened)]
    return {deadline.rule: deadline for deadline in opened.deadlines}


async def test_new_dates_are_computed_by_what_was_just_set_and_old_ones_stay(office: Office) -> None:
    _, lane = await district(office)
    [before] = await office.report(lane)
    first = await promised(office, before)
    policy, calendar = a_name(), a_name()
    slow = shipped().policy.ordinary.model_dump(mode="json") | {"done": {"amount": 9, "unit": "days"}}
    await put(office, "policies", lane, a_policy(policy, ordinary=slow))
    await put(office, "calendars", lane, a_calendar(calendar))
    [after] = await office.report(lane)
    second = await promised(office, after)
    assert {(one.policy, one.calendar) for one in first.values()} == {("default-1", shipped().calendar.version)}
    assert {(one.policy, one.calendar) for one in second.values()} == {(policy, calendar)}
    assert second["done"].allowance == Allowance(amount=9, unit=Unit.DAYS)
    assert await promised(office, before) == first


async def test_what_was_set_is_an_event_once(office: Office) -> None:
    _, lane = await district(office)
    policy, key = a_policy(a_name()), keyed()
    for _ in range(2):
        answer = await put(office, "policies", lane, policy, headers=key)
        assert answer.status_code == 200
        assert answer.headers["Doorstep-Position"] == f"mediation:{policy_stream(lane)}:1"
    assert (await put(office, "policies", lane, policy)).status_code == 200
    assert await events_in(office, lane) == ["policy.set"]


async def test_an_earlier_policy_may_be_set_again(office: Office) -> None:
    _, lane = await district(office)
    one, other = a_policy(a_name()), a_policy(a_name())
    for policy in (one, other, one):
        assert (await put(office, "policies", lane, policy)).status_code == 200
        assert (await in_force(office, lane))["policy"]["version"] == policy["version"]
    assert await events_in(office, lane) == ["policy.set"] * 3


async def test_a_version_name_is_given_once_in_all_areas(office: Office) -> None:
    _, lane = await district(office)
    _, other_lane = await district(office)
    name = a_name()
    assert (await put(office, "policies", lane, a_policy(name))).status_code == 200
    for area in (lane, other_lane):
        taken = await put(office, "policies", area, a_policy(name, remind_at=0.7))
        assert taken.status_code == 409
        assert name in taken.json()["detail"]
    assert (await put(office, "policies", other_lane, a_policy(name))).status_code == 200
    assert (await put(office, "policies", lane, a_policy("default-1", remind_at=0.7))).status_code == 409
    assert (await put(office, "policies", lane, a_policy("default-1"))).status_code == 200
    assert (await put(office, "calendars", lane, a_calendar(name))).status_code == 200


async def test_of_two_contents_under_one_name_at_once_one_is_taken(office: Office) -> None:
    lanes = [(await district(office))[1] for _ in range(8)]
    name = a_name()
    answers = await asyncio.gather(
        *(put(office, "policies", lane, a_policy(name, remind_at=nth / 10)) for nth, lane in enumerate(lanes, 1))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


def test_the_area_itself_knows_the_names_that_it_gave() -> None:
    policy = shipped().policy
    rules = POLICIES.evolve(POLICIES.initial, PolicySet(area="/d/", policy=policy))
    changed = policy.model_copy(update={"remind_at": 0.9})
    with pytest.raises(VersionTaken, match="default-1"):
        POLICIES.decide(SetPolicy("/d/", changed), rules)
    assert POLICIES.decide(SetPolicy("/d/", policy), rules) == []


async def test_yaml_means_what_it_says(office: Office) -> None:
    """18:00 unquoted is no number of seconds, and Norway no falsehood."""
    _, lane = await district(office)
    body = f"""
        version: {a_name()}
        country: NO
        closes_at: 18:00
        rest_days: [6]
        working: [2026-05-17]
        official_until: 2027-12-31
    """
    answer = await put(office, "calendars", lane, body, headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 200, answer.text
    calendar = answer.json()["calendar"]
    assert (calendar["country"], calendar["closes_at"], calendar["rest_days"]) == ("NO", "18:00:00", [6])
    assert calendar["working"] == ["2026-05-17"]
    policy = (
        yaml.safe_dump(a_policy(a_name()) | {"remind_at": 0.25})
        .replace("  mediate: null\n", "")
        .replace("protection: null\n", "")
    )
    answer = await put(office, "policies", lane, policy, headers={"Content-Type": "application/yaml; charset=utf-8"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["policy"]["remind_at"] == 0.25


URGENT = shipped().policy.urgent.model_dump(mode="json")

WRONG: list[tuple[str, Any, str]] = [
    ("calendars", a_calendar("v", rest_days=list(range(7))), "rest_days"),
    ("calendars", a_calendar("v", closes_at=1080), "closes_at"),
    ("calendars", a_calendar("v", closes_at="25:00"), "closes_at"),
    ("calendars", a_calendar("v", closes_at="18:00+08:00"), "closes_at"),
    ("calendars", a_calendar("v", country="QQ"), "country"),
    ("calendars", a_calendar("v", country="China"), "country"),
    ("calendars", a_calendar("v", working=["2026-02-30"]), "working.0"),
    ("calendars", a_calendar("v", working=[20260201]), "working.0"),
    ("calendars", a_calendar("v", working=["2026-10-10"], resting=["2026-10-10"]), "resting"),
    ("calendars", a_calendar("v", mood="good"), "mood"),
    ("policies", a_policy("A name"), "version"),
    ("policies", a_policy("v", remind_at=1), "remind_at"),
    ("policies", a_policy("v", urgent=URGENT | {"done": {"amount": 0, "unit": "days"}}), "urgent.done.amount"),
    ("policies", a_policy("v", urgent=URGENT | {"done": {"amount": 1, "unit": "moons"}}), "urgent.done.unit"),
    ("policies", a_policy("v", urgent=URGENT | {"done": {"amount": 1001, "unit": "working_days"}}), "urgent"),
    ("policies", a_policy("v", confirm={"amount": 99_999, "unit": "hours"}), "confirm"),
    ("policies", {}, "version"),
    ("policies", [], "body"),
    ("policies", b"{", "body"),
    ("policies", b"\xff", "body"),
    ("policies", b" " * 40_000, "body"),
]


async def test_what_is_wrong_is_named_with_its_remedy_and_not_stored(office: Office) -> None:
    _, lane = await district(office)
    for what, body, field in WRONG:
        answer = await put(office, what, lane, body)
        assert answer.status_code == 422, (field, answer.text)
        faults = answer.json()["faults"]
        assert field in [fault["field"] for fault in faults]
        assert not [fault for fault in faults if "OpenAPI" in fault["remedy"] and fault["field"] != "mood"]
    assert await events_in(office, lane) == []


async def test_yaml_that_no_parser_should_meet_is_refused(office: Office) -> None:
    _, lane = await district(office)
    for body in (b"[" * 20_000, b"- " * 15_000, b"a: &a [1]\nb: *a", b"\xff\xfe\x00", b"a: [", b"18:00"):
        answer = await put(office, "policies", lane, body, {"Content-Type": "application/yaml"})
        assert answer.status_code == 422
        assert answer.json()["faults"][0]["field"] == "body"


async def test_another_kind_of_body_is_refused(office: Office) -> None:
    _, lane = await district(office)
    answer = await put(office, "policies", lane, "<policy/>", headers={"Content-Type": "application/xml"})
    assert (answer.status_code, answer.json()["faults"][0]["field"]) == (422, "Content-Type")


async def test_rules_are_set_by_supervisors_and_operators_of_the_area_alone(office: Office) -> None:
    above, lane = await district(office)
    name = a_name()
    for role, area, expected in (
        ("cadre", above, 403),
        ("manager", above, 403),
        ("supervisor", "/elsewhere/", 404),
        ("supervisor", lane, 404),
        ("operator", above, 200),
    ):
        answer = await put(office, "policies", above, a_policy(name), headers=staff(role, area))
        assert answer.status_code == expected, (role, area, answer.text)
    unknown = await put(office, "policies", "/no/such/place/", a_policy(name))
    assert unknown.status_code == 404
    assert await events_in(office, above) == ["policy.set"]


async def test_who_asks_from_outside_finds_no_area_and_who_works_inside_sees_what_comes_from_above(
    office: Office,
) -> None:
    above, lane = await district(office)
    name = a_name()
    await put(office, "policies", above, a_policy(name))
    inside = await asked(office, lane, "mediator", lane)
    outside = await asked(office, lane, "mediator", "/elsewhere/")
    assert (inside.json()["policy"]["version"], inside.json()["policy_set_in"]) == (name, above)
    assert outside.status_code == 404


def test_up_from_ends_at_the_root() -> None:
    assert up_from("/a/b/") == ["/a/b/", "/a/", "/"]
    assert up_from("/") == ["/"]
