"""Ends processes of one stack without warning, in an order that a seed gives, and sees them come back."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import psutil

from deploy.local import processes
from deploy.local.control import running_status
from deploy.local.home import Home
from deploy.local.state import SERVICES

TARGETS = (*SERVICES, "postgres", "kafka")
BACK_SECONDS = 120.0
GAP_SECONDS = (1.0, 6.0)
_POLL_SECONDS = 0.05


class NotBack(Exception):
    """A part did not come back in time; the message names it."""


@dataclass(slots=True)
class Kill:
    """`at`: seconds since the load began; `back`: until the part was ready again."""

    part: str
    pid: int
    at: float
    back: float | None = None


def schedule(kills: int, seed: int) -> list[tuple[str, float]]:
    """Parts in random order, each as often as the others, and how long to wait before each."""
    rng = random.Random(seed)
    order: list[str] = []
    while len(order) < kills:
        order += rng.sample(TARGETS, len(TARGETS))
    return [(part, round(rng.uniform(*GAP_SECONDS), 2)) for part in order[:kills]]


async def carry_out(home: Home, planned: list[tuple[str, float]]) -> AsyncGenerator[Kill]:
    """Each kill as it is done; the generator ends when all parts are back.

    Raises:
        NotBack: one is not.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    watching: list[asyncio.Task[None]] = []
    for part, gap in planned:
        await asyncio.sleep(gap)
        process = await _found(home, part)
        process.kill()
        kill = Kill(part, process.pid, loop.time() - began)
        watching.append(asyncio.create_task(_until_back(home, kill)))
        yield kill
    await asyncio.gather(*watching)
    await _until(lambda: is_ready(home), "the stack")


def is_ready(home: Home) -> bool:
    """Whether every part of the stack is."""
    known = running_status(home)
    return known is not None and known.is_ready()


async def _found(home: Home, part: str) -> psutil.Process:
    """The part's process, once it runs: a kill of what is dead already would be none."""

    def running() -> psutil.Process | None:
        recorded = processes.read(home.run / "processes.json")
        return next((process for one in recorded if one.name == part and (process := one.process())), None)

    await _until(lambda: running() is not None, part)
    process = running()
    if process is None:
        raise NotBack(f"{part} ended by itself")
    return process


async def _until_back(home: Home, kill: Kill) -> None:
    """Another process of that part is ready, in place of the one that was ended."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    def back() -> bool:
        known = running_status(home)
        return known is not None and any(
            part.name == kill.part and part.phase == "ready" and part.pid not in (None, kill.pid)
            for part in known.parts
        )

    await _until(back, kill.part)
    kill.back = loop.time() - began


async def _until(true: Callable[[], bool], what: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BACK_SECONDS
    while not true():
        if loop.time() > deadline:
            raise NotBack(f"{what} did not come back within {BACK_SECONDS:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)
