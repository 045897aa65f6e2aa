"""B5: the relay from store to Kafka, against a bare idempotent producer of the same bytes."""

import asyncio
from collections.abc import Awaitable
from typing import Protocol, cast

from aiokafka import AIOKafkaProducer

from deploy.local.kafka import create_topics
from services.chassis.database import engine
from services.chassis.eventstore import EventStore
from services.chassis.ids import new_id
from services.chassis.relay import Relay, cursor
from services.contracts.envelope import Headers, Recorded, to_headers
from services.contracts.topics import PARTITIONS, TOPICS
from tests.bench.casework import fill, works
from tests.bench.measure import Measured, Result, measured
from tests.bench.servers import Servers

NUMBER = 40_000
BARE_TOPIC = "bench.bare"


class Sender(Protocol):
    """What is used of aiokafka's producer, whose own methods carry no types."""

    async def send(self, topic: str, *, value: bytes, key: bytes, headers: Headers) -> Awaitable[object]: ...


async def run(servers: Servers) -> Result:
    await create_topics(servers.kafka, (*TOPICS, BARE_TOPIC), PARTITIONS)
    dsns = await servers.chassis_database()
    application, worker = engine(dsns.application, "bench"), engine(dsns.worker, "bench")
    async with EventStore("chassis", application, worker).open() as store:
        cases = works(NUMBER)
        events = await fill(store, cases, [new_id() for _ in cases])
        async with worker.connect() as connection:
            same = await store.read(connection, 0, events)
        bare = await _bare(servers, same)

        relay = Relay(store, worker, servers.kafka)
        with measured(events, servers.pids) as relayed:
            running = asyncio.create_task(relay.run())
            async with worker.connect() as connection:
                while await cursor(connection) < events:
                    await connection.rollback()
                    await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await application.dispose()
    await worker.dispose()
    return Result("B5", "relay: store → Kafka", "bare idempotent producer", relayed, bare, target=0.5)


async def _bare(servers: Servers, events: list[Recorded]) -> Measured:
    """aiokafka's `send`, as a program that knows nothing of batches would use it; headers as the relay sends."""
    producer = AIOKafkaProducer(
        bootstrap_servers=servers.kafka, enable_idempotence=True, acks="all", linger_ms=5, max_batch_size=256 * 1024
    )
    await producer.start()
    sender = cast("Sender", producer)
    records = [(str(e.stream_id).encode(), e.data, to_headers(e)) for e in events]
    with measured(len(records), servers.pids) as bare:
        await asyncio.gather(
            *[await sender.send(BARE_TOPIC, value=value, key=key, headers=told) for key, value, told in records]
        )
    await producer.stop()
    return bare
