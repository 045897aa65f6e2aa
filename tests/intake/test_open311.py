"""GeoReport v2, as its specification asks for it: what each method answers, in both formats."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from dirty_equals import IsStr

from services.chassis.categories import categories
from services.chassis.clock import now
from services.contracts.cases import Kind
from services.contracts.deadlines import Rule
from services.intake.open311.offered import IN_THE_OPEN
from tests.conftest import Databases
from tests.intake.door import API, FrontDoor, line, opened_door
from tests.intake.open311 import (
    FORMATS,
    V2,
    WILLOW_LANE,
    as_text,
    get,
    listed,
    plain,
    post,
    reported,
    same_in_both,
    sent,
    tree,
)
from tests.intake.test_residents_case import deadline, from_mediation, opened, resolved
from tests.services import keyed, staff


async def test_programs_discover_where_it_is_and_which_formats_it_speaks(town: FrontDoor) -> None:
    json = await town.client.get("/open311/discovery.json")
    xml = tree(await town.client.get("/open311/discovery.xml"))
    told = json.json()
    assert xml.tag == "discovery"
    assert plain(xml) == as_text(told)
    assert set(told) == {"changeset", "contact", "key_service", "endpoints"}
    [endpoint] = told["endpoints"]
    assert endpoint == {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": "http://doorstep.test/open311/v2",
        "changeset": IsStr(min_length=10),
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }


async def test_the_services_are_the_faults_and_nothing_else(town: FrontDoor) -> None:
    services = await same_in_both(town, "services", "services")
    assert {one["service_code"]: one["service_name"] for one in services} == categories()[Kind.FAULT]
    assert services[0].keys() == {
        "service_code", "service_name", "description", "metadata", "type", "keywords", "group"
    }  # fmt: skip
    types = {one["service_code"]: one["type"] for one in services}
    assert {code for code, kind in types.items() if kind == "realtime"} == IN_THE_OPEN
    assert types["noise"] == types["other"] == "blackbox"


async def test_services_are_named_in_the_reader_s_language(town: FrontDoor) -> None:
    answer = await town.client.get(
        f"{V2}/services.json", params={"jurisdiction_id": WILLOW_LANE}, headers={"Accept-Language": "zh-CN"}
    )
    names = {one["service_code"]: one["service_name"] for one in answer.json()}
    assert names["animals"] == "公共场所的动物"
    assert answer.headers["Content-Language"] == "zh"


async def test_a_service_is_defined_by_what_it_asks_for(town: FrontDoor) -> None:
    told = await same_in_both(town, "services/water-leak", "service_definition")
    assert told["service_code"] == "water-leak"
    [attribute] = told["attributes"]
    assert (attribute["code"], attribute["datatype"], attribute["required"]) == ("urgency", "singlevaluelist", False)
    assert [value["key"] for value in attribute["values"]] == ["ordinary", "urgent"]


@pytest.mark.parametrize("written", FORMATS)
async def test_a_report_is_answered_with_its_id_and_the_reporter_s_receipt(town: FrontDoor, written: str) -> None:
    answer = await post(town, written)
    assert answer.status_code == 200, answer.text
    [told] = answer.json() if written == "json" else plain(tree(answer))
    assert told.keys() == {"service_request_id", "service_notice", "account_id"}
    assert told["account_id"] is None
    receipt = told["service_notice"].split(": ")[1].split(". ")[0]
    await town.project()
    followed = await town.client.get(f"{API}/case", headers={"Doorstep-Receipt": receipt})
    assert followed.json()["case_id"] == told["service_request_id"]


async def test_what_was_sent_is_kept_as_a_report_s_particulars_but_for_what_joins_a_person_s_cases(
    town: FrontDoor,
) -> None:
    case = await reported(town, **{"attribute[urgency]": "urgent", "address_id": "A-7"})
    read = await town.client.get(
        f"{API}/cases/{case}/report", params={"purpose": "triage"}, headers=staff("cadre", "/lakeside/")
    )
    [particulars] = read.json()["particulars"]
    assert particulars == {
        "text": "A large sinkhole is destroying the street\n"
        "http://farm3.static.flickr.com/2002/2212426634_5ed477a060.jpg",
        "place": "1234 5th street, A-7 (37.765241, -122.421204)",
        "name": "john smith",
        "email": "smit333@sfgov.edu",
        "phone": "111111111",
    }
    assert "tt222111" not in read.text
    assert "123456" not in read.text


@pytest.mark.parametrize(
    "location", [{"lat": "31.2", "long": "121.5"}, {"address_string": "Gate 3"}, {"address_id": "A-7"}]
)
async def test_one_way_to_say_where_it_is_is_enough(town: FrontDoor, location: dict[str, str]) -> None:
    nowhere = dict.fromkeys(("lat", "long", "address_string", "description", "media_url", "email", "phone"))
    assert (await post(town, **{**nowhere, **location})).status_code == 200


async def test_the_key_and_the_jurisdiction_may_stand_in_the_address(town: FrontDoor) -> None:
    form = sent(town, api_key=None, jurisdiction_id=None)
    address = {"api_key": town.key, "jurisdiction_id": WILLOW_LANE}
    answer = await town.client.post(f"{V2}/requests.json", params=address, data=form)
    assert answer.status_code == 200


async def test_a_repeat_under_one_key_is_one_request_and_without_a_key_two(town: FrontDoor) -> None:
    key, form = keyed(), sent(town)
    first = await town.client.post(f"{V2}/requests.json", data=form, headers=key)
    again = await town.client.post(f"{V2}/requests.json", data=form, headers=key)
    assert first.json() == again.json()
    other = await town.client.post(f"{V2}/requests.json", data={**form, "description": "Another."}, headers=key)
    assert other.status_code == 400
    assert "Idempotency-Key" in other.text
    one, two = await post(town), await post(town)
    assert one.json()[0]["service_request_id"] != two.json()[0]["service_request_id"]


async def test_a_request_is_read_as_the_specification_lays_it_out(town: FrontDoor) -> None:
    case = await reported(town)
    [told] = await same_in_both(town, f"requests/{case}", "service_requests")
    assert told == {
        "service_request_id": case,
        "status": "open",
        "status_notes": "It has arrived and waits for somebody to take it on.",
        "service_name": "Water leak",
        "service_code": "water-leak",
        "description": None,
        "agency_responsible": "Willow Lane",
        "service_notice": None,
        "requested_datetime": IsStr(regex=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00"),
        "updated_datetime": told["requested_datetime"],
        "expected_datetime": None,
        "address": None,
        "address_id": None,
        "zipcode": None,
        "lat": None,
        "long": None,
        "media_url": None,
    }
    assert abs(datetime.fromisoformat(told["requested_datetime"]) - now()) < timedelta(minutes=5)


async def test_an_id_answers_for_itself_where_a_token_is_asked_for(town: FrontDoor) -> None:
    case = await reported(town)
    told = await same_in_both(town, f"tokens/{case}", "service_requests")
    assert told == [{"service_request_id": case, "token": case}]
    assert (await get(town, "tokens/12345.json")).status_code == 404


async def test_requests_are_found_by_id_service_status_and_date(town: FrontDoor) -> None:
    leak, tree_fault = await reported(town), await reported(town, service_code="tree")
    await town.tell(from_mediation(tree_fault, 1, opened()), from_mediation(tree_fault, 2, resolved()))
    by_id = await listed(town, service_request_id=f"{leak}, {tree_fault},not-one,{uuid4()}", status="open")
    assert [one["service_request_id"] for one in by_id] == [tree_fault, leak]

    async def found(**asked: str) -> set[str]:
        return {one["service_request_id"] for one in await listed(town, **asked)} & {leak, tree_fault}

    assert await found() == {leak, tree_fault}
    assert await found(service_code="tree,road") == {tree_fault}
    assert await found(service_code="flying-saucers") == set()
    assert await found(status="open") == {leak}
    assert await found(status="closed") == {tree_fault}
    assert await found(status="open,closed") == {leak, tree_fault}
    assert await found(start_date="", end_date="", status="", service_code="") == {leak, tree_fault}
    hour, later = now() - timedelta(hours=1), now() + timedelta(hours=1)
    assert await found(start_date=hour.isoformat(), end_date=later.isoformat()) == {leak, tree_fault}
    assert await found(start_date=hour.isoformat()) == {leak, tree_fault}
    assert await found(end_date=hour.isoformat()) == set()
    assert await found(start_date=later.isoformat()) == set()
    everything = await same_in_both(town, "requests", "service_requests")
    dates = [one["requested_datetime"] for one in everything]
    assert dates == sorted(dates, reverse=True)


async def test_a_plus_sign_that_an_address_lost_is_found_again(town: FrontDoor) -> None:
    query = "start_date=2026-03-01T00:00:00+08:00&end_date=2026-04-01T00:00:00+0800"
    answer = await town.client.get(f"{V2}/requests.json?{query}", params=None)
    assert answer.status_code == 400  # the jurisdiction alone is missing
    assert "jurisdiction_id" in answer.text
    answer = await town.client.get(f"{V2}/requests.json?jurisdiction_id={WILLOW_LANE}&{query}")
    assert answer.status_code == 200, answer.text


async def test_only_the_last_ninety_days_are_told_unless_others_are_asked_for(town: FrontDoor) -> None:
    days = {name: now() - timedelta(days=ago) for name, ago in (("recent", 89), ("old", 91))}
    lines = [line(imported=True, category="road", occurred_at=at.isoformat()) for at in days.values()]
    recent, old = [one["case_id"] for one in await town.send(*lines)]
    await town.project()
    assert {one["service_request_id"] for one in await listed(town, service_code="road")} == {recent}
    around = {"start_date": (days["old"] - timedelta(days=1)).isoformat(), "end_date": days["recent"].isoformat()}
    both = await listed(town, service_code="road", **around)
    assert [one["service_request_id"] for one in both] == [recent, old]


async def test_no_answer_holds_more_than_a_thousand(town: FrontDoor) -> None:
    at = (now() - timedelta(days=40)).isoformat()
    await town.send(*(line(imported=True, category="graffiti", occurred_at=at) for _ in range(1003)))
    for _ in range(3):
        await town.project()
    assert len(await listed(town, service_code="graffiti")) == 1000
    updates = await get(town, "servicerequestupdates.json")
    assert len(updates.json()) == 1000


async def test_what_happens_is_told_by_status_note_and_dates(town: FrontDoor) -> None:
    case = await reported(town)
    due, ends = now() + timedelta(days=7), now() + timedelta(days=14)
    promised = opened().model_copy(update={"deadlines": (deadline(Rule.DONE, due),)})
    await town.tell(from_mediation(case, 1, promised))
    [told] = await listed(town, service_request_id=case)
    assert datetime.fromisoformat(told["expected_datetime"]) == due.replace(microsecond=0)
    await town.tell(from_mediation(case, 2, resolved(ends)))
    [told] = await listed(town, service_request_id=case)
    assert (told["status"], told["status_notes"]) == ("closed", "It is resolved.")
    assert told["expected_datetime"] is None
    assert told["updated_datetime"] == "2026-03-01T17:30:00+08:00"


async def test_updates_are_told_in_the_order_of_their_dates(town: FrontDoor) -> None:
    case = await reported(town)
    await town.tell(from_mediation(case, 1, opened()), from_mediation(case, 2, resolved()))
    spring = {"start_date": "2026-02-20T00:00:00Z", "end_date": "2026-03-10T00:00:00Z"}
    told = await same_in_both(town, "servicerequestupdates", "service_requests_updates", **spring)
    assert [one for one in told if one["service_request_id"] == case] == []  # it was reported after it was solved
    today = {"start_date": (now() - timedelta(hours=1)).isoformat()}
    told = await same_in_both(town, "servicerequestupdates", "service_requests_updates", **today)
    [update] = [one for one in told if one["service_request_id"] == case]
    assert update == {
        "update_id": IsStr(regex=rf"{case}\.open\.\d+"),
        "service_request_id": case,
        "status": "open",
        "updated_datetime": IsStr(regex=r".+\+08:00"),
        "description": "It has arrived and waits for somebody to take it on.",
        "media_url": None,
    }


async def test_where_there_is_one_community_it_need_not_be_named(postgres: Databases) -> None:
    async with opened_door(postgres) as alone:
        await alone.hear_of_places()
        for path in ("services.json", "services/tree.json", "requests.json", "servicerequestupdates.json"):
            assert (await alone.client.get(f"{V2}/{path}")).status_code == 200
        assert (await post(alone, jurisdiction_id=None)).status_code == 200
