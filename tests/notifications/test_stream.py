"""The live line over HTTP, on a real server: what programs read, and how it ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from deploy.local.postgres import Dsns
from services.notifications import streaming
from tests.conftest import free_port
from tests.notifications.office import Office, opened_office

STREAM = "/api/notifications/v1/alerts:stream"
SECONDS = 20.0


@dataclass
class Line:
    client: httpx.AsyncClient
    server: Server
    served: "asyncio.Task[None]"


@pytest.fixture
async def line(office: Office) -> AsyncGenerator[Line]:
    async with serving(office) as line:
        yield line


@asynccontextmanager
async def serving(office: Office) -> AsyncGenerator[Line]:
    """The office on a port, its feed running."""
    port = free_port()
    server = Server(office.app, port=port, interface=Interfaces.ASGINL, log_enabled=False, log_access=False)
    served = asyncio.create_task(server.serve())
    feed = office.app.state.feed
    reading = asyncio.create_task(feed.run())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
        for _ in range(200):
            with suppress(httpx.TransportError):
                await client.get("/api/notifications/livez")
                break
            await asyncio.sleep(0.05)
        yield Line(client, server, served)
    feed.cut()
    server.stop()
    await served
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


@dataclass(frozen=True)
class Block:
    id: int
    event: str
    data: Any


@asynccontextmanager
async def listening(
    line: Line, who: dict[str, str], last: int | None = None
) -> AsyncGenerator[tuple[httpx.Response, AsyncIterator[Block]]]:
    resumed = {} if last is None else {"Last-Event-ID": str(last)}
    async with asyncio.timeout(SECONDS), line.client.stream("GET", STREAM, headers=who | resumed) as answer:
        yield answer, blocks(answer)


async def blocks(answer: httpx.Response) -> AsyncIterator[Block]:
    fields: dict[str, str] = {}
    async for text in answer.aiter_lines():
        name, _, value = text.partition(": ")
        if text:
            fields[name] = value
        elif "id" in fields:
            yield Block(int(fields["id"]), fields["event"], orjson.loads(fields["data"]))
            fields = {}


async def test_a_case_is_told_from_its_alert_to_its_answer_and_resumed_between(office: Office, line: Line) -> None:
    mei = office.staff("cadre", "mei")
    async with listening(line, mei) as (answer, told):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert (await anext(told)).event == "alive"
        await office.on_duty("mei", office.community)
        assert (await anext(told)).event == "duty.taken"
        case = await office.case_opens()
        raised = await anext(told)
    assert (raised.event, raised.data["stream_id"], raised.data["area"]) == (
        "alert.raised",
        str(case),
        office.community,
    )
    assert raised.data["data"]["recipient"] == "mei"

    await office.post(f"alerts/{raised.data['data']['alert']}/acknowledge", mei)
    async with listening(line, mei, raised.id) as (_, told):
        missed = await anext(told)
        assert (missed.event, missed.data["data"]["by"], missed.data["version"]) == ("alert.acknowledged", "mei", 2)
        assert (await anext(told)).event == "alive"


async def test_it_is_told_of_ones_areas_alone(office: Office, line: Line) -> None:
    far = office.staff("cadre", "far", f"{office.street}far/")
    async with listening(line, far, 0) as (_, told):
        assert (await anext(told)).event == "alive"
        await office.case_opens()
        await office.on_duty("far", office.street)
        office.app.state.feed.cut()
        assert [block.event async for block in told] == []


async def test_who_goes_is_forgotten(office: Office, line: Line) -> None:
    async with listening(line, office.staff("cadre", "mei")) as (_, told):
        await anext(told)
        assert office.app.state.feed.listening == 1
    async with asyncio.timeout(SECONDS):
        while office.app.state.feed.listening:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


async def test_a_stream_ends_after_its_life_so_that_who_listens_is_asked_anew(
    office: Office, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "LIFE_SECONDS", 0.0)
    mei = office.staff("cadre", "mei")
    await office.on_duty("mei", office.community)
    async with listening(line, mei, 0) as (_, told):
        assert len([block async for block in told]) == 2


async def test_at_the_end_of_the_service_streams_do_not_keep_the_server(notifications_database: Dsns) -> None:
    async with (
        opened_office(notifications_database) as office,
        serving(office) as line,
        listening(line, office.staff("cadre", "mei")) as (_, told),
    ):
        await anext(told)
        async with asyncio.timeout(SECONDS):
            for end_answers in office.app.state.leaving:
                end_answers()
            line.server.stop()
            assert [block async for block in told] == []
            await line.served


async def test_only_who_is_told_of_cases_listens(office: Office) -> None:
    assert (await office.client.get(STREAM)).status_code == 401
    assert (await office.client.get(STREAM, headers=office.staff("manager", "max"))).status_code == 403


async def test_while_the_log_cant_be_read_it_says_so_at_once(notifications_database: Dsns) -> None:
    async with opened_office(notifications_database) as office:  # whose feed has not begun
        answer = await office.client.get(STREAM, headers=office.staff("cadre", "mei"))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:doorstep:unavailable")
