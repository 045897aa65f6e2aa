"""Limits that keep no address: guessing stops early, nobody who is right is shut out, and nothing of it is kept."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack

import httpx
import pytest
from sqlalchemy import event
from starlette.requests import Request

from services.chassis import clock
from services.chassis.problems import ProblemError
from services.intake.door import Door
from services.intake.limits import CLIENT, NARROW_WAY_HOLDS, WINDOW_SECONDS, AtOnce, Tally, client_of
from services.intake.receipts import WORDS
from tests.conftest import Databases
from tests.intake.door import API, FrontDoor, opened_door
from tests.services import keyed

GUESSER, NEIGHBOUR = "203.0.113.7", "203.0.113.8"
PER_WINDOW = 5


@pytest.fixture(scope="module")
async def strict(postgres: Databases) -> AsyncGenerator[FrontDoor]:
    """A door that lets five of a kind through in a window."""
    limits = dict.fromkeys(("wrong_receipts_of_a_client", "reports_of_a_client", "reports_of_a_key"), PER_WINDOW)
    async with opened_door(postgres, **limits) as door:
        await door.hear_of_places()
        yield door


@pytest.fixture(autouse=True)
def afresh(strict: FrontDoor) -> None:
    limits = door_of(strict).limits
    for tally in (limits.wrong_receipts, limits.reports_of_a_client, limits.reports_of_a_key):
        tally.forget()


def door_of(strict: FrontDoor) -> Door:
    return strict.app.state.door


def wrong() -> str:
    """Seven words of no case."""
    return " ".join(secrets.choice(("babab", "lusab", "gutih", "tobog", "zuzuz")) for _ in range(WORDS))


async def until(so: Callable[[], bool]) -> None:
    """Let the others run until it is so."""
    for _ in range(100_000):
        if so():
            return
        await asyncio.sleep(0)
    raise AssertionError


async def shown(strict: FrontDoor, receipt: str, client: str = GUESSER) -> httpx.Response:
    headers = {"Doorstep-Receipt": receipt, CLIENT: client}
    return await strict.client.get(f"{API}/case", headers=headers)


async def test_wrong_receipts_are_told_apart_from_nothing_and_soon_not_at_all(strict: FrontDoor) -> None:
    answers = [await shown(strict, wrong()) for _ in range(PER_WINDOW)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    over = await shown(strict, wrong())
    assert over.status_code == 429
    assert over.headers["content-type"] == "application/problem+json"
    assert 0 < int(over.headers["Retry-After"]) <= WINDOW_SECONDS
    assert (await shown(strict, wrong(), NEIGHBOUR)).status_code == 404


async def test_a_right_receipt_is_taken_from_an_address_that_guesses(strict: FrontDoor) -> None:
    receipt = (await strict.report())["receipt"]
    for _ in range(PER_WINDOW + 3):
        await shown(strict, wrong())
    assert [(await shown(strict, receipt)).status_code for _ in range(3)] == [200] * 3
    assert (await shown(strict, wrong())).status_code == 429


async def test_guessers_are_looked_up_one_at_a_time_and_few_may_wait(strict: FrontDoor) -> None:
    for _ in range(PER_WINDOW):
        await shown(strict, wrong())
    way = door_of(strict).limits.narrow_way
    async with way.lock:
        waiting = [asyncio.create_task(shown(strict, wrong())) for _ in range(NARROW_WAY_HOLDS)]
        await until(lambda: way.waiting == NARROW_WAY_HOLDS)
        assert (await shown(strict, wrong())).status_code == 429
        assert not any(task.done() for task in waiting)
    assert {(await task).status_code for task in waiting} == {429}
    assert way.waiting == 0


async def test_a_guess_costs_one_look_up(strict: FrontDoor) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    worker = strict.service.worker.sync_engine
    event.listen(worker, "before_cursor_execute", note)
    try:
        await shown(strict, wrong())
        assert len(statements) == 1
        await shown(strict, "not seven words")
        assert len(statements) == 1
    finally:
        event.remove(worker, "before_cursor_execute", note)


async def test_the_page_tells_a_guesser_and_opens_for_who_is_right(strict: FrontDoor) -> None:
    receipt = (await strict.report())["receipt"]
    headers = {CLIENT: GUESSER, "Accept-Language": "zh"}
    for _ in range(PER_WINDOW):
        answer = await strict.client.post("/case", data={"receipt": wrong()}, headers=headers)
        assert answer.status_code == 404
    over = await strict.client.post("/case", data={"receipt": wrong()}, headers=headers)
    assert over.status_code == 429
    assert "Retry-After" in over.headers
    assert "Too many" not in over.text
    assert (await strict.client.post("/case", data={"receipt": receipt}, headers=headers)).status_code == 303


async def test_one_address_sends_so_many_reports_and_no_other_is_kept_waiting(strict: FrontDoor) -> None:
    async def report(client: str) -> httpx.Response:
        headers = {**keyed(), CLIENT: client}
        return await strict.client.post(f"{API}/reports", json=strict.report_form(), headers=headers)

    assert [(await report(GUESSER)).status_code for _ in range(PER_WINDOW)] == [201] * PER_WINDOW
    over = await report(GUESSER)
    assert (over.status_code, over.json()["type"]) == (429, "urn:doorstep:too-many")
    assert int(over.headers["Retry-After"]) > 0
    assert (await report(NEIGHBOUR)).status_code == 201
    # Past the gateway, where nobody can be told from another, no report is refused for others'.
    assert [(await report("")).status_code for _ in range(PER_WINDOW + 1)] == [201] * (PER_WINDOW + 1)


async def test_the_page_keeps_what_was_written_when_an_address_has_sent_too_much(strict: FrontDoor) -> None:
    draft = {
        "kind": "fault",
        "community": strict.community,
        "category": "water-leak",
        "text": "A pipe burst in the yard.",
        "reach": "anonymous",
        "key": secrets.token_hex(16),
        "at": "check",
        "go": "send",
    }
    headers = {CLIENT: GUESSER}
    tally = door_of(strict).limits.reports_of_a_client
    for _ in range(PER_WINDOW):
        tally.count(GUESSER)
    told = await strict.client.post("/report", data=draft, headers=headers)
    assert told.status_code == 429
    assert "A pipe burst in the yard." in told.text
    tally.forget()
    assert (await strict.client.post("/report", data=draft, headers=headers)).status_code == 303


async def test_one_key_sends_so_many_one_by_one(strict: FrontDoor) -> None:
    form = {
        "api_key": strict.key,
        "service_code": "street-light",
        "jurisdiction_id": "lakeside.east.willow-lane",
        "address_string": "Gate 3",
    }
    answers = [await strict.client.post("/open311/v2/requests.json", data=form) for _ in range(PER_WINDOW + 1)]
    assert [answer.status_code for answer in answers] == [200] * PER_WINDOW + [429]
    assert answers[-1].json()[0]["code"] == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert [one["status"] for one in await strict.send({"reference": secrets.token_hex(8)})] == ["rejected"]


async def test_where_a_request_came_from_is_written_nowhere(
    strict: FrontDoor, capfd: pytest.CaptureFixture[str]
) -> None:
    address = "198.51.100.213"
    await strict.client.post(f"{API}/reports", json=strict.report_form(), headers={**keyed(), CLIENT: address})
    for _ in range(PER_WINDOW + 1):
        await shown(strict, wrong(), address)
    await strict.client.post("/case", data={"receipt": wrong()}, headers={CLIENT: address})
    told = (await strict.client.get("/api/intake/metrics")).text
    async with strict.service.worker.connect() as connection:
        names = await connection.exec_driver_sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        for name in names.scalars():
            if (await connection.exec_driver_sql("SELECT has_table_privilege($1, 'SELECT')", (name,))).scalar_one():
                rows = await connection.exec_driver_sql(f"SELECT t::text FROM {name} t")
                told += "".join(rows.scalars())
    out, err = capfd.readouterr()
    assert "case.reported" in told
    assert address not in told + out + err


class At:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> object:
        return clock.running.now()

    def monotonic(self) -> float:
        return self.seconds


def test_after_a_window_all_counts_are_gone_and_their_key_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    at = At()
    monkeypatch.setattr(clock, "running", at)
    tally = Tally(2)
    for _ in range(2):
        tally.take(GUESSER)
    [counted], key = tally.counts, tally.key
    assert GUESSER.encode() not in counted
    assert tally.wait(GUESSER) == WINDOW_SECONDS
    with pytest.raises(ProblemError):
        tally.take(GUESSER)
    at.seconds = WINDOW_SECONDS
    tally.take(GUESSER)
    assert tally.key != key
    assert counted not in tally.counts


def test_many_addresses_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.intake.limits.MOST_COUNTED", 100)
    tally = Tally(2)
    for nth in range(1000):
        tally.count(f"client {nth}")
    assert len(tally.counts) <= 100


def test_no_limit_is_no_limit() -> None:
    tally = Tally(0)
    for _ in range(100):
        tally.take(GUESSER)
    assert not tally.counts


def test_so_many_at_once_and_a_place_is_free_again_whatever_happens() -> None:
    at_once = AtOnce(3, 2)
    with ExitStack() as held:
        held.enter_context(at_once.one("a"))
        held.enter_context(at_once.one("a"))
        with pytest.raises(ProblemError) as own:
            held.enter_context(at_once.one("a"))
        held.enter_context(at_once.one("b"))
        with pytest.raises(ProblemError) as all_:
            held.enter_context(at_once.one("c"))
        assert (own.value.problem.status, all_.value.problem.status) == (429, 503)
        assert own.value.headers
        assert all_.value.headers
    with pytest.raises(KeyError), at_once.one("a"):
        raise KeyError
    assert not at_once.under_way


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "20010db800010002"),
        ("2001:db8:1:2::1", "20010db800010002"),
        ("", ""),
        ("anything", ""),
    ],
)
def test_a_household_is_one_client(told: str, counted: str) -> None:
    request = Request({"type": "http", "headers": [(CLIENT.lower().encode(), told.encode())] if told else []})
    assert client_of(request) == counted
