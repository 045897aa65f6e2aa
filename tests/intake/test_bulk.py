"""Many reports at once: each line has its own outcome, whatever the others are, and again the same."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import ndjson
from services.chassis.commands import handle_all
from services.chassis.eventstore import StoreUnavailable
from services.intake import set_aside
from services.intake.endpoints import bulk
from services.intake.endpoints.lines import NotTaken, Written, read
from services.intake.set_aside import Aside
from tests.intake.door import API, AREA, FrontDoor, line
from tests.services import keyed, lines, staff

FIELDS = st.sampled_from(
    ["reference", "kind", "category", "text", "name", "imported", "occurred_on", "occurred_at", "row", "urgency", "x"]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.dates().map(str),
    st.datetimes(timezones=st.timezones()).map(str),
    st.dictionaries(st.text(), st.text() | st.integers()),
)


@given(st.dictionaries(FIELDS, VALUES))
def test_whatever_a_line_holds_it_is_read_or_answered_for(changed: dict[str, Any]) -> None:
    told = read(json.dumps(line() | changed).encode())
    assert isinstance(told, Written) or all(fault.message and fault.remedy for fault in told.faults)


@given(st.binary(max_size=60))
def test_whatever_bytes_come_they_are_answered_for(content: bytes) -> None:
    assert isinstance(read(content), NotTaken)


def test_what_only_looks_like_a_nul_character_is_text() -> None:
    assert isinstance(read(orjson.dumps(line(text=r"C:\u0000"))), Written)


@given(st.dictionaries(st.text("a \u3000", min_size=1, max_size=3), st.text("b "), min_size=1))
def test_no_cell_of_a_source_row_is_lost(row: dict[str, str]) -> None:
    told = read(orjson.dumps(line(row=row)))
    assert isinstance(told, Written)
    assert told.line.row == row


async def test_lines_keep_their_numbers_over_chunks_and_blank_lines(door: FrontDoor) -> None:
    told = [line() for _ in range(600)]
    content = b"\n\n".join(orjson.dumps(one) for one in told)
    first, again = lines(await door.bulk(content)), lines(await door.bulk(content + b"\r\n \n"))
    assert [one["line"] for one in first] == list(range(1, 1200, 2))
    assert [one["status"] for one in first] == ["accepted"] * 600
    assert again == [{**one, "status": "duplicate"} for one in first]
    assert [one["reference"] for one in first] == [one["reference"] for one in told]


async def test_lines_may_come_in_any_pieces(door: FrontDoor) -> None:
    content = b"\r\n".join(orjson.dumps(line(text="å" * 50)) for _ in range(3))

    async def pieces() -> AsyncGenerator[bytes]:
        for at in range(0, len(content), 7):
            yield content[at : at + 7]

    headers = {"Authorization": f"Bearer {door.key}"}
    answer = await door.client.post(f"{API}/reports:bulk", headers=headers, content=pieces())
    assert [one["status"] for one in lines(answer)] == ["accepted"] * 3


async def test_one_reference_sent_eight_times_at_once_is_taken_once(door: FrontDoor) -> None:
    told = line()
    answers = await asyncio.gather(*(door.send(told, told) for _ in range(8)))
    statuses = [one["status"] for answer in answers for one in answer]
    assert sorted(statuses) == ["accepted"] + ["duplicate"] * 15
    assert len({one["case_id"] for answer in answers for one in answer}) == 1


async def test_the_same_words_are_the_same_report_in_whatever_order_they_stand(door: FrontDoor) -> None:
    told = line(row={"a": "1", "b": "2"})
    turned = {name: told[name] for name in reversed(told)} | {"row": {"b": "2", "a": "1"}}
    assert [one["status"] for one in await door.send(told, turned)] == ["accepted", "duplicate"]


async def test_history_carries_its_own_time(door: FrontDoor) -> None:
    day, instant = await door.send(
        line(imported=True, occurred_on="2015-01-02"), line(imported=True, occurred_at="2015-01-02T20:00:00-05:00")
    )
    async with door.service.worker.connect() as connection:
        [told] = await door.service.store.read_stream(connection, UUID(day["case_id"]))
        [other] = await door.service.store.read_stream(connection, UUID(instant["case_id"]))
    # The community's clock is Shanghai's.
    assert told.occurred_at.isoformat() == "2015-01-01T16:00:00+00:00"
    assert orjson.loads(told.data)["reported_on"] == "2015-01-02"
    assert orjson.loads(told.data)["imported"] is True
    assert other.occurred_at.isoformat() == "2015-01-03T01:00:00+00:00"
    assert orjson.loads(other.data)["reported_on"] == "2015-01-03"


async def test_a_reference_with_other_content_is_kept_aside_once_and_opened_on_record(door: FrontDoor) -> None:
    first = line(row={"a": "1"})
    other = {**first, "row": {"a": "2"}}
    [taken] = await door.send(first)
    before = await door.stored()
    answers = [one for _ in range(2) for one in await door.send(other)]
    [again] = await door.send(first)
    assert [(one["status"], one["case_id"]) for one in answers] == [("conflict", taken["case_id"])] * 2
    assert again["status"] == "duplicate"
    after = await door.stored()
    assert {table: after[table] - before[table] for table in after if after[table] != before[table]} == {"set_aside": 1}

    listed = (await door.client.get(f"{API}/conflicts", headers=staff("operator"))).json()
    [conflict] = [one for one in listed["conflicts"] if one["case_id"] == taken["case_id"]]
    assert conflict["reference"] == first["reference"]
    own = await door.client.get(f"{API}/conflicts/own", headers={"Authorization": f"Bearer {door.key}"})
    assert own.json() == listed
    elsewhere = await door.client.get(f"{API}/conflicts", headers=staff("operator", "/nyc/"))
    assert elsewhere.json()["conflicts"] == []

    path, purpose = f"{API}/conflicts/{conflict['ref']}", {"purpose": "review"}
    opened = await door.client.get(path, params=purpose, headers=staff("supervisor", AREA))
    assert opened.json()["content"] == other
    assert (await door.client.get(path, params=purpose, headers=staff("supervisor", "/nyc/"))).status_code == 404
    assert (await door.client.get(path, params=purpose, headers=staff("operator"))).status_code == 403
    async with door.service.worker.connect() as connection:
        looks = await connection.exec_driver_sql(
            "SELECT role, purpose FROM particulars_access WHERE stream_id = $1", (UUID(taken["case_id"]),)
        )
        assert [tuple(look) for look in looks] == [("supervisor", "review")]


async def test_nothing_is_kept_of_a_case_that_was_erased(door: FrontDoor) -> None:
    told = line()
    [taken] = await door.send(told)
    [kept] = await door.send({**told, "text": "Other words."})
    assert kept["status"] == "conflict"
    erase = f"{API}/cases/{taken['case_id']}/erase"
    assert (await door.client.post(erase, headers={**staff("operator"), **keyed()})).status_code == 200
    [late] = await door.send({**told, "text": "Still others."})
    [again] = await door.send(told)
    assert (late["status"], again["status"]) == ("conflict", "duplicate")
    assert await left_of(door, taken["case_id"]) == 0


async def test_what_is_kept_while_its_case_is_erased_goes_with_it(door: FrontDoor) -> None:
    """Keeping waits for the erasure that it meets, and then keeps nothing."""
    [taken] = await door.send(line())
    case_id = UUID(taken["case_id"])
    credential = await door.app.state.door.credentials.check(door.key)
    aside = Aside(UUID(int=case_id.int ^ 1), case_id, "R-1", b"f" * 16, b"{}")
    async with door.service.worker.begin() as erasing:
        await set_aside.hold(erasing, [case_id])
        keeping = asyncio.create_task(set_aside.keep(door.service, credential, [aside]))
        async with door.service.worker.connect() as connection:
            while not (await connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted")).first():
                assert not keeping.done()
        await erasing.exec_driver_sql("INSERT INTO erased (case_id) VALUES ($1)", (case_id,))
    await keeping
    async with door.service.worker.connect() as connection:
        kept = await connection.exec_driver_sql("SELECT 1 FROM set_aside WHERE case_id = $1", (case_id,))
        assert kept.first() is None


async def test_when_the_store_goes_away_on_the_way_the_rest_is_to_be_sent_again(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    async def away_at_the_second(*call: Any) -> Any:
        calls.append(len(calls))
        if len(calls) == 2:
            raise StoreUnavailable
        return await handle_all(*call)

    told = [line() for _ in range(600)]
    with monkeypatch.context() as patched:
        patched.setattr(bulk, "handle_all", away_at_the_second)
        answers = await door.send(*told)
    assert [one["status"] for one in answers] == ["accepted"] * 256 + ["unavailable"] * 344
    assert [one["status"] for one in await door.send(*told)] == ["duplicate"] * 256 + ["accepted"] * 344


async def test_a_request_that_is_too_large_is_refused_and_what_came_first_is_whole(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "LARGEST_BODY", 100_000)
    before = await door.stored()

    async def too_much() -> AsyncGenerator[bytes]:
        for _ in range(1000):
            yield orjson.dumps(line()) + b"\n"

    headers = {"Authorization": f"Bearer {door.key}"}
    answer = await door.client.post(f"{API}/reports:bulk", headers=headers, content=too_much())
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    after = await door.stored()
    added = {table: after[table] - before[table] for table in ("event", "stream", "command", "particulars")}
    assert len(set(added.values())) == 1
    assert added["event"] % 256 == 0


async def left_of(door: FrontDoor, case_id: str) -> int:
    """How many rows there are of what was written."""
    async with door.service.worker.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT (SELECT count(*) FROM particulars WHERE stream_id = $1)"
            " + (SELECT count(*) FROM set_aside WHERE case_id = $1)",
            (UUID(case_id),),
        )
        return found.scalar_one()
