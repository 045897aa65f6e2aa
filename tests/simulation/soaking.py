"""Simulated schedules for as long as somebody wants more of them, in pieces that a ledger adds up."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from itertools import islice
from subprocess import PIPE

import orjson

from deploy.local.home import PROJECT
from tests.soak.ledger import Run, commit

KIND = "simulated schedules"
TOGETHER = 2_000
"""A piece begins and ends with seconds in which a processor waits."""
TWICE_EACH = 10
"""A second run of a seed finds what the simulation does wrong; another seed, what Doorstep does."""


async def runs(seeds: Iterator[int]) -> AsyncGenerator[Run]:
    """A run for each so many seeds, in processes of their own, until closed."""
    while piece := list(islice(seeds, TOGETHER)):
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", "-m", "tests.simulation", f"{piece[0]}-{piece[-1] + 1}", "--sums"),
            *("--twice-each", str(TWICE_EACH)),
            cwd=PROJECT,
            stdout=PIPE,
        )
        told, _ = await process.communicate()
        sums = orjson.loads(told.splitlines()[-1])
        yield Run(
            kind=KIND,
            seed=piece[-1],
            faults=sums["faults"],
            acknowledged=sums["acknowledged"],
            lost=0,
            seconds=round(time.monotonic() - began, 1),
            wrong=[f"seed {seed}: {'; '.join(wrong)}" for seed, wrong in sums["bad"].items()],
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            code=commit(),
            schedules=sums["schedules"],
        )
