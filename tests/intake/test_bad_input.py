"""Bad input: each gets a clear answer that names the field and the remedy, and leaves nothing behind."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from dirty_equals import IsStr

from services.intake.endpoints.lines import LONGEST_LINE
from tests.intake.door import API, FrontDoor, line
from tests.services import keyed, lines, staff

MARK = "Zxqvy-Marked-7731"
"""Stands in whatever is sent; no answer may repeat it."""
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Bad:
    """What is changed in a good report, and which field the answer must name."""

    name: str
    field: str
    changed: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])


BAD_REPORTS = [
    Bad("unknown community", "community", {"community": str(uuid4())}),
    Bad("no community", "community", {"community": None}),
    Bad("not a community", "community", {"community": MARK}),
    Bad("no text", "text", {"text": None}),
    Bad("empty text", "text", {"text": "   "}),
    Bad("over-long text", "text", {"text": MARK * 1000}),
    Bad("a 1 MB text", "text", {"text": MARK + "x" * 1_000_000}),
    Bad("text is a number", "text", {"text": 7}),
    Bad("NUL in the text", "text", {"text": f"a\0b{MARK}"}),
    Bad("NUL in the name", "name", {"name": f"a\0b{MARK}"}),
    Bad("unknown kind", "kind", {"kind": MARK}),
    Bad("unknown category", "category", {"category": "flying-saucers"}),
    Bad("a category of another kind", "category", {"kind": "idea"}),
    Bad("unknown urgency", "urgency", {"urgency": MARK}),
    Bad("not an address", "email", {"email": MARK}),
    Bad("not a number", "phone", {"phone": MARK}),
    Bad("a field that is not asked for", "ethnicity", {"ethnicity": MARK}),
    Bad("another such field", "id_number", {"id_number": MARK}),
    Bad("a field that may be a name", "body", {MARK: "x"}),
    Bad("half a character", "text", {"text": f"\ud800{MARK}"}),
]


@pytest.mark.parametrize("bad", BAD_REPORTS, ids=lambda bad: bad.name)
async def test_a_bad_report_is_answered_for_and_leaves_nothing(door: FrontDoor, bad: Bad) -> None:
    before = await door.stored()
    content = json.dumps(door.report_form(**bad.changed))
    answer = await door.client.post(f"{API}/reports", content=content, headers={**keyed(), **JSON})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert bad.field in [fault["field"] for fault in problem["faults"]]
    for fault in problem["faults"]:
        assert fault == {"field": IsStr(min_length=1), "message": IsStr(min_length=5), "remedy": IsStr(min_length=5)}
    assert MARK not in answer.text
    assert await door.stored() == before


@pytest.mark.parametrize(
    "content",
    [b"{broken", b"[]", b'"text"', b"", '{"text": "Zxqvy-Marked-7731 å"}'.encode("latin-1")],
    ids=["broken JSON", "a list", "a string", "nothing", "wrong encoding"],
)
async def test_what_is_not_an_object_of_json_is_told_so(door: FrontDoor, content: bytes) -> None:
    before = await door.stored()
    headers = {**keyed(), **JSON}
    answer = await door.client.post(f"{API}/reports", content=content, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(fault["remedy"] for fault in answer.json()["faults"])
    assert MARK not in answer.text
    assert await door.stored() == before


@pytest.mark.parametrize("key", [None, "short", "x" * 201, "with a space in it, and long"])
async def test_a_report_needs_a_key_of_its_own(door: FrontDoor, key: str | None) -> None:
    before = await door.stored()
    headers = {"Idempotency-Key": key} if key else {}
    answer = await door.client.post(f"{API}/reports", json=door.report_form(), headers=headers)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["faults"]] == ["Idempotency-Key"]
    assert await door.stored() == before


async def test_the_same_key_with_another_body_is_refused(door: FrontDoor) -> None:
    headers = keyed()
    first = await door.client.post(f"{API}/reports", json=door.report_form(), headers=headers)
    before = await door.stored()
    answer = await door.client.post(f"{API}/reports", json=door.report_form(text="Another."), headers=headers)
    again = await door.client.post(f"{API}/reports", json=door.report_form(), headers=headers)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["faults"]] == ["Idempotency-Key"]
    assert again.json() == first.json()
    assert await door.stored() == before


@pytest.mark.parametrize("key", ["", "dk_", "dk_1_2", "dk_ö_ö", "not-a-key", "dk_" + "0" * 12 + "_" + "0" * 48])
async def test_a_bad_key_is_not_taken(door: FrontDoor, key: str) -> None:
    headers = httpx.Headers({"Authorization": f"Bearer {key}"}, encoding="utf-8")
    answer = await door.client.post(f"{API}/reports:bulk", content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


BAD_LINES = [
    Bad("no reference", "reference", {"reference": None}),
    Bad("a reference with a space", "reference", {"reference": f"{MARK} x"}),
    Bad("no kind", "kind", {"kind": None}),
    Bad("unknown category", "category", {"category": "flying-saucers"}),
    Bad("neither text nor row", "text", {"text": None}),
    Bad("over-long text", "text", {"text": MARK * 1000}),
    Bad("a date that is not for history", "occurred_on", {"occurred_on": "2015-01-01"}),
    Bad("history without a date", "occurred_on", {"imported": True}),
    Bad("history from the future", "occurred_on", {"imported": True, "occurred_on": "2999-01-01"}),
    Bad("an instant in the future", "occurred_at", {"imported": True, "occurred_at": "2999-01-01T00:00:00Z"}),
    Bad("an instant without a zone", "occurred_at", {"imported": True, "occurred_at": "2015-01-01T00:00:00"}),
    Bad("not a date", "occurred_on", {"imported": True, "occurred_on": MARK}),
    Bad("a number for a date", "occurred_on", {"imported": True, "occurred_on": 20150102}),
    Bad("digits for a date", "occurred_on", {"imported": True, "occurred_on": "1420156800"}),
    Bad("digits for an instant", "occurred_at", {"imported": True, "occurred_at": "20150102"}),
    Bad("a number for an instant", "occurred_at", {"imported": True, "occurred_at": 20150102}),
    Bad("before there were clocks", "occurred_on", {"imported": True, "occurred_on": "0001-01-01"}),
    Bad("an instant before them", "occurred_at", {"imported": True, "occurred_at": "0001-01-01T00:00:00+14:00"}),
    Bad("the last day of all", "occurred_on", {"imported": True, "occurred_on": "9999-12-31"}),
    Bad("the last instant", "occurred_at", {"imported": True, "occurred_at": "9999-12-31T23:59:59-12:00"}),
    Bad(
        "two dates",
        "occurred_at",
        {"imported": True, "occurred_on": "2015-01-02", "occurred_at": "2016-01-02T00:00:00Z"},
    ),
    Bad("an empty row", "row", {"text": None, "row": {}}),
    Bad("a cell that is no text", "row", {"row": {MARK: 7}}),
    Bad("an over-long cell", "row", {"row": {"a": MARK * 1000}}),
    Bad("NUL in the text", "text", {"text": f"a\0b{MARK}"}),
    Bad("NUL in the row", "row", {"row": {"a": f"\0{MARK}"}}),
    Bad("NUL in a column's name", "row", {"row": {f"\0{MARK}": "a"}}),
    Bad("a field that may be a name", "body", {MARK: "x"}),
    Bad("a field that is not asked for", "religion", {"religion": MARK}),
]


async def test_bad_lines_are_answered_one_by_one_and_the_good_ones_are_taken(door: FrontDoor) -> None:
    before = await door.stored()
    broken = [b"{broken", b"[]", b"\xff\xfe\xff", b'{"text": "\0"}', b'{"text": "' + b"x" * LONGEST_LINE + b'"}']
    sent = [orjson.dumps(line(**bad.changed)) for bad in BAD_LINES] + broken
    good = orjson.dumps(line())
    answer = await door.bulk(b"\n".join(content for bad in sent for content in (bad, good[:-1] + b"}")))
    answers = lines(answer)
    assert len(answers) == 2 * len(sent)
    assert [one["line"] for one in answers] == list(range(1, 2 * len(sent) + 1))
    bad_answers, good_answers = answers[::2], answers[1::2]
    assert {one["status"] for one in bad_answers} == {"rejected"}
    for bad, told in zip(BAD_LINES, bad_answers, strict=False):
        assert bad.field in [fault["field"].split(".")[0] for fault in told["faults"]], bad.name
    assert all(fault["message"] and fault["remedy"] for told in bad_answers for fault in told["faults"])
    assert [one["status"] for one in good_answers] == ["accepted"] + ["duplicate"] * (len(sent) - 1)
    assert MARK not in answer.text
    after = await door.stored()
    assert {table: after[table] - before[table] for table in after} == {
        "event": 1,
        "stream": 1,
        "command": 1,
        "particulars": 1,
        "set_aside": 0,
    }


@pytest.mark.parametrize(
    ("path", "form", "faulty"),
    [
        ("areas", {"path": "/nowhere/below/", "name": "Below"}, "path"),
        ("areas", {"path": "/Upper/", "name": "Case"}, "path"),
        ("areas", {"path": "/", "name": "Root"}, "path"),
        ("communities", {"area": "/nowhere/x/", "name": "X", "time_zone": "Asia/Shanghai"}, "area"),
        ("communities", {"area": "/lakeside/x/", "name": "X", "time_zone": "Mars/Olympus"}, "time_zone"),
        ("communities", {"area": "/lakeside/x/", "name": "X", "time_zone": "localtime"}, "time_zone"),
        ("communities", {"area": "/lakeside/x/", "name": "a\0b", "time_zone": "Asia/Shanghai"}, "name"),
    ],
)
async def test_the_registry_names_what_is_wrong(door: FrontDoor, path: str, form: dict[str, str], faulty: str) -> None:
    answer = await door.client.post(f"{API}/{path}", json=form, headers=staff("operator"))
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["faults"]] == [faulty]
