"""The indicators against the file itself, counted without Doorstep; and who may ask what."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.conftest import Databases
from tests.reporting import constituents
from tests.reporting.bureau import Bureau, bureau
from tests.reporting.constituents import Casework, counted, midnight
from tests.services import staff

MANAGER = staff("manager", "/nyc/")


def values(answer: dict[str, Any]) -> dict[str, int | None]:
    return {indicator["name"]: indicator["value"] for indicator in answer["indicators"]}


def parts_of(answer: dict[str, Any], *names: str) -> dict[tuple[str, ...], dict[str, int | None]]:
    return {tuple(part[name] for name in names): part["values"] for part in answer["parts"]}


def grouped(
    works: list[Casework], key: Callable[[Casework], tuple[str, ...]]
) -> dict[tuple[str, ...], dict[str, int | None]]:
    groups: dict[tuple[str, ...], list[Casework]] = defaultdict(list)
    for work in works:
        groups[key(work)].append(work)
    return {name: counted(group) for name, group in groups.items()}


def month(work: Casework) -> str:
    return str(work.reported_on.replace(day=1))


async def test_the_whole_is_what_the_sample_says(history: Bureau, sample: list[Casework]) -> None:
    answer = await history.indicators(MANAGER, area="/nyc/")
    assert values(answer) == counted(sample)
    assert answer["imported"] == len(sample)
    assert all(indicator["definition"] and indicator["clock"] for indicator in answer["indicators"])


async def test_each_community_and_month_is_what_the_sample_says(history: Bureau, sample: list[Casework]) -> None:
    answer = await history.indicators(MANAGER, by="month,community")
    assert parts_of(answer, "community", "month") == grouped(sample, lambda work: (work.area, month(work)))


async def test_places_one_level_below(history: Bureau, sample: list[Casework]) -> None:
    director = staff("manager", "/")
    below_all = await history.indicators(director, area="/", by="place")
    assert parts_of(below_all, "place") == {("/nyc/",): counted(sample)}
    below_city = await history.indicators(director, area="/nyc/", by="place")
    assert parts_of(below_city, "place") == grouped(sample, lambda work: (work.area,))
    community = await history.indicators(director, area="/nyc/nycc33/", by="place")
    assert [part["place"] for part in community["parts"]] == ["/nyc/nycc33/"]


async def test_a_period_holds_both_its_days(history: Bureau, sample: list[Casework]) -> None:
    first, last = sorted({work.reported_on for work in sample})[30:100:69]
    answer = await history.indicators(MANAGER, **{"from": str(first), "to": str(last)})
    assert values(answer) == counted([work for work in sample if first <= work.reported_on <= last])


@pytest.mark.parametrize("day", [date(2016, 6, 30), date(2017, 1, 1), date(2018, 2, 28)])
async def test_history_as_it_was_known_then(history: Bureau, sample: list[Casework], day: date) -> None:
    answer = await history.indicators(MANAGER, as_of=midnight(day).isoformat())
    assert values(answer) == counted(sample, as_of=day)
    before = await history.indicators(MANAGER, as_of="2014-12-31T00:00:00Z")
    assert values(before)["reported"] == 0
    assert values(before)["days_to_resolution_median"] is None


async def test_the_events_behind_a_number_are_as_many_and_the_right_ones(
    history: Bureau, sample: list[Casework]
) -> None:
    expected = {
        "reported": {(str(work.case_id), "case.reported") for work in sample},
        "open": {(str(work.case_id), "case.reported") for work in sample if work.days is None},
        "resolved": {(str(work.case_id), "case.resolved") for work in sample if work.days is not None},
        "resolved_same_day": {(str(work.case_id), "case.resolved") for work in sample if work.days == 0},
        "withdrawn": set[tuple[str, str]](),
    }
    for name, events in expected.items():
        found: list[tuple[str, str]] = []
        after: dict[str, str] = {}
        while True:
            answer = await history.client.get(
                f"/api/reporting/v1/indicators/{name}/events", params={"limit": "70", **after}, headers=MANAGER
            )
            page = answer.json()
            found += [(event["case_id"], event["type"]) for event in page["events"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert len(found) == len(set(found))
        assert set(found) == events


async def test_every_number_links_to_its_events(history: Bureau) -> None:
    answer = await history.indicators(MANAGER, area="/nyc/nycc33/", **{"from": "2016-01-01"})
    for indicator in answer["indicators"]:
        events = await history.client.get(indicator["events"] + "&limit=500", headers=MANAGER)
        assert events.status_code == 200
        if indicator["unit"] == "cases":
            assert len(events.json()["events"]) == indicator["value"]


async def test_another_area_is_unknown_and_its_rows_are_not_there(history: Bureau, sample: list[Casework]) -> None:
    own = staff("supervisor", "/nyc/nycc33/")
    for area in ("/nyc/", "/", "/nyc/nycc08/", "/nyc/nycc3/", "/elsewhere/"):
        for path in ("indicators", "indicators/reported/events"):
            answer = await history.client.get(f"/api/reporting/v1/{path}", params={"area": area}, headers=own)
            assert answer.status_code == 404, area
            assert answer.headers["content-type"] == "application/problem+json"
    answer = await history.indicators(own)
    assert answer["area"] == "/nyc/nycc33/"
    assert values(answer) == counted([work for work in sample if work.area == "/nyc/nycc33/"])


async def test_who_may_ask(history: Bureau) -> None:
    url = "/api/reporting/v1/indicators"
    assert (await history.client.get(url)).status_code == 401
    assert (await history.client.get(url, headers=staff("mediator", "/nyc/"))).status_code == 403
    for role in ("cadre", "supervisor", "manager", "operator"):
        assert (await history.client.get(url, headers=staff(role, "/nyc/"))).status_code == 200


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"from": "2017-02-30"}, "from"),
        ({"to": "yesterday"}, "to"),
        ({"from": "2018-01-01", "to": "2017-01-01"}, "from"),
        ({"as_of": "2017-01-01T00:00:00"}, "as_of"),
        ({"as_of": "2999-01-01T00:00:00Z"}, "as_of"),
        ({"as_of": "0001-01-01T00:00:00+14:00"}, "as_of"),
        ({"as_of": "9999-12-31T23:59:59-14:00"}, "as_of"),
        ({"area": "nyc"}, "area"),
        ({"area": "/nyc/\x00/"}, "area"),
        ({"by": "person"}, "by"),
        ({"policy": "best"}, "policy"),
    ],
)
async def test_what_cannot_be_asked_names_field_and_remedy(history: Bureau, asked: dict[str, str], field: str) -> None:
    answer = await history.client.get("/api/reporting/v1/indicators", params=asked, headers=MANAGER)
    assert answer.status_code == 422
    [fault] = answer.json()["faults"]
    assert fault["field"] == field
    assert fault["remedy"]
    assert next(iter(asked.values())) not in answer.text


@pytest.mark.parametrize("path", ["indicators", "indicators/reported/events"])
async def test_the_ends_of_time_can_be_asked_as_days_and_not_as_instants(history: Bureau, path: str) -> None:
    url = f"/api/reporting/v1/{path}"
    days = {"from": "0001-01-01", "to": "9999-12-31"}
    assert (await history.client.get(url, params=days, headers=MANAGER)).status_code == 200
    for as_of in ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"):
        answer = await history.client.get(url, params={"as_of": as_of}, headers=MANAGER)
        assert answer.status_code == 422
        assert [fault["field"] for fault in answer.json()["faults"]] == ["as_of"]


async def test_what_is_no_indicator_or_no_page(history: Bureau) -> None:
    events = "/api/reporting/v1/indicators/{}/events"
    assert (await history.client.get(events.format("score"), headers=MANAGER)).status_code == 422
    broken = await history.client.get(events.format("open"), params={"after": "2017-01-01_x"}, headers=MANAGER)
    assert [fault["field"] for fault in broken.json()["faults"]] == ["after"]


async def test_provisional_while_events_wait(history: Bureau) -> None:
    """Nobody listens to Kafka in this test, so nobody can say that nothing waits."""
    assert (await history.indicators(MANAGER))["provisional"] is True


async def test_the_whole_file_per_community_and_month(postgres: Databases) -> None:
    if not constituents.WHOLE.exists():
        pytest.skip("the whole file is not here; DOORSTEP_DATA names its folder")
    works = constituents.read(constituents.WHOLE)
    async with bureau(postgres) as whole:
        await whole.know([constituents.fact_of(work) for work in works])
        answer = await whole.indicators(MANAGER, by="month,community")
    assert values(answer) == counted(works)
    assert values(answer) | {"resolved": 231_233, "open": 2_005} == values(answer)
    assert values(answer) | {"resolved_same_day": 78_710, "resolved_within_7_days": 111_072} == values(answer)
    assert parts_of(answer, "community", "month") == grouped(works, lambda work: (work.area, month(work)))
