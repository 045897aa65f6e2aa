"""Looking back at Kafka's logs, while which nothing is taken, comes to an end."""

import asyncio
import gc
import tracemalloc
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.kafka import create_topics
from services.chassis import garbage
from services.chassis import kafka as clients
from services.chassis.held import Partition
from services.chassis.offsets import Sight

PARTITIONS, RECORDS, RECORD = 12, 40, 8_000
LOOKS = 3


async def test_a_broker_that_takes_connections_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "LOOK_BACK_SECONDS", 0.3)
    monkeypatch.setattr(clients, "CLOSING_SECONDS", 0.3)
    silent: list[asyncio.StreamWriter] = []

    async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.append(writer)

    broker = await asyncio.start_server(listen, "127.0.0.1", 0)
    address = "{}:{}".format(*broker.sockets[0].getsockname())
    builder: Any = partial(AIOKafkaConsumer, bootstrap_servers=address)
    try:
        looking = asyncio.create_task(clients.look_back(builder, {("a-topic", 0): [7]}))
        done, _ = await asyncio.wait([looking], timeout=10)
        assert silent
        assert done
        assert isinstance(looking.exception(), TimeoutError)
    finally:
        for writer in silent:
            writer.close()
        broker.close()


async def test_nothing_is_left_of_what_was_fetched_beside_the_records_asked_for(builder: Any, large: str) -> None:
    """A service that rests does so twice a minute for each consumer, and looks for garbage seldom."""
    wanted = _wanted(large)
    with _left_by_looks() as left:
        looks = [await clients.look_back(builder, wanted) for _ in range(LOOKS)]
    _only_what_was_asked_for(looks, left)


async def test_what_python_looked_through_while_it_was_needed_is_found_when_the_look_ends(
    builder: Any, large: str
) -> None:
    """It is not among the youngest any more: it would stay for minutes, as some of a busy service's looks did."""

    async def look_through() -> None:
        while True:
            gc.collect(0)
            await asyncio.sleep(0.001)

    wanted = _wanted(large)
    looking = asyncio.create_task(look_through())
    try:
        with _left_by_looks() as left:
            looks = [await clients.look_back(builder, wanted) for _ in range(LOOKS)]
    finally:
        looking.cancel()
    _only_what_was_asked_for(looks, left)


async def test_what_a_look_needs_while_another_ends_is_found_by_the_next_search_through_all(
    builder: Any, large: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not among the youngest any more: it would stay for hours."""
    monkeypatch.setattr(garbage, "LOOKS_UNTIL_ALL", LOOKS)
    wanted = _wanted(large)
    with _left_by_looks() as left:
        looks = await asyncio.gather(*(clients.look_back(builder, wanted) for _ in range(LOOKS)))
    _only_what_was_asked_for(looks, left)


@pytest.fixture
def builder(kafka: str) -> Any:
    return partial(AIOKafkaConsumer, bootstrap_servers=kafka)


@pytest.fixture
async def large(kafka: str, builder: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A topic, looked back at once before; the next look is the first that is counted."""
    topic = f"large-{uuid4().hex}"
    await create_topics(kafka, (topic,), PARTITIONS)
    producer: Any = clients.producer(kafka, "a-test")
    async with producer:
        for number in range(PARTITIONS * RECORDS):
            await producer.send(topic, bytes(RECORD), partition=number % PARTITIONS)
    await clients.look_back(builder, _wanted(topic))
    monkeypatch.setattr(garbage, "_looks", count(1))
    return topic


def _wanted(topic: str) -> dict[Partition, list[int]]:
    return {(topic, number): [0, RECORDS - 2] for number in range(PARTITIONS)}


@contextmanager
def _left_by_looks() -> Generator[list[int]]:
    """The bytes that are still there at the end, though Python looked for no garbage itself."""
    left: list[int] = []
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        yield left
        left.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        gc.enable()


def _only_what_was_asked_for(looks: Sequence[Mapping[Partition, Sight]], left: Sequence[int]) -> None:
    assert {frozenset(sight.records) for look in looks for sight in look.values()} == {frozenset((0, RECORDS - 2))}
    assert left[0] < (2 * LOOKS + 4) * PARTITIONS * RECORD
