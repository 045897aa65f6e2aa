"""Bulk under pressure: a sender is slowed to the store's pace, too many are told to wait, one that is gone let go."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import Message

from services.chassis import ndjson
from services.intake.endpoints.bulk import KEPT_IN_MEMORY
from services.intake.limits import AtOnce
from tests.conftest import Databases
from tests.intake.door import API, FrontDoor, line, opened_door
from tests.services import lines, staff

PATH = f"{API}/reports:bulk"


@pytest.fixture(scope="module")
async def narrow(postgres: Databases) -> AsyncGenerator[FrontDoor]:
    """A door with room for two bulk requests, and one of each key."""
    async with opened_door(postgres, bulk_at_once=2, bulk_of_a_key_at_once=1) as door:
        yield door


def under_way(door: FrontDoor) -> AtOnce:
    return door.app.state.door.limits.bulk


async def until(so: Callable[[], bool]) -> None:
    """Let the others run until it is so."""
    for _ in range(100_000):
        if so():
            return
        await asyncio.sleep(0)
    raise AssertionError


@asynccontextmanager
async def store_held(door: FrontDoor) -> AsyncGenerator[AsyncConnection]:
    """Nothing can be appended for the length of a block."""
    async with door.service.worker.begin() as connection:
        await connection.exec_driver_sql("SELECT position FROM log FOR UPDATE")
        yield connection


class Sender:
    """A client that speaks ASGI: it sends whenever it is asked to, and knows how often it was."""

    def __init__(self, door: FrontDoor, content: list[bytes]) -> None:
        self.asked = 0
        self.gone = False
        self.answered: list[Message] = []
        self._door, self._content = door, content

    async def run(self, key: str) -> bytes:
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": PATH,
            "raw_path": PATH.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(b"authorization", f"Bearer {key}".encode())],
            "client": None,
            "server": ("doorstep.test", 80),
        }
        await self._door.app(scope, self._receive, self._send)
        return b"".join(message.get("body", b"") for message in self.answered)

    async def _receive(self) -> Message:
        if self.gone:
            return {"type": "http.disconnect"}
        if self.asked == len(self._content):
            await asyncio.Event().wait()
        self.asked += 1
        more = self.asked < len(self._content)
        return {"type": "http.request", "body": self._content[self.asked - 1], "more_body": more}

    async def _send(self, message: Message) -> None:
        self.answered.append(message)


async def waiting_for_the_store(connection: AsyncConnection) -> None:
    """Until an append stands behind the lock that this connection holds."""
    for _ in range(10_000):
        blocked = await connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        if blocked.scalar_one():
            return
    raise AssertionError


async def test_who_sends_faster_than_the_store_takes_is_not_read_any_further(narrow: FrontDoor) -> None:
    parts = [orjson.dumps(line()) + b"\n" for _ in range(256 * 40)]
    sender = Sender(narrow, parts)
    async with store_held(narrow) as connection:
        sending = asyncio.create_task(sender.run(narrow.key))
        await waiting_for_the_store(connection)
        for _ in range(20_000):
            await asyncio.sleep(0)
        read_meanwhile = sender.asked
    told = (await sending).splitlines()
    assert read_meanwhile <= 2 * 256 + 1  # one chunk on its way into the store, one ready behind it
    assert len(told) == len(parts)
    assert {orjson.loads(one)["status"] for one in told} == {"accepted"}


async def test_long_lines_are_held_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> AsyncGenerator[bytes]:
        for _ in range(64):
            yield b"x" * 200_000 + b"\n"

    sizes = [sum(len(text or b"") for _, text in chunk) async for chunk in ndjson.numbered(body(), 256, 256 * 1024)]
    assert max(sizes) <= ndjson.CHUNK_BYTES + 200_000
    assert sum(sizes) == 64 * 200_000


async def test_many_answers_lie_in_a_file_and_come_back_whole(door: FrontDoor) -> None:
    bad = b"{}\n" * 3000
    answer = await door.bulk(bad)
    assert int(answer.headers["content-length"]) == len(answer.content) > 2 * KEPT_IN_MEMORY
    assert [one["line"] for one in lines(answer)] == list(range(1, 3001))


async def test_a_body_of_too_many_lines_is_refused(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MOST_LINES", 10)
    answer = await door.bulk(b"\n" * 11)
    assert answer.status_code == 413
    assert not under_way(door).under_way


async def test_too_many_at_once_are_told_when_to_come_back(narrow: FrontDoor) -> None:
    keys, operator = f"{API}/communities/{narrow.community}/keys", staff("operator")
    others = [(await narrow.client.post(keys, json={}, headers=operator)).json()["api_key"] for _ in range(2)]
    content = [orjson.dumps(line())]
    async with store_held(narrow) as connection:
        sending = [asyncio.create_task(Sender(narrow, content).run(key)) for key in (narrow.key, others[0])]
        await waiting_for_the_store(connection)
        await until(lambda: under_way(narrow).under_way.total() == 2)
        own, others_too = await narrow.bulk(b"", narrow.key), await narrow.bulk(b"", others[1])
    for told, status in ((own, 429), (others_too, 503)):
        assert told.status_code == status
        assert told.headers["content-type"] == "application/problem+json"
        assert int(told.headers["Retry-After"]) > 0
    answers = [orjson.loads(answer) for answer in await asyncio.gather(*sending)]
    assert sorted(answer["status"] for answer in answers) == ["accepted", "duplicate"]
    assert (await narrow.bulk(b"", others[1])).status_code == 200


async def test_a_request_that_breaks_off_leaves_its_place(narrow: FrontDoor) -> None:
    sender = Sender(narrow, [orjson.dumps(line()) + b"\n", b"{"])
    sender_gone = Sender(narrow, [b"{}\n", b"{}\n"])
    sender_gone.gone = True
    with pytest.raises(Exception):  # noqa: B017, PT011 - the server learns in its own way that a client has gone
        await sender_gone.run(narrow.key)
    assert not under_way(narrow).under_way
    assert len((await sender.run(narrow.key)).splitlines()) == 2


async def test_a_client_that_takes_no_answer_leaves_nothing(narrow: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = Sender(narrow, [b"{}\n"])

    async def send(_message: Message) -> None:
        raise OSError

    monkeypatch.setattr(sender, "_send", send)
    with pytest.raises(Exception):  # noqa: B017, PT011 - as above
        await sender.run(narrow.key)
    assert not under_way(narrow).under_way
