"""The longer list of faults, in one stack one after the other, and what takes a second instance or another clock."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from tests.chaos.clocks import LIBRARY, MISSING, clock
from tests.chaos.crashing import WITHOUT
from tests.chaos.siege import Siege
from tests.chaos.stack import PATIENCE_SECONDS

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    "faults",
    [
        ("kill intake before send", "kill mediation after append", "kill reporting after effects"),
        ("kill intake after cursor", "kill mediation after commit", "kill notifications before effects"),
        ("kill intake before acknowledgement", "kill notifications before firing"),
        ("kill intake", "pause mediation"),
        ("kill mediation", "pause reporting"),
        ("kill notifications", "move mediation"),
        ("slow postgres", "freeze kafka"),
        ("cut postgres", "hold kafka"),
        ("hold postgres", "halve kafka"),
        ("halve postgres", "cut kafka"),
    ],
    ids=" and ".join,
)
async def test_nothing_is_lost_and_nothing_is_doubled(siege: Siege, faults: tuple[str, ...]) -> None:
    await siege.suffer(*faults)


async def test_a_mail_goes_out_twice_only_by_a_crash_behind_its_answer_and_as_the_same(siege: Siege) -> None:
    """Once the lease is over that whoever died had on it."""
    before = {letter["number"] for letter in await _letters(siege)}
    await asyncio.gather(siege.stack.die_at("notifications", "mail.after"), siege.load.report(random.Random(1)))
    await siege.mails_sent()
    sent = Counter(letter["message_id"] for letter in await _letters(siege) if letter["number"] not in before)
    assert Counter(sent.values())[2] == 1, "the one whose answer nobody heard"
    assert set(sent.values()) <= {1, 2}


@pytest.mark.skipif(LIBRARY is None, reason=MISSING)
@pytest.mark.parametrize(
    ("service", "told"),
    [("mediation", "-2h"), ("notifications", "+2h"), ("notifications", "+0 x5"), ("intake", "-45s")],
)
async def test_a_service_with_another_clock_loses_nothing(siege: Siege, service: str, told: str) -> None:
    async with siege.under_load(), siege.stack.started_with(service, clock(told)):
        await siege.reported()


@pytest.mark.parametrize(
    ("service", "unknown"), [("reporting", "case.acknowledged,case.resolved"), ("notifications", "case.acknowledged")]
)
async def test_what_an_older_instance_does_not_know_waits_for_one_that_does(
    siege: Siege, service: str, unknown: str
) -> None:
    parked = "SELECT 1 FROM held WHERE reason LIKE 'unknown event type%' LIMIT 1"
    async with siege.under_load(), siege.stack.another(service, {WITHOUT: unknown}):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await siege.stack.rows(service, parked):  # noqa: ASYNC110 - the service tells nobody
                await asyncio.sleep(0.2)
    assert not await siege.stack.rows(service, parked)


async def test_every_read_model_equals_one_told_anew_after_all_that(siege: Siege) -> None:
    assert "differs" not in await asyncio.to_thread(siege.stack.doorstep, "verify")


async def _letters(siege: Siege) -> list[dict[str, Any]]:
    answer = await siege.load.http.get("/mail/messages")
    return answer.json()
