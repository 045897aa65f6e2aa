"""Every part killed twice and once more, in random order under live load: all is there, nobody is told twice."""

import asyncio
import random

import pytest

from deploy.local.state import SERVICES
from tests.chaos.siege import Siege

pytestmark = pytest.mark.chaos

PARTS = (*SERVICES, "postgres", "kafka")
TIMES = 3
SEED = 4
REPORTS_BETWEEN = 5


async def test_eighteen_kills(siege: Siege) -> None:
    order = [*PARTS] * TIMES
    random.Random(SEED).shuffle(order)
    async with siege.under_load():
        for nth, part in enumerate(order, 1):
            await siege.stack.kill(part)
            await siege.reported(REPORTS_BETWEEN)
            print(f"{nth}. {part}")
    said = await asyncio.to_thread(siege.stack.doorstep, "reconcile")
    print(said)
    assert "differs" not in await asyncio.to_thread(siege.stack.doorstep, "verify")
