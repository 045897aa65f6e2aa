"""Kafka's log is gone for good: every service's own log brings it back, and nothing takes effect twice."""

import shutil

import pytest

from tests.chaos.conftest import alerts_of, at_rest, logs_of, reported, under_load
from tests.e2e.conftest import Stack

pytestmark = pytest.mark.chaos

CASES = 60


async def test_a_lost_log_is_published_again_and_nobody_is_alerted_twice(stack: Stack) -> None:
    async with under_load(stack, 3) as load:
        await reported(load, CASES)
    await at_rest(stack)
    before, alerts = await logs_of(stack), await alerts_of(stack)
    stack.doorstep("down")
    shutil.rmtree(stack.home.kafka)

    stack.doorstep("up")
    lost = stack.doorstep("reconcile", code=1)
    assert "doorstep republish intake" in lost
    said = stack.doorstep("republish")
    assert all(f"events of {service} sent again" in said for service in before)
    await at_rest(stack)
    assert "differs" not in stack.doorstep("verify")
    after = await logs_of(stack)
    assert {service: log[: len(before[service])] for service, log in after.items()} == before
    assert alerts.items() <= (await alerts_of(stack)).items()

    async with under_load(stack, 4) as load:
        await reported(load, CASES)
    await at_rest(stack)
