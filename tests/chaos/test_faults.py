"""Twelve real faults on real processes under load, in one stack: nothing is lost, nothing is doubled."""

import asyncio

import pytest

from tests.chaos import poison
from tests.chaos.siege import Siege
from tests.chaos.stack import until


@pytest.mark.parametrize(
    "faults",
    [
        ("kill intake after append", "kill mediation before append", "kill notifications after firing"),
        ("kill intake after send", "kill reporting after effects", "kill notifications after commit"),
        ("kill kafka", "kill mediation after effects", "kill gateway"),
        ("kill postgres", "kill reporting", "slow kafka"),
    ],
    ids=" and ".join,
)
async def test_nothing_is_lost_and_nothing_is_doubled(siege: Siege, faults: tuple[str, ...]) -> None:
    await siege.suffer(*faults)


async def test_poison_parks_itself_and_stops_nobody_else(siege: Siege) -> None:
    siege.besides |= poison.UNFULFILLED | {"nothing is parked"}
    async with siege.under_load():
        await poison.send(siege.stack.kafka)
        await until(lambda: asyncio.run(poison.parked(siege.stack)) == poison.PARKED, "everything parked")
    assert await poison.parked(siege.stack) == poison.PARKED

    await poison.discard(siege.stack)
    siege.besides.remove("nothing is parked")
    assert not (await siege.verdict()).differences


async def test_every_read_model_equals_one_told_anew_after_all_that(siege: Siege) -> None:
    assert "differs" not in await asyncio.to_thread(siege.stack.doorstep, "verify")
