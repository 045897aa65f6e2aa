"""B10: what staff look at all day, with so many cases there: the caseload's first page and the board's figures."""

import asyncio
import time

from tests.bench.measure import Limits
from tests.bench.servers import Servers
from tests.bench.town import seed, town
from tests.bench.wire import wire
from tests.e2e.conftest import Stack

CASES = 10_000
TIMES = 300
WARM_UP = 30
LIMIT_MS = 20

QUERIES = {
    "caseload": ("cadre", "/api/mediation/v1/cases"),
    "waiting": ("cadre", "/api/mediation/v1/cases?state=opened&state=assigned"),
    "board": ("manager", "/api/reporting/v1/indicators?area=/"),
}
"""Of all areas: as many rows as there are."""


async def run(_servers: Servers) -> Limits:
    return await asyncio.to_thread(_on_a_stack)


def _on_a_stack() -> Limits:
    with town() as stack:
        asyncio.run(seed(stack, CASES))
        slowest = asyncio.run(p99s(stack))
    return limits(CASES, slowest, dict.fromkeys(slowest, float(LIMIT_MS)))


def limits(cases: int, slowest: dict[str, float], at_most: dict[str, float]) -> Limits:
    figures = [(f"{name} p99", figure, at_most[name], "ms") for name, figure in slowest.items()]
    return Limits("B10", f"queries over all of {cases:,} cases, one after the other", figures)


async def p99s(stack: Stack) -> dict[str, float]:
    """Milliseconds, by the query's name."""
    slowest: dict[str, float] = {}
    async with wire(stack.gateway_port) as own:
        for name, (role, path) in QUERIES.items():
            headers = {"Authorization": f"Bearer {stack.token(role)}"}
            taken: list[float] = []
            for nth in range(WARM_UP + TIMES):
                began = time.perf_counter()
                (await own.ask("GET", path, headers)).required()
                if nth >= WARM_UP:
                    taken.append(1000 * (time.perf_counter() - began))
            slowest[name] = sorted(taken)[len(taken) * 99 // 100]
    return slowest
