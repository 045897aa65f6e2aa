"""Webhooks: signed, in order, each event at least once, to listed hosts in the open alone, given up with a reason."""

import asyncio
import hashlib
import hmac
import socket
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

import httpcore
import orjson
import pytest

from services.chassis.clock import now
from services.chassis.service import Service
from services.contracts.cases import CaseReported
from services.reporting.public_log import PublicLog
from services.reporting.settings import ReportingSettings
from services.reporting.webhooks.addresses import AddressRefused, Hosts, Resolved, UrlRefused, in_the_open
from services.reporting.webhooks.sender import Sender
from tests.conftest import Databases
from tests.reporting.bureau import Bureau, bureau
from tests.reporting.receiver import Got, Receiver, receiving, status
from tests.reporting.test_feed import HERE, THERE, reports, system
from tests.services import keyed, staff

WEBHOOKS = "/api/reporting/v1/webhooks"
OPERATOR = staff("operator", HERE)
DEADLINE = 60.0


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as receiver:
        yield receiver


@asynccontextmanager
async def office(postgres: Databases, receiver: Receiver, **settled: Any) -> AsyncGenerator[Bureau]:
    """A bureau that may tell the receiver, as one of its own network, and tries again at once."""
    inner = {"webhook_inner_hosts": receiver.host, "webhook_retry_after": timedelta(milliseconds=20)}
    told: dict[str, Any] = {**inner, **settled}
    async with bureau(postgres, **told) as opened:
        yield opened


@pytest.fixture
async def open_office(postgres: Databases, receiver: Receiver) -> AsyncGenerator[Bureau]:
    async with office(postgres, receiver) as opened:
        yield opened


def sender_of(opened: Bureau) -> Sender:
    return opened.app.state.sender


@asynccontextmanager
async def sending(opened: Bureau) -> AsyncGenerator[None]:
    """The sender at work for the length of a block."""
    task = asyncio.create_task(sender_of(opened).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(so: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not so():  # noqa: ASYNC110 - what is waited for happens in another thread or process
            await asyncio.sleep(0.01)


async def add(opened: Bureau, url: str, headers: dict[str, str] = OPERATOR, **form: Any) -> dict[str, Any]:
    answer = await opened.client.post(WEBHOOKS, json={"url": url, **form}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def told_of(opened: Bureau, webhook: dict[str, Any], headers: dict[str, str] = OPERATOR) -> dict[str, Any]:
    answer = await opened.client.get(f"{WEBHOOKS}/{webhook['webhook_id']}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until_told(opened: Bureau, webhook: dict[str, Any], so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE):
        while not so(told := await told_of(opened, webhook)):  # noqa: ASYNC110 - it lies in the database
            await asyncio.sleep(0.01)
    return told


def signatures(got: Got, *secrets: str) -> list[str]:
    """As the specification has it, written anew here."""
    signed = b".".join([got.id.encode(), got.headers["webhook-timestamp"].encode(), got.body])
    keys = [b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    return ["v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]


async def test_what_is_sent_is_signed_in_order_and_holds_nothing_of_a_case(
    open_office: Bureau, receiver: Receiver
) -> None:
    webhook = await add(open_office, receiver.url)
    mine, foreign = reports(5), reports(3, THERE)
    await open_office.learn([*mine[:2], *foreign, *mine[2:]])
    async with sending(open_office):
        await until(lambda: len(receiver.taken) == 5)
    assert [got.id for got in receiver.got] == [f"intake:{one.stream_id}:1" for one in mine]
    for got, event in zip(receiver.got, mine, strict=True):
        assert got.headers["webhook-signature"].split() == signatures(got, webhook["secret"])
        assert abs(int(got.headers["webhook-timestamp"]) - now().timestamp()) < DEADLINE
        assert got.told.keys() == {"type", "timestamp", "data"}
        assert got.told["type"] == "case.reported"
        assert got.told["data"].keys() == {"id", "source", "subject", "area", "cursor", "link"}
        assert event.data not in got.body
        read = await open_office.client.get(got.told["data"]["link"], headers=system("events"))
        assert [one["id"] for one in orjson.loads(read.content)] == [got.told["data"]["id"]]
    assert "set-cookie" not in str(receiver.got).lower()
    assert (await told_of(open_office, webhook))["told_at"] is not None


async def test_only_the_types_that_are_asked_for_and_only_what_comes(open_office: Bureau, receiver: Receiver) -> None:
    await open_office.learn(reports(2))
    await add(open_office, receiver.url, types=["case.withdrawn"], after="0")
    late = await add(open_office, f"{receiver.url}/late")
    early = await add(open_office, f"{receiver.url}/early", after="0-1")
    assert (late["cursor"], early["cursor"]) == ("0-2", "0-1")
    await open_office.learn(reports(1))
    async with sending(open_office):
        await until(lambda: len(receiver.taken) == 3)
    assert sorted(got.path for got in receiver.got) == ["/doorstep/early", "/doorstep/early", "/doorstep/late"]


async def test_what_was_not_taken_is_sent_again_the_same_until_it_is(open_office: Bureau, receiver: Receiver) -> None:
    answers = iter([status(500), status(404), status(503, Retry_After="0")])
    receiver.answer = lambda request, got: next(answers, status(200))(request, got)
    webhook = await add(open_office, receiver.url)
    await open_office.learn(reports(2))
    async with sending(open_office):
        await until(lambda: len(receiver.taken) == 2)
        told = await until_told(open_office, webhook, lambda told: told["cursor"] == "0-2")
    first, *again, second = receiver.got
    assert [got.id for got in again] == [first.id] * 3
    assert {got.body for got in again} == {first.body}
    assert second.id != first.id
    assert (told["failures"], told["failing_since"], told["last_failure"]) == (0, None, None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(302, Location="/elsewhere"), "answered 302: redirects are not followed"),
        (status(308, Location="http://169.254.169.254/latest/meta-data/"), "answered 308: redirects are not followed"),
        (status(401), "answered 401"),
    ],
)
async def test_a_redirect_is_not_followed_and_its_owner_reads_why(
    postgres: Databases, receiver: Receiver, answer: Any, reason: str
) -> None:
    receiver.answer = answer
    async with office(postgres, receiver, webhook_gives_up_after=timedelta(0)) as opened:
        webhook = await add(opened, receiver.url)
        await opened.learn(reports(2))
        async with sending(opened):
            told = await until_told(opened, webhook, lambda told: told["disabled_at"])
    assert (told["last_failure"], told["failures"]) == (reason, 1)
    assert [got.path for got in receiver.got] == ["/doorstep"]


async def test_given_up_it_is_resumed_by_its_owner_and_nothing_is_left_out(
    postgres: Databases, receiver: Receiver
) -> None:
    receiver.answer = status(500)
    async with office(postgres, receiver, webhook_gives_up_after=timedelta(milliseconds=100)) as opened:
        headers = system("webhooks")
        webhook = await add(opened, receiver.url, headers)
        events = reports(3)
        await opened.learn(events)
        async with sending(opened):
            told = await until_told(opened, webhook, lambda told: told["disabled_at"])
            assert told["last_failure"] == "answered 500"
            assert told["failures"] > 1
            before = len(receiver.got)
            await opened.learn(reports(1, THERE))
            receiver.answer = status(200)
            path = f"{WEBHOOKS}/{webhook['webhook_id']}:resume"
            assert (await opened.client.post(path, headers=system("webhooks", area=THERE))).status_code == 404
            assert len(receiver.got) == before
            resumed = await opened.client.post(path, headers=headers)
            assert (resumed.status_code, resumed.json()["disabled_at"]) == (200, None)
            await until(lambda: len(receiver.taken) == 3)
    assert [got.id for got in receiver.taken] == [f"intake:{one.stream_id}:1" for one in events]


async def test_what_fails_on_our_side_waits_longer_each_time_and_is_given_up(
    postgres: Databases, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise ValueError("nobody thought of this")

    monkeypatch.setattr("services.reporting.webhooks.sender.signing.message", broken)
    waits: list[int] = []

    def backoff(_: Sender, failures: int) -> timedelta:
        waits.append(failures)
        return timedelta(milliseconds=20)

    monkeypatch.setattr(Sender, "_backoff", backoff)
    async with office(postgres, receiver, webhook_gives_up_after=timedelta(milliseconds=100)) as opened:
        webhook = await add(opened, receiver.url)
        await opened.learn(reports(1))
        async with sending(opened):
            told = await until_told(opened, webhook, lambda told: told["disabled_at"] or told["failures"] > 10)
    assert told["disabled_at"] is not None
    assert told["last_failure"] == "failed on our side"
    assert waits == list(range(told["failures"]))


async def test_who_says_that_it_is_gone_is_told_no_more(open_office: Bureau, receiver: Receiver) -> None:
    receiver.answer = status(410)
    webhook = await add(open_office, receiver.url)
    await open_office.learn(reports(2))
    async with sending(open_office):
        told = await until_told(open_office, webhook, lambda told: told["disabled_at"])
    assert (told["last_failure"], len(receiver.got)) == ("answered 410", 1)


async def test_one_that_does_not_answer_holds_up_no_other(
    open_office: Bureau, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.reporting.webhooks.sender.ANSWER_SECONDS", 0.3)
    let_go = Event()

    def answer(request: BaseHTTPRequestHandler, got: Got) -> None:
        if got.path.endswith("/silent"):
            let_go.wait()
        status(200)(request, got)

    receiver.answer = answer
    silent = await add(open_office, f"{receiver.url}/silent")
    await add(open_office, f"{receiver.url}/awake")
    await open_office.learn(reports(20))
    try:
        async with sending(open_office):
            await until(lambda: len(receiver.taken) >= 20)
            told = await until_told(open_office, silent, lambda told: told["failures"])
    finally:
        let_go.set()
    assert told["last_failure"] == "no answer in time"


async def test_of_an_answer_without_end_little_is_read(open_office: Bureau, receiver: Receiver) -> None:
    written: list[int] = []

    def answer(request: BaseHTTPRequestHandler, _got: Got) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(10**9))
        request.end_headers()
        request.close_connection = True
        written.extend(request.wfile.write(b"x" * 10**6) for _ in range(1000))

    receiver.answer = answer
    webhook = await add(open_office, receiver.url)
    await open_office.learn(reports(1))
    async with sending(open_office):
        told = await until_told(open_office, webhook, lambda told: told["told_at"])
    assert told["failures"] == 0
    assert sum(written) < 10**8  # what the kernel's buffers hold, not what was offered


async def test_after_a_kill_all_of_it_comes_in_order_and_little_of_it_twice(
    postgres: Databases, receiver: Receiver
) -> None:
    async with office(postgres, receiver) as opened:
        await add(opened, receiver.url)
        events = reports(300)
        await opened.learn(events)
        settings: ReportingSettings = opened.app.state.settings
        told = orjson.dumps({**settings.model_dump(mode="json"), **secrets_of(settings)})
        for stop_at in (40, 120, 300):
            with killable(told) as process:
                await until(lambda stop_at=stop_at: len({got.id for got in receiver.taken}) >= stop_at)
                process.kill()
    first_occurrences = list(dict.fromkeys(got.id for got in receiver.taken))
    assert first_occurrences == [f"intake:{one.stream_id}:1" for one in events]
    assert len(receiver.taken) - len(events) <= 2  # at most the one under way at each kill but the last


def secrets_of(settings: ReportingSettings) -> dict[str, str]:
    names = ("application_dsn", "worker_dsn", "service_key", "fingerprint_key", "particulars_keys")
    return {name: getattr(settings, name).get_secret_value() for name in names}


class killable:  # noqa: N801 - it is used as a function
    """The sender in a process of its own, ended at the latest with the block."""

    def __init__(self, settings: bytes) -> None:
        command = [sys.executable, "-m", "tests.reporting.sending"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=Path(__file__).parents[2])
        assert self._process.stdin is not None
        self._process.stdin.write(settings)
        self._process.stdin.close()

    def __enter__(self) -> "subprocess.Popen[bytes]":
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


async def test_of_two_senders_one_sends_and_the_other_takes_its_place(open_office: Bureau, receiver: Receiver) -> None:
    service: Service = open_office.app.state.service
    settings: ReportingSettings = open_office.app.state.settings
    hosts: Hosts = open_office.app.state.webhook_hosts
    other = asyncio.create_task(Sender(service, PublicLog(service.worker), hosts, settings).run())
    webhook = await add(open_office, receiver.url)
    async with sending(open_office):
        await open_office.learn(reports(30))
        # Who ends between an answer and having it stored is followed by one that tells it again.
        await until_told(open_office, webhook, lambda told: told["cursor"] == "0-30")
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        await open_office.learn(reports(5))
        await until_told(open_office, webhook, lambda told: told["cursor"] == "0-35")
    assert len({got.id for got in receiver.got}) == len(receiver.got) == 35


async def test_a_secret_is_shown_once_sealed_and_replaced_without_a_gap(
    open_office: Bureau, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await add(open_office, receiver.url)
    path = f"{WEBHOOKS}/{webhook['webhook_id']}:replace-secret"
    answer = await open_office.client.post(path, json={"overlap_hours": 2}, headers=OPERATOR)
    new = answer.json()["secret"]
    listed = await open_office.client.get(WEBHOOKS, headers=OPERATOR)
    async with open_office.worker.connect() as connection:
        row = (await connection.exec_driver_sql("SELECT to_jsonb(w)::text FROM webhook w")).scalar_one()
    for secret in (webhook["secret"], new):
        assert secret not in listed.text + row
        assert b64decode(secret.removeprefix("whsec_")).hex() not in row
    async with sending(open_office):
        await open_office.learn(reports(1))
        await until(lambda: len(receiver.taken) == 1)
        later = now() + timedelta(hours=3)
        monkeypatch.setattr("services.reporting.webhooks.sender.clock.now", lambda: later)
        await open_office.learn(reports(1))
        await until(lambda: len(receiver.taken) == 2)
    both, alone = receiver.got
    assert both.headers["webhook-signature"].split() == signatures(both, new, webhook["secret"])
    assert alone.headers["webhook-signature"].split() == signatures(alone, new)


async def test_a_system_has_its_own_and_no_other(open_office: Bureau, receiver: Receiver) -> None:
    mine, theirs = system("webhooks"), system("webhooks", area=THERE)
    webhook = await add(open_office, receiver.url, mine)
    of_staff = await add(open_office, receiver.url)
    path = f"{WEBHOOKS}/{webhook['webhook_id']}"
    for method, where in (
        ("GET", path),
        ("POST", f"{path}:resume"),
        ("DELETE", path),
        ("POST", f"{path}:replace-secret"),
    ):
        answer = await open_office.client.request(method, where, json={} if method == "POST" else None, headers=theirs)
        assert answer.status_code == 404, where
    assert (await open_office.client.get(f"{WEBHOOKS}/{of_staff['webhook_id']}", headers=mine)).status_code == 404
    seen = (await open_office.client.get(WEBHOOKS, headers=mine)).json()["webhooks"]
    assert [one["webhook_id"] for one in seen] == [webhook["webhook_id"]]
    assert len((await open_office.client.get(WEBHOOKS, headers=OPERATOR)).json()["webhooks"]) == 2
    assert (await open_office.client.get(WEBHOOKS, headers=system("events"))).status_code == 403
    foreign = {"url": receiver.url, "area": THERE}
    assert (await open_office.client.post(WEBHOOKS, json=foreign, headers=mine)).status_code == 404
    assert (await open_office.client.delete(path, headers=mine)).status_code == 204
    assert (await open_office.client.get(path, headers=mine)).status_code == 404


async def test_a_case_about_staff_is_told_to_no_address(open_office: Bureau, receiver: Receiver) -> None:
    await add(open_office, receiver.url)
    [about], [other] = reports(1), reports(1)
    event = about.event()
    assert isinstance(event, CaseReported)
    hidden = event.model_copy(update={"about_staff": True}).model_dump_json(exclude_defaults=True)
    await open_office.learn([about._replace(data=hidden.encode()), other])
    async with sending(open_office):
        await until(lambda: receiver.taken)
    assert [got.id for got in receiver.got] == [f"intake:{other.stream_id}:1"]


async def test_an_area_has_so_many_and_no_more(
    open_office: Bureau, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.reporting.endpoints.webhooks.MOST", 1)
    await add(open_office, receiver.url)
    answer = await open_office.client.post(WEBHOOKS, json={"url": receiver.url}, headers={**OPERATOR, **keyed()})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:doorstep:too-many-webhooks")


HOSTS = Hosts("hooks.example.org, *.city.example, other.example:8443", "receiver.internal:9000")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/x",
        "https://hooks.example.org:443/x?y=1",
        "https://a.city.example/",
        "https://a.b.city.example/",
        "https://HOOKS.example.org/",
        "https://other.example:8443/",
        "http://receiver.internal:9000/",
    ],
)
def test_what_is_listed_may_be_told(url: str) -> None:
    HOSTS.require(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "https://hooks.example.org:8080/",
        "https://hooks.example.org.evil.example/",
        "https://evilhooks.example.org/",
        "https://city.example/",
        "https://other.example/",
        "https://receiver.internal/",
        "http://receiver.internal/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://169.254.169.254/latest/meta-data/",
        "https://user:pass@hooks.example.org/",
        "https://hooks.example.org@evil.example/",
        "https://hooks.example.org\\@evil.example/",
        "https://hooks.example.org/#x",
        "https://hooks.example.org/a b",
        "https://hooks.example.org/\r\nx: y",
        "https://hooks.example.org:99999/",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "hooks.example.org",
        "https:///x",
        f"https://{'a' * 64}.city.example/",
        "https://a..city.example/",
        "https://.city.example/",
    ],
)
def test_what_is_not_listed_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        HOSTS.require(url)
    assert refused.value.message
    assert refused.value.remedy


async def test_nothing_is_registered_that_could_not_be_told(open_office: Bureau, receiver: Receiver) -> None:
    for form, field in (
        ({"url": "https://hooks.example.org/x"}, "url"),
        ({"url": f"http://127.0.0.2:{receiver.port}/"}, "url"),
        ({"url": "https://x\0y/"}, "url"),
        ({"url": receiver.url, "types": ["case.invented"]}, "types"),
        ({"url": receiver.url, "after": "yesterday"}, "after"),
        ({"url": receiver.url, "secret": "mine"}, "secret"),
    ):
        answer = await open_office.client.post(WEBHOOKS, json=form, headers=OPERATOR)
        assert answer.status_code == 422, form
        assert [fault["field"] for fault in answer.json()["faults"]] == [field]
    assert (await open_office.client.get(WEBHOOKS, headers=OPERATOR)).json() == {"webhooks": []}


@pytest.mark.parametrize(
    ("address", "open_"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("10.0.0.1", False),
        ("172.16.3.4", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::5db8:d70e", True),
        ("2002:7f00:1::", False),
        ("ff02::1", False),
        ("fe80::1%eth0", False),
        ("nothing", False),
    ],
)
def test_which_addresses_lie_in_the_open(address: str, open_: bool) -> None:
    assert in_the_open(address) is open_


async def test_a_listed_name_that_leads_inside_is_called_by_nobody(postgres: Databases, receiver: Receiver) -> None:
    listed = f"localhost:{receiver.port}"
    settled = {"webhook_hosts": listed, "webhook_inner_hosts": "", "webhook_gives_up_after": timedelta(0)}
    async with office(postgres, receiver, **settled) as opened:
        webhook = await add(opened, f"https://{listed}/")
        await opened.learn(reports(1))
        async with sending(opened):
            told = await until_told(opened, webhook, lambda told: told["disabled_at"])
    assert told["last_failure"] == "the host's address is not one in the open"
    assert receiver.got == []


async def test_a_host_that_is_listed_no_longer_is_told_nothing_more(open_office: Bureau, receiver: Receiver) -> None:
    webhook = await add(open_office, receiver.url)
    await open_office.learn(reports(1))
    sender_of(open_office).hosts = Hosts("", "")
    async with sending(open_office):
        told = await until_told(open_office, webhook, lambda told: told["failures"])
    assert told["last_failure"] == "the address is not https"
    assert receiver.got == []


async def test_a_name_is_looked_up_once_and_the_address_that_was_looked_at_is_called(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        lies = ["127.0.0.1"] if len(asked) > 1 else ["10.0.0.1", "169.254.169.254"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (lie, port)) for lie in lies]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(AddressRefused):
        await Resolved(HOSTS).connect_tcp("hooks.example.org", receiver.port, 1.0)
    assert asked == ["hooks.example.org"]
    stream = await Resolved(Hosts("", f"receiver.internal:{receiver.port}")).connect_tcp(
        "receiver.internal", receiver.port, 5.0
    )
    await stream.aclose()
    assert asked == ["hooks.example.org", "receiver.internal"]


async def test_a_name_that_is_nobody_s_is_told_as_a_lost_connection() -> None:
    with pytest.raises(httpcore.ConnectError):
        await Resolved(HOSTS).connect_tcp("nobody.invalid", 443, 5.0)


async def test_a_name_that_no_resolver_takes_is_not_reached() -> None:
    with pytest.raises(httpcore.ConnectError):
        await Resolved(HOSTS).connect_tcp(f"{'a' * 64}.city.example", 443, 1.0)
