"""Going on and off duty, over HTTP on a real database."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.chassis.clock import now
from services.contracts.duty import DutyLeft, DutyTaken, duty_stream
from services.contracts.registry import area_stream
from tests.notifications.office import Office
from tests.services import keyed


async def test_a_cadre_goes_on_duty_and_off(office: Office) -> None:
    mei = office.staff("cadre", "mei")
    stream = duty_stream(office.community)
    taken = await office.post("duty:take", mei, {"area": office.community})
    assert taken.json() == {"area": office.community, "cadre": "mei", "version": 1}
    assert taken.headers["Doorstep-Position"] == f"notifications:{stream}:1"
    answers = await office.get("duty", mei, area=office.community)
    assert (answers["name"], answers["cadre"], answers["desk"]) == ("A place", "mei", office.community)

    left = await office.post("duty:leave", mei, {"area": office.community})
    assert left.json()["version"] == 2
    assert await office.get("duty", mei, area=office.community) == {
        "area": office.community,
        "name": "A place",
        "cadre": None,
        "desk": None,
        "since": None,
        "until": None,
        "next": None,
    }
    assert await office.events_of(stream) == [
        DutyTaken(area=office.community, cadre="mei"),
        DutyLeft(area=office.community, cadre="mei"),
    ]


async def test_it_is_told_until_when_and_who_is_next(office: Office) -> None:
    until = (now() + timedelta(hours=8)).replace(microsecond=0)
    mei = office.staff("cadre", "mei")
    await office.on_duty("ana", office.street)
    await office.on_duty("mei", office.community, until=until.isoformat())
    answers = await office.get("duty", mei, area=office.community)
    assert datetime.fromisoformat(answers["until"]) == until
    assert (answers["next"]["cadre"], answers["next"]["desk"]) == ("ana", office.street)
    await office.on_duty("bao", office.community, place="second")
    answers = await office.get("duty", mei, area=office.community)
    assert (answers["cadre"], answers["next"]["cadre"], answers["next"]["place"]) == ("mei", "bao", "second")

    await office.fire(until - timedelta(microseconds=1))
    assert (await office.get("duty", mei, area=office.community))["cadre"] == "mei"
    await office.fire(until)
    answers = await office.get("duty", mei, area=office.community)
    assert (answers["cadre"], answers["next"]["cadre"]) == ("bao", "ana")
    assert DutyLeft(area=office.community, cadre="mei") in await office.events_of(duty_stream(office.community))


async def test_a_shift_that_is_prolonged_goes_on(office: Office) -> None:
    until = now() + timedelta(hours=8)
    await office.on_duty("mei", office.community, until=until.isoformat())
    await office.on_duty("mei", office.community, until=(until + timedelta(hours=1)).isoformat())
    await office.fire(until)
    assert (await office.get("duty", office.operator, area=office.community))["cadre"] == "mei"


async def test_a_shift_in_the_past_is_refused(office: Office) -> None:
    shift = {"area": office.community, "until": "2020-01-01T00:00:00Z"}
    answer = await office.post("duty:take", office.staff("cadre", "mei"), shift)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:doorstep:refused:ShiftOver")


async def test_a_shift_of_more_than_a_week_is_refused(office: Office) -> None:
    shift = {"area": office.community, "until": (now() + timedelta(days=8)).isoformat()}
    answer = await office.post("duty:take", office.staff("cadre", "mei"), shift)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:doorstep:refused:ShiftTooLong")
    assert await office.events_of(duty_stream(office.community)) == []


async def test_who_answers_for_an_empty_desk_sits_up_the_tree(office: Office) -> None:
    await office.on_duty("boss", office.city)
    await office.on_duty("ana", office.street)
    mei = office.staff("cadre", "mei")
    answers = await office.get("duty", mei, area=office.community)
    assert (answers["area"], answers["cadre"], answers["desk"]) == (office.community, "ana", office.street)
    await office.on_duty("mei", office.community)
    assert (await office.get("duty", mei, area=office.community))["cadre"] == "mei"


async def test_a_repeat_gets_the_first_answer(office: Office) -> None:
    key, mei = keyed(), office.staff("cadre", "mei")
    first = await office.post("duty:take", mei, {"area": office.community}, key)
    await office.post("duty:leave", mei, {"area": office.community})
    again = await office.post("duty:take", mei, {"area": office.community}, key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await office.get("duty", mei, area=office.community))["cadre"] is None


async def test_others_are_put_on_duty_by_those_who_keep_the_roster(office: Office) -> None:
    shift = {"area": office.community, "cadre": "bao"}
    refused = await office.post("duty:take", office.staff("cadre", "mei"), shift)
    assert (refused.status_code, refused.json()["detail"]) == (403, "It takes one of: operator, supervisor.")
    assert await office.events_of(duty_stream(office.community)) == []
    taken = await office.post("duty:take", office.staff("supervisor", "ana", office.street), shift)
    assert taken.json()["cadre"] == "bao"
    refused = await office.post("duty:leave", office.staff("cadre", "mei"), shift)
    assert refused.status_code == 403


async def test_nobody_takes_another_off_in_their_own_name(office: Office) -> None:
    await office.on_duty("bao", office.community)
    answer = await office.post("duty:leave", office.staff("cadre", "mei"), {"area": office.community})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:doorstep:refused:SomebodyElseOnDuty")
    empty = await office.post("duty:leave", office.operator, {"area": office.street, "cadre": "ana"})
    assert (empty.status_code, empty.json()["type"]) == (409, "urn:doorstep:refused:NobodyOnDuty")


@pytest.mark.parametrize("verb", ["take", "leave"])
async def test_a_desk_outside_ones_areas_is_not_there(office: Office, verb: str) -> None:
    await office.on_duty("ana", office.street)
    mei = office.staff("cadre", "mei")
    above = await office.post(f"duty:{verb}", mei, {"area": office.street})
    nowhere = await office.post(f"duty:{verb}", mei, {"area": f"{office.community}nowhere/"})
    assert above.status_code == nowhere.status_code == 404
    assert above.json() == nowhere.json()
    assert len(await office.events_of(duty_stream(office.street))) == 1


async def test_an_area_on_its_way_is_to_be_asked_for_again(office: Office) -> None:
    area = f"{office.street}new/"
    position = {"Doorstep-Position": f"intake:{area_stream(area)}:1"}
    early = await office.post("duty:take", office.operator | position, {"area": area})
    assert (early.status_code, early.json()["type"]) == (503, "urn:doorstep:area-not-here-yet")
    assert early.headers["Retry-After"] == "2"
    assert early.headers["Doorstep-Behind"] == position["Doorstep-Position"]
    read = await office.client.get("/api/notifications/v1/alerts", headers=office.operator | position)
    assert (read.status_code, read.headers["Doorstep-Behind"]) == (200, position["Doorstep-Position"])


@pytest.mark.parametrize(
    ("shift", "field"),
    [
        ({}, "area"),
        ({"area": "lakeside"}, "area"),
        ({"area": "/a\0/"}, "area"),
        ({"area": "/a/", "cadre": "Mei Li"}, "cadre"),
        ({"area": "/a/", "name": "Mei"}, "name"),
        ({"area": "/a/", "place": "third"}, "place"),
        ({"area": "/a/", "until": "2026-03-01T18:00:00"}, "until"),
        ({"area": "/a/", "until": "9999-12-31T23:59:59-12:00"}, "until"),
        ({"area": "/a/", "until": "9999-12-31T23:59:59Z"}, "until"),
    ],
)
async def test_a_wrong_form_names_the_field(office: Office, shift: dict[str, Any], field: str) -> None:
    answer = await office.post("duty:take", office.operator, shift)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [fault["field"] for fault in answer.json()["faults"]] == [field]
    assert all(fault["remedy"] for fault in answer.json()["faults"])
    assert "Mei" not in answer.text


@pytest.mark.parametrize("role", ["mediator", "manager"])
async def test_other_roles_take_no_duty(office: Office, role: str) -> None:
    answer = await office.post("duty:take", office.staff(role, "lin"), {"area": office.community})
    assert answer.status_code == 403
