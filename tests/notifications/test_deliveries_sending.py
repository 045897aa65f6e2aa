"""Each message goes out once, whatever the other side does: refuses, stalls, dies, is away, or we do."""

import asyncio
import hashlib
import hmac
from base64 import b64decode, b64encode
from datetime import timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import SecretStr

from services.chassis.clock import now
from services.contracts.cases import CaseAssigned
from services.notifications.deliveries import mail
from services.notifications.deliveries.rows import LEASE
from services.notifications.deliveries.sms import SmsGateway
from services.notifications.deliveries.transport import Away, NeverTaken, NotNow
from services.notifications.deliveries.writing import Written
from tests.conftest import free_port
from tests.intake.door import AREA
from tests.notifications.mail_server import new_letterbox, start
from tests.notifications.post_office import API, PostOffice, opened
from tests.services import staff

EMAIL = "zxqvy.mail@home.example"
BOUND = 20.0


def ids(post_office: PostOffice) -> list[str]:
    return [str(one["Message-ID"]) for one in post_office.letterbox.mails]


async def test_two_senders_at_once_send_each_message_once(post_office: PostOffice) -> None:
    for _ in range(30):
        await post_office.report(email=EMAIL)
    senders = [post_office.sender() for _ in range(3)]
    while sum(await asyncio.gather(*(post_office.send(by=one) for one in senders))):
        pass
    assert len(ids(post_office)) == len(set(ids(post_office))) == 30


async def test_a_slow_one_keeps_the_others_waiting_for_nothing(post_office: PostOffice) -> None:
    for nth in range(10):
        await post_office.report(email=f"{nth}@home.example")
    letterbox, others = post_office.letterbox, asyncio.Event()

    async def the_first_waits_for_the_others() -> str:
        if len(letterbox.recipients) == 10:
            others.set()
        if letterbox.recipients[-1] == "0@home.example":
            await others.wait()
        return "250 OK"

    letterbox.data = the_first_waits_for_the_others
    assert await asyncio.wait_for(post_office.send(), BOUND) == 10
    assert sorted(letterbox.recipients) == [f"{nth}@home.example" for nth in range(10)]


async def test_what_one_reader_hears_of_a_case_keeps_its_order(post_office: PostOffice) -> None:
    """The first is put off by the server, and the next has waited for it."""
    case = UUID((await post_office.report(email=EMAIL))["case_id"])
    await post_office.report(email="other@home.example")
    await post_office.mediation_tells(case, opened(), CaseAssigned(owner="cadre-lin"))
    letterbox = post_office.letterbox
    letterbox.rcpt = lambda address: "450 not now" if address == EMAIL else "250 OK"
    while await post_office.send():
        pass
    assert letterbox.recipients == ["other@home.example"]
    assert await post_office.states(case) == [("received", "waiting", "address_450"), ("taken", "waiting", None)]
    letterbox.empty()
    while await post_office.send(now() + timedelta(minutes=1)):
        pass
    assert letterbox.subjects == ["Your report has arrived", "Somebody has your report"]


async def test_nobody_sends_the_next_of_a_case_while_another_sends_the_first(post_office: PostOffice) -> None:
    case = UUID((await post_office.report(email=EMAIL))["case_id"])
    await post_office.mediation_tells(case, opened(), CaseAssigned(owner="cadre-lin"))
    taking, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> str:
        taking.set()
        await go_on.wait()
        return "250 OK"

    post_office.letterbox.data = slowly
    first = asyncio.create_task(post_office.send())
    await asyncio.wait_for(taking.wait(), BOUND)
    assert await post_office.send() == 0
    go_on.set()
    assert await asyncio.wait_for(first, BOUND) == 1
    assert await post_office.send() == 1
    assert post_office.letterbox.subjects == ["Your report has arrived", "Somebody has your report"]


async def test_a_server_that_gives_two_connections_is_sent_to_through_two(post_office: PostOffice) -> None:
    post_office.letterbox.room = 2
    for nth in range(10):
        await post_office.report(email=f"{nth}@home.example")
    assert await post_office.send() == 10
    assert len(ids(post_office)) == len(set(ids(post_office))) == 10


async def test_who_dies_between_the_answer_and_the_commit_sends_again_under_the_same_id(
    post_office: PostOffice,
) -> None:
    """The server has taken the message when the row can't be written, and then the sender is gone."""
    report = await post_office.report(email=EMAIL)
    async with post_office.service.worker.connect() as blocking:
        taken = asyncio.Event()

        async def take() -> str:
            await blocking.exec_driver_sql("LOCK TABLE delivery IN EXCLUSIVE MODE")
            taken.set()
            return "250 OK"

        post_office.letterbox.data = take
        doomed = asyncio.create_task(post_office.send())
        await asyncio.wait_for(taken.wait(), BOUND)
        await _waits_for_a_lock(post_office)
        doomed.cancel()
        await asyncio.wait([doomed], timeout=BOUND)
        assert doomed.cancelled()
        await blocking.rollback()
    assert await post_office.states(report["case_id"]) == [("received", "waiting", None)]
    post_office.letterbox.data = None
    assert await post_office.send() == 0, "it is still the dead one's"
    await post_office.send(now() + LEASE)
    assert len(ids(post_office)) == 2
    assert len(set(ids(post_office))) == 1
    assert await post_office.states(report["case_id"]) == [("received", "sent", None)]


async def test_a_message_whose_end_could_not_be_written_at_once_is_not_sent_again(post_office: PostOffice) -> None:
    """The server has taken the message when the database drops us, and we live on."""
    report = await post_office.report(email=EMAIL)
    async with post_office.service.worker.connect() as blocking:

        async def take() -> str:
            await blocking.exec_driver_sql("LOCK TABLE delivery IN EXCLUSIVE MODE")
            return "250 OK"

        post_office.letterbox.data = take
        sending = asyncio.create_task(post_office.send())
        for _ in range(3):
            await _waits_for_a_lock(post_office)
            await blocking.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'delivery'::regclass"
            )
        await blocking.rollback()
    assert await asyncio.wait_for(sending, BOUND) == 1
    assert await post_office.states(report["case_id"]) == [("received", "sent", None)]
    post_office.letterbox.data = None
    await post_office.send(now() + LEASE)
    assert len(ids(post_office)) == 1


async def test_a_message_on_its_way_is_finished_when_the_service_ends(post_office: PostOffice) -> None:
    report = await post_office.report(email=EMAIL)
    taking, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> str:
        taking.set()
        await go_on.wait()
        return "250 OK"

    post_office.letterbox.data = slowly
    running = asyncio.create_task(post_office.sender().run())
    await asyncio.wait_for(taking.wait(), BOUND)
    running.cancel()
    go_on.set()
    await asyncio.wait([running], timeout=BOUND)
    assert running.cancelled()
    assert await post_office.states(report["case_id"]) == [("received", "sent", None)]


async def test_a_refusal_for_good_is_shown_to_staff_of_the_area_without_the_address(post_office: PostOffice) -> None:
    post_office.letterbox.rcpt = lambda address: "550 no such user" if address == EMAIL else "250 OK"
    report = await post_office.report(email=EMAIL)
    await post_office.report(email="other@home.example")
    await post_office.send()
    await post_office.send(now() + timedelta(days=1))
    assert post_office.letterbox.recipients == ["other@home.example"]
    query = {"case_id": report["case_id"]}
    seen = await post_office.client.get(f"{API}/deliveries", headers=staff("cadre", AREA), params=query)
    [told] = seen.json()["deliveries"]
    assert (told["what"], told["state"], told["channel"], told["reason"]) == (
        "received",
        "refused",
        "mail",
        "address_550",
    )
    assert "zxqvy" not in seen.text
    foreign = await post_office.client.get(f"{API}/deliveries", headers=staff("cadre", "/nyc/"), params=query)
    assert foreign.json()["deliveries"] == []


async def test_not_now_is_tried_again_later_under_the_same_id(post_office: PostOffice) -> None:
    report = await post_office.report(email=EMAIL)

    async def full() -> str:
        return "452 mailbox full"

    post_office.letterbox.data = full
    await post_office.send()
    assert await post_office.states(report["case_id"]) == [("received", "waiting", "message_452")]
    assert await post_office.send() == 0, "not at once"
    post_office.letterbox.data = None
    await post_office.send(now() + timedelta(minutes=1))
    assert await post_office.states(report["case_id"]) == [("received", "sent", None)]
    assert len(set(ids(post_office))) == 1


async def test_a_server_that_dies_over_one_message_takes_the_others(post_office: PostOffice) -> None:
    reports = [await post_office.report(email=f"{nth}@home.example") for nth in range(3)]
    letterbox = post_office.letterbox

    async def die_over_the_second() -> str:
        if letterbox.recipients[-1] == "1@home.example":
            raise ConnectionAbortedError
        return "250 OK"

    letterbox.data = die_over_the_second
    await post_office.send()
    states = [(await post_office.states(report["case_id"]))[0][1] for report in reports]
    assert states == ["sent", "waiting", "sent"]
    letterbox.data = None
    await post_office.send(now() + timedelta(minutes=1))
    assert (await post_office.states(reports[1]["case_id"]))[0][1] == "sent"


async def test_a_server_that_stalls_keeps_nobody_waiting_for_ever(
    post_office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "COMMAND_SECONDS", 0.3)
    report = await post_office.report(email=EMAIL)
    stalled = asyncio.Event()

    async def stall() -> str:
        await stalled.wait()
        return "250 OK"

    post_office.letterbox.data = stall
    await asyncio.wait_for(post_office.send(), BOUND)
    stalled.set()
    assert await post_office.states(report["case_id"]) == [("received", "waiting", "mail_server_lost")]


async def test_while_the_mail_server_is_away_everything_waits_and_nobody_s_contact_is_looked_at(
    post_office: PostOffice,
) -> None:
    report = await post_office.report(email=EMAIL)
    elsewhere = new_letterbox()
    sender = post_office.sender(smtp_url=SecretStr(elsewhere.url))
    assert await post_office.send(by=sender) == 0
    assert await post_office.states(report["case_id"]) == [("received", "waiting", "mail_server_away")]
    assert await post_office.looks(report["case_id"]) == 0
    server = await start(elsewhere)
    try:
        await post_office.send(now() + timedelta(seconds=30), by=sender)
    finally:
        server.close()
        await server.wait_closed()
    assert elsewhere.recipients == [EMAIL]


async def test_without_any_way_to_send_nothing_is_looked_at(post_office: PostOffice) -> None:
    report = await post_office.report(email=EMAIL)
    await post_office.send(by=post_office.sender(smtp_url=SecretStr(""), sms_url=""))
    assert await post_office.states(report["case_id"]) == [("received", "undeliverable", "no_way_to_send")]
    assert await post_office.looks(report["case_id"]) == 0


async def test_what_may_have_been_sent_before_a_restore_is_not_sent_again(post_office: PostOffice) -> None:
    waiting = await post_office.report(email=EMAIL)
    before = now()
    planned_anew = await post_office.door.report(email=EMAIL)
    owner = await asyncpg.connect(_owner_dsn(post_office))
    try:
        await owner.execute("INSERT INTO restored (to_time) VALUES ($1)", before - timedelta(hours=1))
        await post_office.intake_tells()
        await post_office.send()
        for report in (waiting, planned_anew):
            assert await post_office.states(report["case_id"]) == [("received", "unknown_after_restore", "restored")]
        after = await post_office.report(email=EMAIL)
        await post_office.send()
        assert await post_office.states(after["case_id"]) == [("received", "sent", None)]
    finally:
        await owner.execute("DELETE FROM restored")
        await owner.close()


async def test_an_address_that_is_none_is_no_way_to_send(post_office: PostOffice) -> None:
    report = await post_office.report(email="a,<b>@x")
    await post_office.send()
    assert await post_office.states(report["case_id"]) == [("received", "undeliverable", "address_not_readable")]


WRITTEN = Written("en", "subject", "text", "short")
KEY = b64encode(b"k" * 32).decode()


@pytest.mark.parametrize(
    ("status", "raised"), [(202, None), (400, NeverTaken), (429, NotNow), (401, NotNow), (503, NotNow), (302, NotNow)]
)
async def test_a_gateway_for_short_messages_knows_us_by_our_signature(
    status: int, raised: type[Exception] | None
) -> None:
    app, seen = FastAPI(), list[bytes]()

    @app.post("/send")
    async def take(request: Request) -> Response:
        body = await request.body()
        signed = request.headers["Doorstep-Timestamp"].encode() + b"." + body
        expected = hmac.new(b64decode(KEY), signed, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(request.headers["Doorstep-Signature"], expected)
        assert request.headers["Idempotency-Key"] == str(UUID(int=7))
        seen.append(body)
        return Response(status_code=status, headers={"Location": "http://elsewhere.test/"})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        gateway = SmsGateway(http, "http://sms.test/send", b64decode(KEY))
        sending = gateway.send(UUID(int=7), "+86 (10) 55-66", WRITTEN)
        if raised is None:
            await sending
        else:
            with pytest.raises(raised):
                await sending
    assert seen == [b'{"id":"%b","to":"+86105566","text":"short"}' % str(UUID(int=7)).encode()]


async def test_a_gateway_that_is_away_is_away() -> None:
    async with httpx.AsyncClient() as http:
        gateway = SmsGateway(http, f"http://127.0.0.1:{free_port()}/", b"key")
        with pytest.raises(Away):
            await gateway.send(UUID(int=7), "12345", WRITTEN)


def _owner_dsn(post_office: PostOffice) -> str:
    return post_office.settings.worker_dsn.get_secret_value().replace("_worker:", "_owner:")


async def _waits_for_a_lock(post_office: PostOffice) -> None:
    async with asyncio.timeout(BOUND), post_office.service.worker.connect() as connection:
        while True:
            found = await connection.exec_driver_sql(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'delivery'::regclass"
            )
            if found.scalar_one():
                return
            await asyncio.sleep(0.01)
