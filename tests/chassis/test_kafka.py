"""The way to a cluster."""

from collections.abc import Awaitable, Callable

import pytest

from services.chassis import kafka as clients
from tests.conftest import free_port


async def _consuming(addresses: str) -> None:
    broker = clients.broker(addresses, "test")
    await broker.connect()
    subscriber = broker.subscriber("doorstep.cases.v1")
    await subscriber.start()
    await broker.stop()


async def _publishing(addresses: str) -> None:
    producer = clients.producer(addresses, "test")
    await producer.start()
    await producer.stop()


@pytest.mark.parametrize("reach", [_consuming, _publishing])
async def test_of_several_addresses_one_that_answers_is_enough(
    kafka: str, reach: Callable[[str], Awaitable[None]]
) -> None:
    """The setting lists them with commas, which FastStream takes for a part of one address."""
    await reach(f"127.0.0.1:{free_port()},{kafka}")
