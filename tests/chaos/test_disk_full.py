"""Disks full to the last byte under PostgreSQL and under Kafka: 503, never a false 2xx, and all goes on with room."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.chaos.disk import NoDisk, fill, full, small_disk
from tests.chaos.siege import Siege, besieged
from tests.chaos.stack import mortal_stack

pytestmark = pytest.mark.chaos

MEGABYTES = 900
ENOUGH = 5
"""Answers that show what is wanted."""


@pytest.fixture(scope="module")
async def siege() -> AsyncGenerator[Siege]:
    """A stack whose home lies on a small disk, and its Kafka on another."""
    with tempfile.TemporaryDirectory(prefix="doorstep-disk-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        try:
            with (
                small_disk(folder, MEGABYTES),
                small_disk(folder / "home" / "kafka", MEGABYTES),
                mortal_stack(folder) as stack,
            ):
                async with besieged(stack) as siege:
                    yield siege
        except NoDisk as forbidden:
            pytest.skip(f"no small disk can be mounted here: {forbidden}")


async def test_without_room_for_postgres_the_answer_is_503_and_nothing_is_lost(siege: Siege) -> None:
    async with siege.under_load():
        with full(siege.stack.home.folder):
            refused = siege.load.unavailable
            while siege.load.unavailable < refused + ENOUGH:
                fill(siege.stack.home.folder / "ballast")
                await asyncio.sleep(0.1)
        await siege.ready()


async def test_without_room_for_kafka_reports_are_taken_and_travel_later(siege: Siege) -> None:
    async with siege.under_load():
        pid = (await siege.stack.process("kafka")).pid
        with full(siege.stack.home.kafka):
            while siege.stack.part("kafka").pid == pid:
                fill(siege.stack.home.kafka / "ballast")
                await asyncio.sleep(0.1)
            await siege.reported(ENOUGH)
        await siege.ready()


async def test_every_read_model_equals_one_told_anew(siege: Siege) -> None:
    assert "differs" not in await asyncio.to_thread(siege.stack.doorstep, "verify")
