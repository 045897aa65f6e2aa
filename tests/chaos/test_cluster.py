"""Three brokers that hold everything thrice: one dies, two die, one loses its log; nothing acknowledged is lost."""

import asyncio
import shutil
from collections.abc import AsyncGenerator

import pytest

from tests.chaos.siege import Siege, besieged
from tests.chaos.stack import mortal_stack

pytestmark = pytest.mark.chaos

BROKERS = ("kafka-1", "kafka-2", "kafka-3")


@pytest.fixture(scope="module")
async def siege() -> AsyncGenerator[Siege]:
    """A stack on three brokers; two replicas have to be in sync."""
    with mortal_stack(brokers=len(BROKERS)) as stack:
        async with besieged(stack) as siege:
            yield siege


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_killed_broker_is_missed_by_nobody(siege: Siege, broker: str) -> None:
    async with siege.under_load():
        await siege.stack.kill(broker)


async def test_with_two_brokers_dead_reports_are_taken_and_travel_later(siege: Siege) -> None:
    async with siege.under_load():
        await asyncio.gather(*(siege.stack.kill(broker) for broker in BROKERS[1:]))
        await siege.ready()


async def test_a_broker_that_lost_its_log_gets_it_from_the_others(siege: Siege) -> None:
    async with siege.under_load():
        shutil.rmtree(siege.stack.home.kafka / "3" / "log")
        await siege.stack.kill("kafka-3")
        await siege.ready()


async def test_every_read_model_equals_one_told_anew(siege: Siege) -> None:
    assert "differs" not in await asyncio.to_thread(siege.stack.doorstep, "verify")
