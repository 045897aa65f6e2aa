"""Real faults on real processes under load, in one stack one after the other: nothing is lost, nothing is doubled."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.chaos import poison
from tests.chaos.siege import Siege

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize(
    "fault",
    [
        "kill intake after append",
        "kill mediation before append",
        "kill intake after send",
        "kill mediation after effects",
        "kill notifications after commit",
        "kill notifications after firing",
        "kill postgres",
        "kill kafka",
        "cut kafka",
        "halve postgres",
    ],
)
async def test_nothing_is_lost_and_nothing_is_doubled(siege: Siege, fault: str) -> None:
    await siege.suffer(fault)


async def test_a_mail_goes_out_twice_only_by_a_crash_behind_its_answer_and_as_the_same(siege: Siege) -> None:
    before = {letter["number"] for letter in await _letters(siege)}
    await siege.suffer("kill notifications after mail")
    await siege.mails_sent()
    sent = Counter(letter["message_id"] for letter in await _letters(siege) if letter["number"] not in before)
    assert Counter(sent.values())[2] == 1, "the one whose answer nobody heard"
    assert set(sent.values()) == {1, 2}


async def test_poison_parks_itself_and_stops_nobody_else(siege: Siege) -> None:
    siege.besides |= poison.UNFULFILLED | {"nothing is parked"}
    async with siege.under_load():
        await poison.send(siege.stack.kafka)
        while await poison.parked(siege.stack) != poison.PARKED:  # noqa: ASYNC110 - the services tell nobody
            await asyncio.sleep(0.2)
    assert await poison.parked(siege.stack) == poison.PARKED

    await poison.discard(siege.stack)
    siege.besides.remove("nothing is parked")
    assert not (await siege.verdict()).differences


async def test_every_read_model_equals_one_told_anew_after_all_that(siege: Siege) -> None:
    assert "differs" not in await asyncio.to_thread(siege.stack.doorstep, "verify")


async def _letters(siege: Siege) -> list[dict[str, Any]]:
    answer = await siege.load.http.get("/mail/messages")
    return answer.json()
