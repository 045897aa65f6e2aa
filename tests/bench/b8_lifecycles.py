"""B8: whole lifecycles over all four services: report, assign, acknowledge, mediate, resolve, confirm, each step by a
request of its own, until every read model of every service has the last of them.

Closed loop: so many callers, each with its next request as soon as it is answered. All cases take a step before any
takes the next, as a day goes; a case that mediation has not opened yet is tried again.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from deploy.local.control import running_status
from tests.bench.measure import Measured, Result, cpu_seconds
from tests.bench.servers import Servers
from tests.bench.town import caught_up, seed, town
from tests.bench.wire import Wire, wire
from tests.e2e.conftest import Stack

CASES = 10_000
"""In the stores before the first lifecycle begins."""
LIFECYCLES = 1_000
CALLERS = 32
AGAIN_SECONDS = 0.05
ASKED = 185
"""Lifecycles a second."""

AREA = "/bench/street/lane/"
Headers = dict[str, str]


@dataclass(slots=True)
class Life:
    """What its next step has to know."""

    case: str = ""
    receipt: str = ""
    position: str = ""


Step = Callable[[Wire, Life], Awaitable[None]]


@dataclass(slots=True)
class Lifecycles:
    measured: Measured
    steps: dict[str, float] = field(default_factory=dict[str, float])
    """Seconds of each step, for all cases."""
    parts: dict[str, float] = field(default_factory=dict[str, float])
    """Processor seconds of each part of the stack, and of the callers."""


async def run(_servers: Servers) -> Result:
    return await asyncio.to_thread(_on_a_stack)


def _on_a_stack() -> Result:
    with town() as stack:
        asyncio.run(seed(stack, CASES))
        lived = asyncio.run(lifecycles(stack))
    return result(lived, f"whole lifecycles at {CASES:,} cases", "asked", Measured(ASKED, 1.0), 1.0)


def result(lived: Lifecycles, work: str, baseline: str, against: Measured, target: float) -> Result:
    number = lived.measured.operations
    steps = ", ".join(f"{name} {number / seconds:,.0f}/s" for name, seconds in lived.steps.items())
    cost = ", ".join(f"{name} {1000 * seconds / number:,.1f} ms" for name, seconds in lived.parts.items())
    notes = [f"step by step, at {CALLERS} callers: {steps}", f"processor time of a lifecycle: {cost}"]
    return Result("B8", work, baseline, lived.measured, against, target, notes)


async def steps(stack: Stack) -> Mapping[str, Step]:
    """Of a lifecycle, in their order, on a stack that has a community for them or is given one."""
    staff = {role: _bearer(stack.token(role, "/bench/")) for role in ("operator", "supervisor", "mediator")}
    async with wire(stack.gateway_port) as first:
        community = await _community(first, staff["operator"])
    report = {
        "community": community,
        "kind": "fault",
        "category": "water-leak",
        "text": "The pipe in the yard has burst, and water runs down the stairs into the cellar.",
    }

    async def reported(wire: Wire, life: Life) -> None:
        answer = (await wire.ask("POST", "/api/intake/v1/reports", _keyed(), report)).required()
        life.case, life.receipt = answer.json()["case_id"], answer.json()["receipt"]

    def by_staff(step: str, role: str, form: dict[str, str] | None) -> Step:
        async def taken(wire: Wire, life: Life) -> None:
            headers = staff[role] | _keyed()
            path = f"/api/mediation/v1/cases/{life.case}/{step}"
            answer = await wire.ask("POST", path, headers, form)
            while answer.status == 404:
                await asyncio.sleep(AGAIN_SECONDS)
                answer = await wire.ask("POST", path, headers, form)
            life.position = answer.required().headers["doorstep-position"]

        return taken

    async def confirmed(wire: Wire, life: Life) -> None:
        headers = _keyed() | {"Doorstep-Receipt": life.receipt, "Doorstep-Position": life.position}
        answer = await wire.ask("POST", "/api/intake/v1/case:confirm", headers)
        while answer.status == 409:
            await asyncio.sleep(AGAIN_SECONDS)
            answer = await wire.ask("POST", "/api/intake/v1/case:confirm", headers | _keyed())
        answer.required()

    explained = {"resolution": "explained", "explanation": "The valve was closed on Tuesday.", "language": "en"}
    return {
        "report": reported,
        "assign": by_staff("assign", "supervisor", {"owner": "demo-mediator"}),
        "acknowledge": by_staff("acknowledge", "mediator", None),
        "mediate": by_staff("mediate", "mediator", {"result": "agreed", "place": "home"}),
        "resolve": by_staff("resolve", "mediator", explained),
        "confirm": confirmed,
    }


async def lifecycles(stack: Stack, number: int = LIFECYCLES) -> Lifecycles:
    """Their rate."""
    way = await steps(stack)
    lives = [Life() for _ in range(number)]
    lived = Lifecycles(Measured(number))
    before, began = _cost(stack), time.perf_counter()
    for name, step in way.items():
        step_began = time.perf_counter()
        await _all_take(stack, step, lives)
        lived.steps[name] = time.perf_counter() - step_began
    await caught_up(stack)
    lived.measured.seconds = time.perf_counter() - began
    lived.parts = {name: seconds - before[name] for name, seconds in _cost(stack).items()}
    lived.measured.cpu_seconds = sum(lived.parts.values())
    return lived


def _cost(stack: Stack) -> dict[str, float]:
    known = running_status(stack.home)
    assert known is not None
    parts = {part.name: cpu_seconds([part.pid]) for part in known.parts if part.pid is not None}
    return parts | {"callers": cpu_seconds([os.getpid()])}


async def _all_take(stack: Stack, step: Step, lives: list[Life]) -> None:
    waiting = iter(lives)

    async def caller() -> None:
        async with wire(stack.gateway_port) as own:
            for life in waiting:
                await step(own, life)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def _community(wire: Wire, operator: Headers) -> str:
    for path in ("/bench/", "/bench/street/"):
        (await wire.ask("POST", "/api/intake/v1/areas", operator, {"path": path, "name": "Bench"})).required()
    place = {"area": AREA, "name": "Lane", "time_zone": "Asia/Shanghai"}
    return (await wire.ask("POST", "/api/intake/v1/communities", operator, place)).required().json()["community_id"]


def _bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def _keyed() -> Headers:
    return {"Idempotency-Key": uuid4().hex}
