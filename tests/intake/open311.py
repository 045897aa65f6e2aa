"""Open311 for its tests: a town of two communities, the specification's own example, and answers in both formats."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast
from xml.etree.ElementTree import Element, fromstring

import httpx

from tests.conftest import Databases
from tests.intake.door import API, FrontDoor, opened_door
from tests.services import staff

V2 = "/open311/v2"
WILLOW_LANE, ELM_ROW = "lakeside.east.willow-lane", "lakeside.east.elm-row"
FORMATS = ("json", "xml")

_LISTS = frozenset(
    (
        "attributes", "endpoints", "errors", "formats", "service_requests", "service_requests_updates", "services",
        "values",
    )
)  # fmt: skip


@asynccontextmanager
async def opened_town(postgres: Databases) -> AsyncGenerator[FrontDoor]:
    """Beside Willow Lane, a second community, so that a jurisdiction has to be named."""
    async with opened_door(postgres) as door:
        place = {"area": "/lakeside/east/elm-row/", "name": "Elm Row", "time_zone": "Europe/London"}
        await door.client.post(f"{API}/communities", json=place, headers=staff("operator"))
        await door.hear_of_places()
        yield door


def sent(door: FrontDoor, **changed: str | None) -> dict[str, str]:
    """The specification's own example, with our key; a field given as none is left out."""
    form = {
        "api_key": door.key,
        "jurisdiction_id": WILLOW_LANE,
        "service_code": "water-leak",
        "lat": "37.76524078",
        "long": "-122.4212043",
        "address_string": "1234 5th street",
        "email": "smit333@sfgov.edu",
        "device_id": "tt222111",
        "account_id": "123456",
        "first_name": "john",
        "last_name": "smith",
        "phone": "111111111",
        "description": "A large sinkhole is destroying the street",
        "media_url": "http://farm3.static.flickr.com/2002/2212426634_5ed477a060.jpg",
    }
    return {name: value for name, value in {**form, **changed}.items() if value is not None}


async def post(door: FrontDoor, written: str = "json", /, **changed: str | None) -> httpx.Response:
    return await door.client.post(f"{V2}/requests.{written}", data=sent(door, **changed))


async def reported(door: FrontDoor, **changed: str | None) -> str:
    """The id of a request that can be read."""
    answer = await post(door, **changed)
    assert answer.status_code == 200, answer.text
    await door.project()
    return answer.json()[0]["service_request_id"]


async def get(door: FrontDoor, path: str, **asked: str) -> httpx.Response:
    return await door.client.get(f"{V2}/{path}", params={"jurisdiction_id": WILLOW_LANE, **asked})


async def listed(door: FrontDoor, **asked: str) -> list[dict[str, Any]]:
    answer = await get(door, "requests.json", **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def same_in_both(door: FrontDoor, path: str, root: str, **asked: str) -> Any:
    """What JSON says, once XML has been found to say the same."""
    json, xml = await get(door, f"{path}.json", **asked), await get(door, f"{path}.xml", **asked)
    assert (json.status_code, xml.status_code) == (200, 200), json.text
    assert json.headers["content-type"] == "application/json"
    told = tree(xml)
    assert told.tag == root
    assert plain(told) == as_text(json.json())
    return json.json()


def tree(answer: httpx.Response) -> Element:
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    return fromstring(answer.content)


def plain(element: Element) -> Any:
    """The same as JSON has it, but that everything is text: the Spark convention, read backwards."""
    children = list(element)
    if element.tag in _LISTS:
        return [plain(child) for child in children]
    return {child.tag: plain(child) for child in children} if children else element.text


def as_text(value: Any) -> Any:
    """What JSON says, as XML has it."""
    match value:
        case dict():
            return {key: as_text(one) for key, one in cast("dict[str, Any]", value).items()}
        case list():
            return [as_text(one) for one in cast("list[Any]", value)]
        case bool():
            return str(value).lower()
        case None:
            return None
        case _:
            return str(value)
