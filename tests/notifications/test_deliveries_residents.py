"""Residents who left a way to reach them are told how it goes: once, in their language, and nothing personal."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from services.chassis.clock import now
from services.chassis.ids import new_id
from services.contracts.cases import (
    AnsweredAtOnce,
    CaseAcknowledged,
    CaseAssigned,
    CaseDelayExplained,
    CaseEscalated,
    CaseReopened,
    CaseReported,
    CaseResolved,
    CaseWithdrawn,
    Channel,
    Ending,
    EscalationReason,
    Kind,
    Resolution,
    Urgency,
)
from services.contracts.deadlines import Rule
from services.contracts.event import Event
from services.contracts.registry import community_stream
from services.notifications.deliveries.sending import sender
from tests.intake.door import AREA
from tests.notifications.office import recorded
from tests.notifications.post_office import DUE, PUBLIC, PostOffice, body, opened, promised
from tests.services import keyed

NAME, TEXT, PLACE = "Zxqvyname", "zxqvysentence kept awake by geese", "zxqvyplace 4"
PHONE, EMAIL = "+86 10 7755 3311", "zxqvy.mail@home.example"
ABOVE = AREA.rsplit("/", 2)[0] + "/"


def escalated() -> CaseEscalated:
    return CaseEscalated(
        from_level=AREA,
        to_level=ABOVE,
        reason=EscalationReason.UNACKNOWLEDGED,
        owner="supervisor-han",
        deadlines=(promised(Rule.ACKNOWLEDGE, DUE), promised(Rule.DONE, DUE + timedelta(days=3))),
    )


def resolved(*, imported: bool = False) -> CaseResolved:
    return CaseResolved(resolution=Resolution.EXPLAINED, resolved_on=now().date(), imported=imported)


STORY: tuple[tuple[Event, str | None], ...] = (
    (opened(), None),
    (CaseAssigned(owner="cadre-lin"), "Somebody has your report"),
    (CaseAcknowledged(owner="cadre-lin"), None),
    (CaseDelayExplained(rule="same-day", owner="cadre-lin", due_at=DUE), "Your report takes longer"),
    (escalated(), "Your report was passed on to the next level"),
    (CaseAcknowledged(owner="supervisor-han"), None),
    (CaseAssigned(owner="cadre-aygul"), "Somebody has your report"),
    (resolved(), "There is an answer to your report"),
    (CaseReopened(level=ABOVE, previous_owner="cadre-aygul"), "Your report is open again"),
)


async def test_the_resident_hears_of_every_step_once(post_office: PostOffice) -> None:
    await post_office.report(email=EMAIL)
    await post_office.send()
    assert post_office.letterbox.subjects == ["Your report has arrived"]
    case = await post_office.received(email=EMAIL)
    for version, (event, subject) in enumerate(STORY, 1):
        post_office.letterbox.empty()
        await post_office.mediation_tells(case, event, first=version)
        await post_office.send()
        assert post_office.letterbox.subjects == ([subject] if subject else []), event.type
        assert post_office.letterbox.recipients == ([EMAIL] if subject else [])


async def test_who_has_it_and_by_when_by_the_community_s_clock(post_office: PostOffice) -> None:
    case = await post_office.received(email=EMAIL)
    await post_office.mediation_tells(case, opened(), CaseAssigned(owner="cadre-lin"))
    await post_office.send()
    [mail] = post_office.letterbox.mails
    assert "cadre-lin has your report now. You can expect an answer by 1 December 2026, 18:30." in body(mail)
    assert f"{PUBLIC}/" in body(mail).splitlines()


async def test_who_was_answered_at_the_counter_hears_of_the_answer_alone(post_office: PostOffice) -> None:
    case, told = new_id(), AnsweredAtOnce(how=Ending.ADVICE, by="mei", explanation=new_id(), language="en")
    report = CaseReported(
        community=community_stream(AREA),
        kind=Kind.CONSULTATION,
        category="policy",
        urgency=Urgency.ORDINARY,
        channel=Channel.COUNTER,
        reported_on=now().date(),
        particulars=new_id(),
        answered=told,
    )
    await post_office.tell(recorded(report, case, AREA, source="intake", at=now()))
    began = opened().model_copy(update={"answered_by": "mei", "deadlines": ()})
    taken = CaseAssigned(owner="mei"), CaseAcknowledged(owner="mei")
    await post_office.mediation_tells(case, began, *taken, resolved())
    async with post_office.service.worker.connect() as connection:
        kept = await connection.exec_driver_sql("SELECT what FROM delivery WHERE stream_id = $1", (case,))
        assert kept.scalars().all() == ["resolved"]


async def test_a_batch_that_comes_again_tells_nobody_again(post_office: PostOffice) -> None:
    case = await post_office.received(email=EMAIL)
    for _ in range(2):
        await post_office.mediation_tells(case, resolved())
        await post_office.send()
    assert len(post_office.letterbox.raw) == 1


async def test_nothing_personal_is_in_any_message(post_office: PostOffice) -> None:
    marked = {"text": TEXT, "name": NAME, "place": PLACE, "phone": PHONE}
    by_mail = await post_office.report(email=EMAIL, category="noise", kind="dispute", **marked)
    by_phone = await post_office.report(category="noise", kind="dispute", **marked)
    for report in (by_mail, by_phone):
        await post_office.mediation_tells(UUID(report["case_id"]), *(event for event, _ in STORY))
    while await post_office.send():
        pass
    mails = post_office.letterbox.mails
    assert len(mails) == 2 * 7
    secret = [NAME, TEXT, PLACE, PHONE, "1077553311", EMAIL, "noise", "dispute", by_mail["case_id"]]
    secret += [words for report in (by_mail, by_phone) for words in report["receipt"].split()]
    for mail in mails:
        del mail["To"]
        said = f"{mail.as_string()} {body(mail)}"
        assert PUBLIC in said, "the positive control must be found"
        assert not [word for word in secret if word in said]


@pytest.mark.parametrize(("asked", "spoken"), [("ug", "ug"), ("kk-Arab", "kk-Arab"), ("zh", "zh"), ("tlh", "en")])
async def test_in_the_reader_s_language(post_office: PostOffice, asked: str, spoken: str) -> None:
    await post_office.report(email=EMAIL, language=asked)
    await post_office.send()
    [mail] = post_office.letterbox.mails
    assert mail["Content-Language"] == spoken


async def test_a_number_is_used_where_there_is_no_address_and_never_beside_one(post_office: PostOffice) -> None:
    await post_office.report(phone=PHONE)
    await post_office.report(phone=PHONE, email=EMAIL)
    await post_office.send()
    assert sorted(post_office.letterbox.recipients) == ["sms+861077553311@doorstep.invalid", EMAIL]
    [short] = [body(mail) for mail in post_office.letterbox.mails if mail["Subject"] == "SMS"]
    assert short.startswith("Doorstep: Your report of ")
    assert short.strip().endswith(f"{PUBLIC}/")


async def test_who_wants_none_or_left_no_contact_gets_none(post_office: PostOffice) -> None:
    declined = await post_office.report(email=EMAIL, notify=False)
    unknown = await post_office.report()
    await post_office.send()
    assert post_office.letterbox.raw == []
    assert await post_office.states(declined["case_id"]) == [("received", "cancelled", "not_wanted")]
    assert await post_office.states(unknown["case_id"]) == [("received", "undeliverable", "no_contact")]


async def test_imported_history_tells_nobody_even_when_staff_go_on_with_it(post_office: PostOffice) -> None:
    line = {"imported": True, "occurred_on": "2020-01-02", "reference": "OLD-1", "kind": "fault"}
    [answer] = await post_office.door.send({**line, "category": "water-leak", "text": "x", "email": EMAIL})
    case = UUID(answer["case_id"])
    await post_office.intake_tells()
    await post_office.mediation_tells(case, opened(imported=True), resolved(imported=True), escalated())
    await post_office.send()
    assert await post_office.states(case) == []
    assert post_office.letterbox.raw == []


async def test_erasing_cancels_what_waits(post_office: PostOffice) -> None:
    report = await post_office.report(email=EMAIL)
    path, receipt = "/api/intake/v1/case:erase", {"Doorstep-Receipt": report["receipt"]}
    erased = await post_office.door.client.post(path, headers={**receipt, **keyed()})
    assert erased.status_code == 200
    await post_office.intake_tells()
    await post_office.mediation_tells(UUID(report["case_id"]), opened(), CaseAssigned(owner="cadre-lin"))
    await post_office.send()
    assert post_office.letterbox.raw == []
    assert await post_office.states(report["case_id"]) == [("received", "cancelled", "erased")]


async def test_what_was_erased_is_not_told_though_the_news_of_it_is_still_on_its_way(post_office: PostOffice) -> None:
    report = await post_office.report(email=EMAIL)
    path, receipt = "/api/intake/v1/case:erase", {"Doorstep-Receipt": report["receipt"]}
    assert (await post_office.door.client.post(path, headers={**receipt, **keyed()})).status_code == 200
    await post_office.send()
    assert post_office.letterbox.raw == []
    assert await post_office.states(report["case_id"]) == [("received", "cancelled", "erased")]


async def test_a_withdrawn_report_is_followed_by_silence(post_office: PostOffice) -> None:
    report = await post_office.report(email=EMAIL)
    case = UUID(report["case_id"])
    await post_office.tell(recorded(CaseWithdrawn(), case, AREA, version=2, source="intake"))
    await post_office.send()
    assert await post_office.states(case) == [("received", "cancelled", "withdrawn")]


async def test_while_intake_is_away_messages_to_residents_wait_and_staff_s_go_out(post_office: PostOffice) -> None:
    await post_office.reached_at("mei", email="mei@staff.example")
    report = await post_office.report(email=EMAIL)
    await post_office.alert("mei")
    async with httpx.AsyncClient(timeout=2.0) as http:
        alone = replace(post_office.service, http=http)
        settings = post_office.settings.model_copy(update={"intake_url": "http://127.0.0.1:1"})
        await post_office.send(by=sender(alone, settings))
    assert post_office.letterbox.recipients == ["mei@staff.example"]
    assert await post_office.states(report["case_id"]) == [("received", "waiting", "intake_away")]
    await post_office.send(now() + timedelta(seconds=60))
    assert post_office.letterbox.recipients == ["mei@staff.example", EMAIL]


async def test_each_look_at_the_contact_is_on_record(post_office: PostOffice) -> None:
    report = await post_office.report(email=EMAIL)
    await post_office.send()
    path, receipt = "/api/intake/v1/case", {"Doorstep-Receipt": report["receipt"]}
    looks = (await post_office.door.client.get(path, headers=receipt)).json()["looks"]
    assert [(look["role"], look["purpose"]) for look in looks] == [("delivery", "delivery")]


async def test_after_a_long_outage_one_message_speaks_for_all_of_a_case(post_office: PostOffice) -> None:
    case = await post_office.received(email=EMAIL)
    await post_office.mediation_tells(case, *(event for event, _ in STORY))
    await post_office.send(now() + timedelta(hours=25))
    assert post_office.letterbox.subjects == ["There is news about your report"]
    states = await post_office.states(case)
    assert [state for _, state, _ in states].count("sent") == 2  # the one before the outage, and the digest
    assert {reason for _, state, reason in states if state == "expired"} == {"in_digest"}


async def test_news_of_long_ago_is_no_news(post_office: PostOffice) -> None:
    case = await post_office.received(email=EMAIL)
    await post_office.mediation_tells(case, resolved(), at=now() - timedelta(days=8))
    assert await post_office.states(case) == [("received", "sent", None)]
