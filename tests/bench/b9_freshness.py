"""B9: from the answer of a write to where staff see it, on a whole stack: caseload, board, and the live line.

Open loop: reports come at their times, however long those before them take.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
import orjson
from aiokafka import AIOKafkaProducer

from deploy.local.home import Home
from deploy.local.kafka import create_topics
from services.contracts.topics import CASES, PARTITIONS, TOPICS
from tests.bench.measure import Limits
from tests.bench.servers import Servers
from tests.conftest import free_port
from tests.e2e.conftest import Stack

RATE = 10
"""Reports a second: modest, and far more than a city's communities send."""
NUMBER = 600
WARM_UP = 60
READ_BACK_EACH = 5
"""One in so many is read back: a read that waits asks a hundred times a second, and would itself be the load."""
SENT_ALONE = 300

MEDIAN_LIMIT_MS, P99_LIMIT_MS = 60, 250
ARRIVES_WITHIN = 30.0

AREA = "/bench/street/lane/"
BOARD = f"/api/reporting/v1/indicators?area={AREA}"


@dataclass(slots=True)
class _Seen:
    """Seconds from the answer of the write, for each report."""

    caseload: list[float] = field(default_factory=list[float])
    board: list[float] = field(default_factory=list[float])
    alert: list[float] = field(default_factory=list[float])


async def run(servers: Servers) -> Limits:
    alone = await _alone(servers)
    seen = await asyncio.to_thread(_on_a_stack)
    figures: list[tuple[str, float, float, str]] = []
    for name, seconds in (("caseload", seen.caseload), ("board", seen.board), ("alert", seen.alert)):
        ordered = sorted(1000 * one for one in seconds)
        figures += [
            (f"{name} median", ordered[len(ordered) // 2], MEDIAN_LIMIT_MS, "ms"),
            ("p99", ordered[len(ordered) * 99 // 100], P99_LIMIT_MS, "ms"),
        ]
    return Limits(
        "B9",
        f"from answer to sight at {RATE} reports/s; send_and_wait of one message {1000 * alone:,.1f} ms",
        figures,
    )


def _on_a_stack() -> _Seen:
    """On a home of its own; the servers of the other rows stay idle."""
    with tempfile.TemporaryDirectory(prefix="doorstep-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        stack = Stack(Home(Path(folder) / "home"), free_port())
        try:
            stack.doorstep("up")
            return asyncio.run(_freshness(stack))
        finally:
            stack.doorstep("down")


async def _alone(servers: Servers) -> float:
    """The median of one message sent and acknowledged, nothing else going on."""
    await create_topics(servers.kafka, TOPICS, PARTITIONS)
    producer: Any = AIOKafkaProducer(bootstrap_servers=servers.kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        taken: list[float] = []
        for _ in range(SENT_ALONE):
            began = time.perf_counter()
            await producer.send_and_wait(CASES, b"x" * 600, key=uuid4().bytes)
            taken.append(time.perf_counter() - began)
    finally:
        await producer.stop()
    return sorted(taken)[len(taken) // 2]


async def _freshness(stack: Stack) -> _Seen:
    operator, cadre = ({"Authorization": f"Bearer {stack.token(role, '/bench/')}"} for role in ("operator", "cadre"))
    manager = {"Authorization": f"Bearer {stack.token('manager', '/bench/')}"}
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False, timeout=60.0, limits=limits) as client:
        report = await _community(client, operator)
        seen, raised = _Seen(), dict[str, asyncio.Future[float]]()
        loop = asyncio.get_running_loop()

        def arrival(case: str) -> "asyncio.Future[float]":
            return raised.setdefault(case, loop.create_future())

        live = asyncio.Event()
        listener = asyncio.create_task(_listen(client, cadre, live, arrival))
        async with asyncio.timeout(ARRIVES_WITHIN):
            await live.wait()

        async def one(nth: int) -> None:
            answer = await client.post("/api/intake/v1/reports", json=report, headers=_keyed())
            answered = time.perf_counter()
            answer.raise_for_status()
            case, position = answer.json()["case_id"], answer.headers["Doorstep-Position"]
            wanted = [] if nth % READ_BACK_EACH else [(f"/api/mediation/v1/cases/{case}", cadre), (BOARD, manager)]
            reading = [_shown(client, path, who, position) for path, who in wanted]
            alert, *read = await asyncio.gather(asyncio.wait_for(arrival(case), ARRIVES_WITHIN), *reading)
            if nth < WARM_UP:
                return
            seen.alert.append(max(0.0, alert - answered))
            if read:
                seen.caseload.append(read[0] - answered)
                seen.board.append(read[1] - answered)

        await _open_loop(one)
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
    return seen


async def _open_loop(one: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    began = time.perf_counter()
    running: list[asyncio.Task[None]] = []
    for nth in range(WARM_UP + NUMBER):
        await asyncio.sleep(max(0.0, began + nth / RATE - time.perf_counter()))
        running.append(asyncio.create_task(one(nth)))
    await asyncio.gather(*running)


async def _community(client: httpx.AsyncClient, operator: dict[str, str]) -> dict[str, str]:
    """A report to a community with somebody on duty."""
    for path in ("/bench/", "/bench/street/"):
        answer = await client.post("/api/intake/v1/areas", json={"path": path, "name": "Bench"}, headers=operator)
        answer.raise_for_status()
    form = {"area": AREA, "name": "Lane", "time_zone": "Asia/Shanghai"}
    answer = await client.post("/api/intake/v1/communities", json=form, headers=operator)
    answer.raise_for_status()
    headers = operator | _keyed() | {"Doorstep-Position": answer.headers["Doorstep-Position"]}
    async with asyncio.timeout(ARRIVES_WITHIN):
        while True:
            shift = {"area": AREA, "cadre": "mei"}
            taken = await client.post("/api/notifications/v1/duty:take", json=shift, headers=headers)
            if taken.status_code == 200:
                break
    return {
        "community": answer.json()["community_id"],
        "kind": "fault",
        "category": "water-leak",
        "text": "The pipe in the yard has burst, and water runs down the stairs into the cellar.",
    }


async def _listen(
    client: httpx.AsyncClient,
    cadre: dict[str, str],
    live: asyncio.Event,
    arrival: Callable[[str], "asyncio.Future[float]"],
) -> None:
    """As the duty page does: one stream, by which every alert is told."""
    event = ""
    async with client.stream("GET", "/api/notifications/v1/alerts:stream", headers=cadre) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
                live.set()
            elif name == "data" and event == "alert.raised":
                told = cast("dict[str, Any]", orjson.loads(value))
                future = arrival(told["stream_id"])
                if not future.done():
                    future.set_result(time.perf_counter())


async def _shown(client: httpx.AsyncClient, path: str, who: dict[str, str], position: str) -> float:
    """When a read that waits for the write has it."""
    async with asyncio.timeout(ARRIVES_WITHIN):
        while True:
            answer = await client.get(path, headers=who | {"Doorstep-Position": position})
            if answer.status_code == 200 and "Doorstep-Behind" not in answer.headers:
                return time.perf_counter()


def _keyed() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}
