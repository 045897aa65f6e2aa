"""What a resident can do with a receipt, what staff can see, and that looking is on record."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.chassis.clock import now
from services.chassis.database import scoped
from services.contracts.alerts import AlertCause, AlertRaised
from services.contracts.cases import (
    CaseAcknowledged,
    CaseAssigned,
    CaseDelayExplained,
    CaseDispatchAccepted,
    CaseDispatched,
    CaseEscalated,
    CaseOpened,
    CaseReopened,
    CaseReported,
    CaseResolved,
    EscalationReason,
    Kind,
    Resolution,
    Urgency,
)
from services.contracts.deadlines import Deadline, Rule
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from tests.intake.door import API, AREA, FrontDoor
from tests.services import keyed, staff

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def from_mediation(case_id: str, version: int, event: Event) -> Recorded:
    body = event.model_dump_json().encode()
    return Recorded(
        "mediation",
        UUID(case_id),
        version,
        version,
        event.type,
        event.schema_version,
        AREA,
        body,
        AT,
        AT,
        "key",
        b"",
        "staff",
    )


def alerted(case_id: str, version: int, recipient: str | None) -> Recorded:
    raised = AlertRaised(
        alert=uuid4(),
        cause=AlertCause.OPENED,
        level=AREA,
        recipient=recipient,
        kind=Kind.FAULT,
        category="water-leak",
        urgency=Urgency.ORDINARY,
    )
    return from_mediation(case_id, version, raised)._replace(source="notifications")


def opened() -> CaseOpened:
    return CaseOpened(community=uuid4(), kind=Kind.FAULT, category="water-leak", urgency=Urgency.ORDINARY, level=AREA)


def deadline(rule: Rule, due_at: datetime) -> Deadline:
    return Deadline(rule=rule, due_at=due_at, started_at=AT, policy="default", calendar="cn")


def resolved(until: datetime | None = None) -> CaseResolved:
    return CaseResolved(
        resolution=Resolution.EXPLAINED,
        resolved_on=date(2026, 3, 2),
        explanation=uuid4(),
        language="en",
        deadlines=(deadline(Rule.CONFIRM, until), deadline(Rule.REOPEN, until)) if until else (),
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


async def test_a_wrong_receipt_is_answered_in_the_language_that_was_asked_for(door: FrontDoor) -> None:
    headers = {"Doorstep-Receipt": "babab " * 7}
    answer = await door.client.get(f"{API}/case", params={"lang": "zh"}, headers=headers)
    assert (answer.status_code, answer.headers["Content-Language"]) == (404, "zh")
    problem = answer.json()
    assert (problem["title"], problem["detail"]) == ("没有事项对应这张回执", "请逐组核对这七组字母，先后顺序也要对。")


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


async def test_a_solution_that_holds_not_is_taken_up_again(door: FrontDoor) -> None:
    report = await door.report()
    case_id, headers = report["case_id"], {"Doorstep-Receipt": report["receipt"]}
    await door.tell(
        from_mediation(case_id, 1, opened()), from_mediation(case_id, 2, resolved(now() + timedelta(days=1)))
    )
    assert (await follow(door, report["receipt"]))["you_can"] == [
        "confirm",
        "reopen",
        "write",
        "correct",
        "withdraw",
        "erase",
    ]
    say = {"text": "It leaks again."}
    asked = await door.client.post(f"{API}/case:ask-reopening", json=say, headers={**headers, **keyed()})
    assert asked.status_code == 200, asked.text
    await door.project()
    told = await follow(door, report["receipt"])
    assert (told["state"], told["you_can"]) == ("reopening_asked", ["write", "correct", "withdraw", "erase"])
    again = await door.client.post(f"{API}/case:ask-reopening", json=say, headers={**headers, **keyed()})
    assert (again.status_code, again.json()["type"]) == (409, "urn:doorstep:refused:AskedBefore")
    # The words are read by staff, where they lie, and by nobody else.
    read = await door.client.get(f"{API}/cases/{case_id}/report", params={"purpose": "triage"}, headers=staff("cadre"))
    assert {"text": "It leaks again."} in read.json()["particulars"]
    reopened = CaseReopened(level=AREA, previous_owner="mei", deadlines=(deadline(Rule.DONE, AT),))
    await door.tell(from_mediation(case_id, 3, reopened))
    told = await follow(door, report["receipt"])
    assert (told["state"], told["dates"]["reopen_by"]) == ("opened", None)


async def test_after_its_time_a_solution_stands_and_the_refusal_says_since_when(door: FrontDoor) -> None:
    report = await door.report()
    case_id, headers = report["case_id"], {"Doorstep-Receipt": report["receipt"]}
    await door.tell(from_mediation(case_id, 1, opened()), from_mediation(case_id, 2, resolved(AT)))
    assert "reopen" not in (await follow(door, report["receipt"]))["you_can"]
    late = await door.client.post(f"{API}/case:ask-reopening", json={"text": "No."}, headers={**headers, **keyed()})
    assert (late.status_code, late.json()["type"]) == (409, "urn:doorstep:refused:ReopeningTimeEnded")
    assert "2026-03-01T09:30+00:00" in late.json()["detail"]


async def test_the_story_names_who_has_it_and_every_date_that_was_promised(door: FrontDoor) -> None:
    report = await door.report()
    case_id = report["case_id"]
    await door.project()
    dated = opened().model_copy(update={"deadlines": (deadline(Rule.ACKNOWLEDGE, AT), deadline(Rule.SAME_DAY, AT))})
    steps = (
        dated,
        CaseAcknowledged(owner="mei"),
        CaseDispatched(unit="water-company", tracker="mei", deadlines=(deadline(Rule.DONE, AT),)),
        CaseDispatchAccepted(unit="water-company"),
        CaseDelayExplained(rule="same-day", due_at=AT),
        CaseEscalated(from_level=AREA, to_level="/lakeside/east/", reason=EscalationReason.OVERDUE),
    )
    await door.tell(*(from_mediation(case_id, nth, event) for nth, event in enumerate(steps, 1)))
    told = await follow(door, report["receipt"])
    assert (told["level"], told["place"], told["unit"]) == ("/lakeside/east/", "East Street", "water-company")
    assert all(told["dates"][name] for name in ("acknowledge_by", "told_by", "done_by"))
    sentences = {moment["what"]: moment["sentence"] for moment in told["story"]}
    assert sentences["escalated"] == "Your case went one level up, to East Street."
    assert "(water-company)" in sentences["unit_said"]
    assert "17:30" in sentences["delayed"], "by the community's own clock"


async def test_each_time_in_the_story_keeps_whose_it_was(door: FrontDoor) -> None:
    report = await door.report()
    case_id = report["case_id"]
    await door.project()
    steps = (
        opened(),
        CaseAssigned(owner="mei"),
        CaseAcknowledged(owner="bao"),
        CaseDispatched(unit="water-company", tracker="lin"),
        CaseEscalated(from_level=AREA, to_level="/lakeside/east/", reason=EscalationReason.OVERDUE),
        CaseReopened(level=AREA, previous_owner="lin"),
    )
    told: dict[str, Any] = {}
    for nth, event in enumerate(steps, 1):
        await door.tell(from_mediation(case_id, nth, event))
        told = await follow(door, report["receipt"])
    sentences = {moment["what"]: moment["sentence"] for moment in told["story"]}
    assert (told["owner"], told["sentence"]) == (None, "Your case is open.")
    assert sentences["assigned"] == "Your case was given to mei."
    assert sentences["acknowledged"] == "bao has taken your case and answers for it."


async def test_that_somebody_on_duty_was_told_is_said_only_once_they_were(door: FrontDoor) -> None:
    report = await door.report()
    case_id, said = report["case_id"], list[str]()
    await door.project()
    told: dict[str, Any] = {}
    for taken in (from_mediation(case_id, 1, opened()), alerted(case_id, 1, None), alerted(case_id, 2, "mei")):
        await door.tell(taken)
        told = await follow(door, report["receipt"])
        said.append(told["sentence"])
        assert ("alerted" in {moment["what"] for moment in told["story"]}) == (len(said) == 3)
    assert said == [
        "Your case is open.",
        "Your case is open. Nobody is on duty just now; those above see it.",
        "Your case is open. Whoever is on duty has been told.",
    ]


async def test_nobody_of_the_community_sees_a_report_about_one_of_them(door: FrontDoor) -> None:
    report = await door.report(about_staff=True)
    path = f"{API}/cases/{report['case_id']}/report"
    for areas, status in ((AREA, 404), ("/lakeside/east/", 200)):
        read = await door.client.get(path, params={"purpose": "triage"}, headers=staff("cadre", areas))
        assert read.status_code == status
    async with scoped(door.service.application, ["/"]) as connection:
        [event] = await door.service.store.read_stream(connection, UUID(report["case_id"]))
    assert (event.area, event.schema_version) == ("/lakeside/east/", CaseReported.schema_version)


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


async def test_a_copy_holds_everything_and_is_on_record(door: FrontDoor) -> None:
    report = await door.report(text="A pipe burst.", name="Ana", phone="138 0000")
    await door.project()
    headers = {"Doorstep-Receipt": report["receipt"]}
    copy = (await door.client.get(f"{API}/case:export", headers=headers)).json()
    assert copy["written"] == [{"text": "A pipe burst.", "name": "Ana", "phone": "138 0000"}]
    assert [one["type"] for one in copy["events"]] == ["case.reported"]
    assert [(one["role"], one["purpose"]) for one in copy["status"]["looks"]] == [("resident", "export")]
    assert "Ana" not in str(copy["events"])
    told = {key: value for key, value in copy["status"].items() if key != "looks"}
    assert told == {key: value for key, value in (await follow(door, report["receipt"])).items() if key != "looks"}
    await door.client.post(f"{API}/case:erase", headers={**headers, **keyed()})
    assert (await door.client.get(f"{API}/case:export", headers=headers)).json()["written"] == []
    nobody = await door.client.get(f"{API}/case:export", headers={"Doorstep-Receipt": "babab " * 7})
    assert nobody.status_code == 404


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
    event = from_mediation(report["case_id"], 2, opened())
    await door.tell(event._replace(source="intake", type="case.erased", schema_version=1, data=b"{}"))
    async with door.service.worker.connect() as connection:
        left = await connection.exec_driver_sql("SELECT 1 FROM particulars WHERE stream_id = $1", (case_id,))
        assert left.first() is None


async def test_an_operator_of_another_area_can_not_erase(door: FrontDoor) -> None:
    report = await door.report()
    path = f"{API}/cases/{report['case_id']}/erase"
    assert (await door.client.post(path, headers={**staff("operator", "/nyc/"), **keyed()})).status_code == 404
    assert (await door.client.post(path, headers={**staff("cadre"), **keyed()})).status_code == 403
    assert (await door.client.post(path, headers={**staff("operator", AREA), **keyed()})).status_code == 200
