"""One stack, its clients, and fault after fault: what was acknowledged in all of it is judged after each."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.chaos.faults import FAULTS
from tests.chaos.judging import Verdict, judged
from tests.chaos.load import Load
from tests.chaos.stack import MortalStack, until

REPORTS = 10
"""Answered before a fault, and after it."""


@dataclass
class Siege:
    """`phases` counts the times that the clients were set to work; `besides` are checks that no longer hold."""

    stack: MortalStack
    load: Load
    phases: int = 0
    besides: set[str] = field(default_factory=set[str])

    @asynccontextmanager
    async def under_load(self) -> AsyncGenerator[None]:
        """Clients at work before, in and after what a block does; then everything has to be in place."""
        self.phases += 1
        async with self.at_work(self.phases):
            yield
        verdict = await self.verdict()
        assert not verdict.differences, "\n".join(verdict.differences)
        assert not self.load.failures, "answered with 500"

    @asynccontextmanager
    async def at_work(self, seed: int) -> AsyncGenerator[None]:
        """Clients that got answers before and after the block."""
        async with self.load.at_work(seed):
            await self.reported()
            yield
            await self.reported()

    async def suffer(self, *names: str) -> None:
        """Faults of different parts at once, under load."""
        async with self.under_load():
            await asyncio.gather(*(FAULTS[name].inject(self.stack, random.Random(name)) for name in names))

    async def mails_sent(self) -> None:
        """Until no message waits to go out."""
        waiting = "SELECT 1 FROM delivery WHERE state = 'waiting' LIMIT 1"
        while await self.stack.rows("notifications", waiting):  # noqa: ASYNC110 - the service tells nobody
            await asyncio.sleep(0.2)

    async def verdict(self) -> Verdict:
        verdict = await judged(self.stack.places, self.load.told, self.besides)
        print(verdict)
        return verdict

    async def reported(self, more: int = REPORTS) -> None:
        """Until so many more reports have an answer."""
        wanted = self.load.reported + more
        await until(lambda: self.load.reported >= wanted, f"{more} more reports")

    async def ready(self) -> None:
        await until(self.stack.is_ready, "the stack")


@asynccontextmanager
async def besieged(stack: MortalStack) -> AsyncGenerator[Siege]:
    """The clients of a stack, settled in."""
    with (stack.home.folder / "history.ndjson").open("ab", buffering=0) as history:
        async with Load(stack, history) as load:
            await load.settle_in()
            yield Siege(stack, load)
