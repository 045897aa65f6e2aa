"""Resolutions in bulk: each line by itself, history before or after its case, nothing twice."""

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from services.chassis.commands import handle_all
from services.chassis.eventstore import StoreUnavailable
from services.mediation.endpoints import bulk
from services.mediation.endpoints.lines import LONGEST_LINE
from services.mediation.read_models.feeds import COMMANDS_CONSUMER
from tests.mediation.happened import WILLOW_LANE
from tests.mediation.office import Office, recorded, reported
from tests.services import keyed, lines, staff

OPERATOR = staff("operator", subject="ops")
CADRE = staff("cadre", WILLOW_LANE, subject="mei")


def outcome(case: UUID, **more: Any) -> dict[str, Any]:
    return {"case_id": str(case), "imported": True, "resolved_on": "2017-05-04", **more}


def solution(case: UUID, **more: Any) -> dict[str, Any]:
    told = {"resolution": "explained", "explanation": "Mended on Tuesday.", "language": "en"}
    return {"case_id": str(case), **told, **more}


async def send(office: Office, who: dict[str, str], *told: dict[str, Any] | bytes) -> httpx.Response:
    body = b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in told)
    return await office.client.post("/api/mediation/v1/cases:resolve-bulk", headers=who, content=body)


async def statuses(office: Office, who: dict[str, str], *told: dict[str, Any] | bytes) -> list[str]:
    answer = await send(office, who, *told)
    assert answer.status_code == 200, answer.text
    return [line["status"] for line in lines(answer)]


async def test_people_resolve_many_cases_and_the_same_lines_again_change_nothing(office: Office) -> None:
    cases = await office.report(times=3)
    told = [solution(case) for case in cases]
    answers = lines(await send(office, CADRE, *told))
    assert answers == [
        {"line": nth, "status": "accepted", "case_id": str(case), "version": 4} for nth, case in enumerate(cases, 1)
    ]
    assert await statuses(office, CADRE, *told) == ["duplicate"] * 3
    for case in cases:
        assert await office.types_of(case) == ["case.opened", "case.assigned", "case.acknowledged", "case.resolved"]
        assert await office.particulars_of(case) == 1


async def test_history_after_its_case_resolves_it_at_its_own_midnight(office: Office) -> None:
    [case] = await office.report(imported=True)
    assert await statuses(office, OPERATOR, outcome(case), outcome(case)) == ["accepted", "duplicate"]
    [_, resolved] = await office.events_of(case)
    assert resolved.type == "case.resolved"
    assert resolved.occurred_at == datetime(2017, 5, 3, 16, tzinfo=UTC), "midnight in Shanghai"
    assert orjson.loads(resolved.data) == {"resolution": "imported", "resolved_on": "2017-05-04", "imported": True}


async def test_history_before_its_case_waits_for_it(office: Office) -> None:
    case = uuid4()
    early = outcome(case, area=WILLOW_LANE, resolved_at="2017-05-04T23:30:00Z", resolved_on=None)
    del early["resolved_on"]
    assert await statuses(office, OPERATOR, early, early) == ["accepted", "duplicate"]
    await office.told(COMMANDS_CONSUMER, recorded(reported(imported=True), case))
    received, opened, resolved = await office.events_of(case)
    assert [e.type for e in (received, opened, resolved)] == ["case.outcome_received", "case.opened", "case.resolved"]
    assert resolved.occurred_at == datetime(2017, 5, 4, 23, 30, tzinfo=UTC)
    assert orjson.loads(resolved.data)["resolved_on"] == date(2017, 5, 5).isoformat(), "the day in Shanghai"
    assert await statuses(office, OPERATOR, early) == ["duplicate"]


async def test_without_an_area_history_is_to_be_sent_again_once_its_case_is_there(office: Office) -> None:
    case = uuid4()
    [early] = lines(await send(office, OPERATOR, outcome(case)))
    assert (early["status"], early["faults"][0]["field"]) == ("unavailable", "case_id")
    await office.told(COMMANDS_CONSUMER, recorded(reported(imported=True), case))
    assert await statuses(office, OPERATOR, outcome(case)) == ["accepted"]


async def test_with_both_its_day_and_its_instant_history_needs_no_clock(office: Office) -> None:
    area = f"/lakeside/unheard-{uuid4().hex[:8]}/"
    whole = outcome(uuid4(), area=area, resolved_at="2017-05-04T09:00:00+08:00")
    assert await statuses(office, OPERATOR, whole, outcome(uuid4(), area=area)) == ["accepted", "unavailable"]


async def test_another_outcome_of_the_same_case_is_rejected(office: Office) -> None:
    [case] = await office.report(imported=True)
    told = (outcome(case, reference="R-1"), outcome(case, resolved_on="2017-06-01", reference="R-1"))
    _, other = lines(await send(office, OPERATOR, *told))
    assert (other["status"], other["reference"]) == ("rejected", "R-1")
    assert other["faults"][0]["remedy"] == "History already says 2017-05-04; correct the source and send one outcome."


async def test_a_refused_line_may_come_again_under_another_key(office: Office) -> None:
    [case] = await office.report()
    line = solution(case, resolution="mediated")
    assert await statuses(office, CADRE, line) == ["rejected"]
    session = {"result": "agreed", "place": "home"}
    for path, body in (("acknowledge", None), ("mediate", session)):
        url = f"/api/mediation/v1/cases/{case}/{path}"
        assert (await office.client.post(url, headers={**CADRE, **keyed()}, json=body)).status_code == 200
    assert await statuses(office, CADRE, line) == ["rejected"], "a repeat has the first answer"
    assert await statuses(office, {**CADRE, **keyed()}, line) == ["accepted"]


async def test_history_ends_no_case_that_people_work_on(office: Office) -> None:
    [case] = await office.report()
    [told] = lines(await send(office, OPERATOR, outcome(case)))
    assert (told["status"], told["faults"][0]["field"]) == ("rejected", "case_id")
    assert (
        told["faults"][0]["remedy"]
        == "The case was not imported, it is worked on here; resolve it with an explanation."
    )
    assert await office.types_of(case) == ["case.opened"]


async def test_a_bad_line_stops_no_other(office: Office) -> None:
    cases = await office.report(times=2, imported=True)
    bad: list[tuple[dict[str, Any] | bytes, str]] = [
        (b"{broken", "body"),
        (b"[1]", "body"),
        (b"\xff\xfe{}", "body"),
        (b'{"case_id":"' + b"x" * LONGEST_LINE + b'"}', "body"),
        (b"x" * 1_000_000, "body"),
        ({"case_id": "not an id", "imported": True, "resolved_on": "2017-05-04"}, "case_id"),
        (outcome(cases[0], resolved_on="2017-02-30"), "resolved_on"),
        (outcome(cases[0], resolved_on="2999-01-01"), "resolved_on"),
        (outcome(cases[0], resolved_on="0001-01-01"), "resolved_on"),
        (outcome(cases[0], resolved_on="9999-12-31"), "resolved_on"),
        (outcome(cases[0], resolved_on="1420156800"), "resolved_on"),
        (outcome(cases[0], resolved_on=20150102), "resolved_on"),
        (outcome(cases[0], resolved_at="20150102"), "resolved_at"),
        (outcome(cases[0], resolved_at="9999-12-31T23:59:59-12:00"), "resolved_at"),
        (outcome(cases[0], resolved_at="2017-05-04T10:00:00"), "resolved_at"),
        (outcome(cases[0], resolved_at="0001-01-01T00:00:00+14:00"), "resolved_at"),
        ({"case_id": str(cases[0]), "imported": True}, "body"),
        (outcome(cases[0], why="?"), "why"),
        (outcome(cases[0], imported=False), "imported"),
        (outcome(uuid4(), area="nowhere"), "area"),
        (solution(cases[0]), "imported"),
    ]
    answers = lines(await send(office, OPERATOR, outcome(cases[0]), *(line for line, _ in bad), b"", outcome(cases[1])))
    first, *rejected, last = answers
    assert [(answer["line"], answer["status"]) for answer in (first, last)] == [(1, "accepted"), (24, "accepted")]
    assert [(answer["line"], answer["status"]) for answer in rejected] == [(nth, "rejected") for nth in range(2, 23)]
    assert [answer["faults"][0]["field"] for answer in rejected] == [field for _, field in bad]
    assert all(answer["faults"][0]["remedy"] for answer in rejected)


async def test_nobody_reaches_beyond_their_role_or_areas(office: Office) -> None:
    cases = await office.report(times=2)
    far_operator = staff("operator", "/lakeside/west/", subject="far")
    far_cadre = staff("cadre", "/lakeside/west/", subject="far")
    assert await statuses(office, CADRE, outcome(cases[0])) == ["rejected"]
    assert await statuses(office, far_operator, outcome(cases[0], area=WILLOW_LANE)) == ["rejected"]
    whole = outcome(cases[0], area="/lakeside/west/", resolved_at="2017-05-04T09:00:00+08:00")
    [foreign] = lines(await send(office, far_operator, whole))
    assert (foreign["status"], foreign["faults"][0]["field"]) == ("rejected", "case_id"), "it will never be theirs"
    assert await statuses(office, far_cadre, solution(cases[1])) == ["rejected"]
    for case in cases:
        assert await office.types_of(case) == ["case.opened"]


async def test_a_case_named_in_two_chunks_meets_its_own_first_outcome(office: Office) -> None:
    cases = await office.report(times=300, imported=True)
    told = [outcome(case) for case in cases]
    answers = await statuses(office, OPERATOR, *told, outcome(cases[0], resolved_on="2018-01-01"), *told)
    assert answers == ["accepted"] * 300 + ["rejected"] + ["duplicate"] * 300


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n"])
async def test_lines_may_come_in_any_pieces(office: Office, end: bytes) -> None:
    cases = await office.report(times=3, imported=True)
    body = b"\r\n".join(orjson.dumps(outcome(case)) for case in cases) + end

    async def pieces() -> AsyncGenerator[bytes]:
        for at in range(0, len(body), 7):
            yield body[at : at + 7]

    answer = await office.client.post("/api/mediation/v1/cases:resolve-bulk", headers=OPERATOR, content=pieces())
    assert [line["status"] for line in lines(answer)] == ["accepted"] * 3


async def test_when_the_store_goes_away_on_the_way_the_rest_is_to_be_sent_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = await office.report(times=300, imported=True)
    calls: list[int] = []

    async def away_at_the_second(*call: Any) -> Any:
        calls.append(len(calls))
        if len(calls) == 2:
            raise StoreUnavailable
        return await handle_all(*call)

    monkeypatch.setattr(bulk, "handle_all", away_at_the_second)
    told = [outcome(case) for case in cases]
    assert await statuses(office, OPERATOR, *told) == ["accepted"] * 256 + ["unavailable"] * 44
    assert await statuses(office, OPERATOR, *told) == ["duplicate"] * 256 + ["accepted"] * 44
