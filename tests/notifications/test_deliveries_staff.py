"""Staff are written to at their own address of their own cases, with what an alert may say and nothing else."""

from datetime import timedelta
from uuid import uuid4

import pytest

from services.chassis import clock
from services.chassis.clock import now
from services.chassis.ids import new_id
from services.contracts.alerts import AlertAcknowledged
from services.contracts.cases import (
    Amendment,
    CaseAcknowledged,
    CaseAmended,
    CaseReminded,
    CaseResolved,
    Resolution,
    Urgency,
)
from services.contracts.duty import DutyTaken, duty_stream
from tests.clocks import Ahead
from tests.intake.door import AREA
from tests.notifications.office import recorded
from tests.notifications.post_office import API, DUE, PUBLIC, PostOffice, body, opened
from tests.services import staff

MEI = "mei@staff.example"
DESK = "protection@staff.example"


async def test_an_alert_says_what_it_may_and_where_to_look(post_office: PostOffice) -> None:
    await post_office.reached_at("mei", email=MEI)
    case = await post_office.alert("mei")
    await post_office.send()
    [mail] = post_office.letterbox.mails
    assert (mail["Subject"], mail["To"]) == ("A case needs your answer (urgent)", MEI)
    assert body(mail).splitlines()[:9] == [
        "A case needs your answer (urgent).",
        "",
        "Reference: WL-7",
        "Category: Water leak",
        "Area: Willow Lane",
        "Urgency: urgent",
        "Answer by: 1 December 2026, 18:30",
        "",
        f"{PUBLIC}/desk/cases/{case}",
    ]


async def test_who_is_reminded_is_the_owner_else_whoever_is_on_duty(post_office: PostOffice) -> None:
    for who in ("mei", "lin"):
        await post_office.reached_at(who, email=f"{who}@staff.example")
    form = {"area": AREA, "cadre": "lin"}
    operator = {**staff("operator"), "Idempotency-Key": str(uuid4())}
    taken = await post_office.client.post(f"{API}/duty:take", headers=operator, json=form)
    assert taken.status_code == 200, taken.text
    async with post_office.service.worker.connect() as connection:
        log = await post_office.service.store.read(connection, 0, 1000)
    assert [one for one in log if one.type == DutyTaken.type and one.stream_id == duty_stream(AREA)]
    case = await post_office.received()
    reminders = [
        CaseReminded(rule="done", level=AREA, owner="mei", due_at=DUE),
        CaseReminded(rule="acknowledge", level=AREA, due_at=DUE),
    ]
    await post_office.mediation_tells(case, opened(), *reminders)
    await post_office.send()
    assert sorted(post_office.letterbox.recipients) == ["lin@staff.example", MEI]
    assert "Promised by: 1 December 2026, 18:30" in body(post_office.letterbox.mails[0])


async def test_each_hears_of_the_urgencies_they_want(post_office: PostOffice) -> None:
    await post_office.reached_at("mei", email=MEI, urgencies=["urgent"])
    ordinary = await post_office.alert("mei", urgency=Urgency.ORDINARY)
    await post_office.alert("mei", urgency=Urgency.URGENT)
    await post_office.send()
    assert post_office.letterbox.subjects == ["A case needs your answer (urgent)"]
    assert await post_office.states(ordinary) == [("alert", "cancelled", "not_wanted")]


async def test_nobody_is_told_in_vain(post_office: PostOffice) -> None:
    await post_office.reached_at("mei", email=MEI)
    answered, solved = await post_office.alert("mei"), await post_office.alert("mei")
    acknowledged = AlertAcknowledged(alert=uuid4(), by="lin")
    await post_office.tell(recorded(acknowledged, answered, AREA, version=2, source="notifications"))
    await post_office.mediation_tells(solved, CaseResolved(resolution=Resolution.EXPLAINED, resolved_on=now().date()))
    await post_office.send()
    assert post_office.letterbox.raw == []
    for case in (answered, solved):
        assert await post_office.states(case) == [("alert", "cancelled", "answered")]


@pytest.mark.parametrize("while_away", [True, False])
async def test_an_answer_ends_neither_who_stands_beside_nor_what_the_resident_wrote(
    post_office: PostOffice, while_away: bool
) -> None:
    """The cadre on duty takes the case from the page while the mail server is away; or all comes at once."""
    await post_office.reached_at("desk", email=DESK)
    await post_office.reached_at("mei", email=MEI)
    case = await post_office.received()
    happened = [
        opened().model_copy(update={"minor": True, "protection": "desk"}),
        CaseAcknowledged(owner="mei"),
        CaseAmended(particulars=new_id(), amendment=Amendment.MESSAGE),
        CaseResolved(resolution=Resolution.EXPLAINED, resolved_on=now().date()),
    ]
    if while_away:
        for version, event in enumerate(happened, 1):
            await post_office.mediation_tells(case, event, first=version)
    else:
        await post_office.mediation_tells(case, *happened)
    await post_office.send()
    assert {DESK, MEI} <= set(post_office.letterbox.recipients)


async def test_an_older_answer_that_is_read_later_ends_nothing(post_office: PostOffice) -> None:
    """As after Kafka's log was lost: each service's events are in their own order, not in one for all."""
    await post_office.reached_at("mei", email=MEI)
    case = await post_office.received()
    reminder = CaseReminded(rule="done", level=AREA, owner="mei", due_at=DUE)
    await post_office.mediation_tells(case, opened(), reminder)
    answered, before = AlertAcknowledged(alert=uuid4(), by="lin"), now() - timedelta(minutes=1)
    await post_office.tell(recorded(answered, case, AREA, version=2, source="notifications", at=before))
    await post_office.send()
    assert post_office.letterbox.recipients == [MEI]


async def test_what_a_clock_ahead_let_wait_is_sent_once_it_is_right_again(
    post_office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post_office.reached_at("mei", email=MEI)
    with monkeypatch.context() as wrong:
        wrong.setattr(clock, "running", Ahead(timedelta(hours=2)))
        await post_office.alert("mei")
    await post_office.send()
    assert post_office.letterbox.recipients == [MEI]


async def test_what_came_too_late_is_one_message(post_office: PostOffice) -> None:
    await post_office.reached_at("mei", email=MEI)
    await post_office.reached_at("lin", email="lin@staff.example")
    late = now() - timedelta(hours=3)
    cases = [await post_office.alert("mei", at=late) for _ in range(30)]
    await post_office.alert("lin", at=late)
    fresh = await post_office.alert("mei")
    while await post_office.send():
        pass
    assert sorted(zip(post_office.letterbox.recipients, post_office.letterbox.subjects, strict=True)) == [
        ("lin@staff.example", "1 message came too late"),
        (MEI, "30 messages came too late"),
        (MEI, "A case needs your answer (urgent)"),
    ]
    states = [state for case in cases for _, state, _ in await post_office.states(case)]
    assert sorted(states) == ["expired"] * 29 + ["sent"]
    assert await post_office.states(fresh) == [("alert", "sent", None)]


async def test_an_answer_to_one_of_many_does_not_end_their_digest(post_office: PostOffice) -> None:
    await post_office.reached_at("mei", email=MEI)
    late = now() - timedelta(hours=3)
    cases = [await post_office.alert("mei", at=late + timedelta(minutes=nth)) for nth in range(3)]
    post_office.letterbox.rcpt = lambda _address: "450 try again"
    await post_office.send()
    post_office.letterbox.empty()
    acknowledged = AlertAcknowledged(alert=uuid4(), by="lin")
    await post_office.tell(recorded(acknowledged, cases[-1], AREA, version=2, source="notifications"))
    await post_office.send(now() + timedelta(hours=1))
    assert post_office.letterbox.subjects == ["3 messages came too late"]


async def test_a_digest_of_one_is_ended_by_its_answer(post_office: PostOffice) -> None:
    await post_office.reached_at("mei", email=MEI)
    case = await post_office.alert("mei", at=now() - timedelta(hours=3))
    post_office.letterbox.rcpt = lambda _address: "450 try again"
    await post_office.send()
    post_office.letterbox.empty()
    acknowledged = AlertAcknowledged(alert=uuid4(), by="lin")
    await post_office.tell(recorded(acknowledged, case, AREA, version=2, source="notifications"))
    await post_office.send(now() + timedelta(hours=1))
    assert await post_office.states(case) == [("alert", "cancelled", "answered")]


async def test_a_digest_that_waits_takes_in_what_comes_too_late_after_it(post_office: PostOffice) -> None:
    await post_office.reached_at("mei", email=MEI)
    post_office.letterbox.rcpt = lambda _address: "450 try again"
    for minutes in (90, 50):
        await post_office.alert("mei", at=now() - timedelta(minutes=minutes))
    await post_office.send()
    post_office.letterbox.empty()
    await post_office.send(now() + timedelta(minutes=40))
    assert post_office.letterbox.subjects == ["2 messages came too late"]


async def test_channels_are_one_s_own_and_kept_sealed(post_office: PostOffice) -> None:
    mei = await post_office.reached_at("mei", email=MEI, phone="12 345", language="ug")
    other = staff("supervisor", "/", subject="boss")
    read = await post_office.client.get(f"{API}/channels", headers=mei)
    assert (read.json()["email"], read.json()["phone"], read.json()["language"]) == (MEI, "12 345", "ug")
    assert (await post_office.client.get(f"{API}/channels", headers=other)).json()["email"] is None
    async with post_office.service.worker.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT row_to_json(c)::text FROM contact_channel c")
        kept = "".join(rows.scalars())
    assert "mei" in kept
    assert not [mark for mark in (MEI, MEI.encode().hex(), "12 345") if mark in kept]
    assert (await post_office.client.delete(f"{API}/channels", headers=mei)).status_code == 204
    case = await post_office.alert("mei")
    await post_office.send()
    assert await post_office.states(case) == [("alert", "undeliverable", "no_contact")]


async def test_a_test_message_goes_to_oneself_once_a_minute(post_office: PostOffice) -> None:
    lone = staff("cadre", AREA, subject=f"cadre-{uuid4().hex[:8]}")
    refused = await post_office.client.post(f"{API}/channels:test", headers=lone)
    assert refused.json()["type"] == "urn:doorstep:no-channels"
    mei = await post_office.reached_at(f"mei-{uuid4().hex[:8]}", email=MEI)
    asked = [await post_office.client.post(f"{API}/channels:test", headers=mei) for _ in range(4)]
    assert {one.status_code for one in asked} == {202}
    ids = {one.json()["delivery_id"] for one in asked}
    await post_office.send()
    # The minute may have turned between the four.
    assert post_office.letterbox.subjects == ["Doorstep reaches you here"] * len(ids)
    assert len(ids) <= 2
    own = (await post_office.client.get(f"{API}/deliveries/own", headers=mei)).json()["deliveries"]
    assert {one["delivery_id"]: one["state"] for one in own} == dict.fromkeys(ids, "sent")


async def test_malformed_channels_name_the_field(post_office: PostOffice) -> None:
    who = staff("cadre", AREA, subject="mei")
    for field, value in (("email", "nobody"), ("phone", "call me"), ("urgencies", ["soon"]), ("staff", "lin")):
        answer = await post_office.client.put(f"{API}/channels", headers=who, json={field: value})
        assert answer.status_code == 422
        assert answer.json()["faults"][0]["field"].startswith(field)
