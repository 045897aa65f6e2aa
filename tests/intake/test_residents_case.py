"""What a resident can do with a receipt, what staff can see, and that looking is on record."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from services.chassis.taken import Taken
from services.contracts.cases import CaseOpened, CaseResolved, Kind, Resolution, Urgency
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from tests.intake.door import API, AREA, FrontDoor
from tests.services import keyed, staff

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def from_mediation(case_id: str, version: int, event: Event) -> Taken:
    body = event.model_dump_json().encode()
    return Taken(
        Recorded("mediation", UUID(case_id), version, version, event.type, 1, AREA, body, AT, AT, "key", b"", "staff")
    )


def opened() -> CaseOpened:
    return CaseOpened(community=uuid4(), kind=Kind.FAULT, category="water-leak", urgency=Urgency.ORDINARY, level=AREA)


def resolved() -> CaseResolved:
    return CaseResolved(
        resolution=Resolution.EXPLAINED, resolved_on=date(2026, 3, 2), explanation=uuid4(), language="en"
    )


async def follow(door: FrontDoor, receipt: str) -> dict[str, Any]:
    answer = await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": receipt})
    assert answer.status_code == 200
    return answer.json()


async def test_a_report_sent_eight_times_at_once_is_taken_once_and_answered_alike(door: FrontDoor) -> None:
    before, headers, form = await door.stored(), keyed(), door.report_form()
    answers = await asyncio.gather(*(door.client.post(f"{API}/reports", json=form, headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({(answer.text, answer.headers["Doorstep-Position"]) for answer in answers}) == 1
    after = await door.stored()
    assert [after[table] - before[table] for table in ("event", "stream", "command", "particulars")] == [1, 1, 1, 1]


async def test_a_receipt_is_stored_only_as_a_hash(door: FrontDoor) -> None:
    receipt = (await door.report())["receipt"]
    written = [receipt.replace(" ", between) for between in (" ", "-", "")]
    async with door.service.worker.connect() as connection:
        for table in ("event", "command", "particulars"):
            rows = (await connection.exec_driver_sql(f"SELECT row_to_json(t)::text FROM {table} t")).scalars().all()
            assert rows
            assert not [row for row in rows for words in written if words in row or words.encode().hex() in row]


async def test_a_receipt_finds_its_case_and_no_other_finds_any(door: FrontDoor) -> None:
    report = await door.report()
    await door.project()
    assert (await follow(door, report["receipt"]))["case_id"] == report["case_id"]
    words = report["receipt"].split()
    for wrong in ("", "one two", " ".join(reversed(words)), "babab " * 7, "zzzzz " * 7):
        answer = await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": wrong})
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:doorstep:unknown-receipt"


async def test_the_case_tells_its_story_as_the_services_tell_it(door: FrontDoor) -> None:
    report = await door.report()
    case_id, receipt = report["case_id"], report["receipt"]
    # Mediation's word comes first: nothing depends on the order between services.
    await door.tell(from_mediation(case_id, 1, opened()))
    assert (await follow(door, receipt))["state"] == "opened"
    await door.project()
    await door.tell(from_mediation(case_id, 2, resolved()))
    told = await follow(door, receipt)
    assert told["state"] == "resolved"
    assert {moment["what"] for moment in told["story"]} == {"reported", "opened", "resolved"}
    # Mediation is away: the page works, and says that the explanation waits.
    assert told["solution"] == {
        "on": "2026-03-02",
        "resolution": "explained",
        "explanation": None,
        "explanation_waits": True,
    }


async def test_only_what_is_resolved_is_confirmed(door: FrontDoor) -> None:
    report = await door.report()
    headers = {"Doorstep-Receipt": report["receipt"]}
    early = await door.client.post(f"{API}/case:confirm", headers={**headers, **keyed()})
    assert early.status_code == 409
    assert early.json()["type"] == "urn:doorstep:refused:NotResolvedYet"
    await door.tell(from_mediation(report["case_id"], 1, opened()), from_mediation(report["case_id"], 2, resolved()))
    confirmed = await door.client.post(f"{API}/case:confirm", headers={**headers, **keyed()})
    assert confirmed.status_code == 200
    await door.project()
    assert (await follow(door, report["receipt"]))["state"] == "confirmed"


async def test_a_report_can_be_withdrawn(door: FrontDoor) -> None:
    report = await door.report()
    headers = {"Doorstep-Receipt": report["receipt"], **keyed()}
    answers = [await door.client.post(f"{API}/case:withdraw", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert await door.types_of(UUID(report["case_id"])) == ["case.reported", "case.withdrawn"]


async def test_staff_of_the_area_read_the_report_on_record(door: FrontDoor) -> None:
    report = await door.report(text="Marked words", name="Somebody")
    path = f"{API}/cases/{report['case_id']}/report"
    read = await door.client.get(path, params={"purpose": "triage"}, headers=staff("cadre", AREA))
    assert read.json()["particulars"] == [{"text": "Marked words", "name": "Somebody"}]
    for stranger in (staff("cadre", "/lakeside/east/willow/"), staff("cadre", "/lake/")):
        foreign = await door.client.get(path, params={"purpose": "triage"}, headers=stranger)
        assert foreign.status_code == 404
    manager = await door.client.get(path, params={"purpose": "triage"}, headers=staff("manager"))
    assert manager.status_code == 403
    looks = (await follow(door, report["receipt"]))["looks"]
    assert [(look["role"], look["purpose"]) for look in looks] == [("cadre", "triage")]


async def test_erasing_leaves_the_case_without_its_words(door: FrontDoor) -> None:
    report = await door.report(name="Somebody")
    headers = {"Doorstep-Receipt": report["receipt"], **keyed()}
    assert (await door.client.post(f"{API}/case:erase", headers=headers)).status_code == 200
    path = f"{API}/cases/{report['case_id']}/report"
    read = await door.client.get(path, params={"purpose": "triage"}, headers=staff("cadre"))
    assert read.json()["particulars"] == []
    await door.project()
    assert (await follow(door, report["receipt"]))["state"] == "erased"
    async with door.service.worker.connect() as connection:
        ledger = await connection.exec_driver_sql("SELECT 1 FROM erased WHERE case_id = $1", (UUID(report["case_id"]),))
        assert ledger.first() is not None


async def test_who_dies_before_deleting_leaves_it_to_the_consumer(door: FrontDoor) -> None:
    """Only the event was appended: taking intake's own `case.erased` deletes the rows."""
    report = await door.report(name="Somebody")
    case_id = UUID(report["case_id"])
    event = from_mediation(report["case_id"], 2, opened()).recorded
    await door.tell(Taken(event._replace(source="intake", type="case.erased", data=b"{}")))
    async with door.service.worker.connect() as connection:
        left = await connection.exec_driver_sql("SELECT 1 FROM particulars WHERE stream_id = $1", (case_id,))
        assert left.first() is None


async def test_an_operator_of_another_area_can_not_erase(door: FrontDoor) -> None:
    report = await door.report()
    path = f"{API}/cases/{report['case_id']}/erase"
    assert (await door.client.post(path, headers={**staff("operator", "/nyc/"), **keyed()})).status_code == 404
    assert (await door.client.post(path, headers={**staff("cadre"), **keyed()})).status_code == 403
    assert (await door.client.post(path, headers={**staff("operator", AREA), **keyed()})).status_code == 200
