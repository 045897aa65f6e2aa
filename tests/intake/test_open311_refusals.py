"""GeoReport v2 asked wrongly: a list of errors with the code and a description each, in the format asked for."""

import tempfile
from typing import Any
from uuid import uuid4

import httpx
import pytest
from dirty_equals import IsStr

from tests.intake.door import API, FrontDoor
from tests.intake.open311 import ELM_ROW, FORMATS, V2, get, plain, post, sent, tree
from tests.intake.pictures import jpeg
from tests.services import staff

MARK = "Zxqvy-Marked-4402"
"""Stands in whatever is sent; no answer may repeat it."""

NOT_FOUND: dict[str, tuple[str, dict[str, str]]] = {
    "jurisdiction of services": ("services", {"jurisdiction_id": "city.gov"}),
    "jurisdiction of a service": ("services/water-leak", {"jurisdiction_id": "city.gov"}),
    "jurisdiction of requests": ("requests", {"jurisdiction_id": "city.gov"}),
    "jurisdiction that is no path": ("requests", {"jurisdiction_id": MARK}),
    "jurisdiction of updates": ("servicerequestupdates", {"jurisdiction_id": "lakeside.east"}),
    "jurisdiction of a request": (f"requests/{uuid4()}", {"jurisdiction_id": "city.gov"}),
    "service": ("services/DMV66", {}),
    "service of another kind": ("services/legal-question", {}),
    "request": (f"requests/{uuid4()}", {}),
    "request that can't be one": (f"requests/{MARK}", {}),
    "token": (f"tokens/{MARK}", {}),
}
WRONG: dict[str, tuple[str, dict[str, str]]] = {
    "no jurisdiction for services": ("services", {"jurisdiction_id": ""}),
    "no jurisdiction for requests": ("requests", {"jurisdiction_id": ""}),
    "no jurisdiction for a token": ("tokens/1", {"jurisdiction_id": ""}),
    "status": ("requests", {"status": MARK}),
    "date": ("requests", {"start_date": MARK}),
    "date without a zone": ("requests", {"end_date": "2026-03-01T00:00:00"}),
    "date at the end of time": ("requests", {"end_date": "9999-12-31T23:59:59Z"}),
    "date at its beginning": ("requests", {"start_date": "0001-01-01T00:00:00+14:00"}),
    "dates in the wrong order": (
        "requests",
        {"start_date": "2026-03-02T00:00:00Z", "end_date": "2026-03-01T00:00:00Z"},
    ),
    "too long a time": (
        "requests",
        {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"},
    ),
    "too many ids": ("requests", {"service_request_id": ",".join("x" * 1001)}),
    "date of updates": ("servicerequestupdates", {"start_date": MARK}),
}


def errors_of(answer: httpx.Response, written: str) -> list[dict[str, Any]]:
    if written == "json":
        assert answer.headers["content-type"] == "application/json"
        return answer.json()
    told = tree(answer)
    assert told.tag == "errors"
    assert {child.tag for child in told} == {"error"}
    return [{**one, "code": int(one["code"])} for one in plain(told)]


def is_refused(answer: httpx.Response, written: str, code: int) -> None:
    assert answer.status_code == code, answer.text
    errors = errors_of(answer, written)
    assert errors
    for error in errors:
        assert error == {"code": code, "description": IsStr(min_length=15)}
    assert MARK not in answer.text


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("wrong", NOT_FOUND)
async def test_what_is_not_there_is_404(town: FrontDoor, wrong: str, written: str) -> None:
    path, query = NOT_FOUND[wrong]
    is_refused(await get(town, f"{path}.{written}", **query), written, 404)


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_asked_wrongly_is_400(town: FrontDoor, wrong: str, written: str) -> None:
    path, query = WRONG[wrong]
    is_refused(await get(town, f"{path}.{written}", **query), written, 400)


async def test_a_format_that_is_not_spoken_is_told_so_in_xml(town: FrontDoor) -> None:
    for path in ("services.yaml", "requests.html", f"requests/{uuid4()}.csv"):
        is_refused(await get(town, path), "xml", 404)


BAD_POSTS: dict[str, tuple[int, dict[str, str | None]]] = {
    "no key": (403, {"api_key": None}),
    "an empty key": (403, {"api_key": " "}),
    "a wrong key": (403, {"api_key": f"dk_{MARK}_x"}),
    "another jurisdiction than the key's": (403, {"jurisdiction_id": ELM_ROW}),
    "no jurisdiction": (400, {"jurisdiction_id": None}),
    "an unknown jurisdiction": (404, {"jurisdiction_id": "city.gov"}),
    "no service": (400, {"service_code": None}),
    "an unknown service": (404, {"service_code": MARK}),
    "a service of another kind": (404, {"service_code": "legal-question"}),
    "no location": (400, {"lat": None, "long": None, "address_string": None}),
    "half a point": (400, {"long": None}),
    "a point that is none": (400, {"lat": MARK}),
    "a point off the earth": (400, {"lat": "90.5"}),
    "no number": (400, {"long": "nan"}),
    "not an address": (400, {"email": MARK}),
    "not a number": (400, {"phone": MARK}),
    "an over-long description": (400, {"description": MARK * 1000}),
    "an over-long address": (400, {"address_string": MARK * 100}),
    "an over-long picture": (400, {"media_url": MARK * 100}),
    "an over-long name": (400, {"first_name": MARK * 100}),
    "NUL in the description": (400, {"description": f"a\0{MARK}"}),
    "an unknown attribute": (400, {f"attribute[{MARK}]": "x"}),
    "an unknown value": (400, {"attribute[urgency]": MARK}),
}


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("bad", BAD_POSTS)
async def test_a_bad_report_is_answered_for_and_leaves_nothing(town: FrontDoor, bad: str, written: str) -> None:
    code, changed = BAD_POSTS[bad]
    before = await town.stored()
    is_refused(await post(town, written, **changed), written, code)
    assert await town.stored() == before


async def test_a_key_for_something_else_may_not_report(town: FrontDoor) -> None:
    keys = f"{API}/communities/{town.community}/keys"
    made = await town.client.post(keys, json={"scopes": ["history"]}, headers=staff("operator"))
    is_refused(await post(town, api_key=made.json()["api_key"]), "json", 403)


@pytest.mark.parametrize(("content", "code"), [(b"{}", 403), (b"\xff\xfe=\xff", 400), (b"a=" * 2000, 403)])
async def test_a_body_that_is_no_such_form_is_refused(town: FrontDoor, content: bytes, code: int) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await town.client.post(f"{V2}/requests.xml", content=content, headers=headers)
    is_refused(answer, "xml", code)


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize(("key", "code"), [({}, 400), ({"api_key": f"dk_{MARK}_x"}, 403)])
async def test_a_file_is_not_taken_and_never_lies_on_a_disk(
    town: FrontDoor, monkeypatch: pytest.MonkeyPatch, written: str, key: dict[str, str | None], code: int
) -> None:
    on_disk: list[object] = []
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", on_disk.append)
    before, picture = await town.stored(), ("photo.jpg", jpeg() + MARK.encode() * 200_000)
    url, form = f"{V2}/requests.{written}", sent(town, **key)
    answer = await town.client.post(url, data=form, files={"media": picture})
    is_refused(answer, written, code)
    assert ("Send media_url" in answer.text) == (code == 400)
    assert on_disk == []
    assert await town.stored() == before


async def test_a_form_in_parts_without_a_file_is_taken(town: FrontDoor) -> None:
    parts = {name: (None, value) for name, value in sent(town).items()}
    answer = await town.client.post(f"{V2}/requests.json", files=parts)
    assert answer.status_code == 200, answer.text


async def test_a_bad_idempotency_key_is_told_so(town: FrontDoor) -> None:
    answer = await town.client.post(f"{V2}/requests.xml", data=sent(town), headers={"Idempotency-Key": "short"})
    is_refused(answer, "xml", 400)


async def test_a_form_that_is_broken_is_told_so(town: FrontDoor) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await town.client.post(f"{V2}/requests.json", content=f"--y\r\n{MARK}".encode(), headers=headers)
    is_refused(answer, "json", 400)


async def test_errors_are_for_programmers_and_say_so(town: FrontDoor) -> None:
    params, headers = {"jurisdiction_id": "city.gov"}, {"Accept-Language": "zh-CN"}
    answer = await town.client.get(f"{V2}/services.xml", params=params, headers=headers)
    assert answer.headers["Content-Language"] == "en"
