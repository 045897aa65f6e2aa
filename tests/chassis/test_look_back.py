"""Looking back at Kafka's logs, while which nothing is taken, comes to an end."""

import asyncio
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from services.chassis import kafka


async def test_a_broker_that_takes_connections_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "LOOK_BACK_SECONDS", 0.3)
    monkeypatch.setattr(kafka, "CLOSING_SECONDS", 0.3)
    silent: list[asyncio.StreamWriter] = []

    async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.append(writer)

    broker = await asyncio.start_server(listen, "127.0.0.1", 0)
    address = "{}:{}".format(*broker.sockets[0].getsockname())
    builder: Any = partial(AIOKafkaConsumer, bootstrap_servers=address)
    try:
        looking = asyncio.create_task(kafka.look_back(builder, {("a-topic", 0): [7]}))
        done, _ = await asyncio.wait([looking], timeout=10)
        assert silent
        assert done
        assert isinstance(looking.exception(), TimeoutError)
    finally:
        for writer in silent:
            writer.close()
        broker.close()
