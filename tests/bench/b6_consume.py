"""B6: consume and project the caseload, against FastStream batch consumption that only counts.

Both are measured from their first batch: joining a group takes as long as it takes, and is no part of the rate.
"""

import asyncio
from collections.abc import Sequence
from typing import cast

from faststream.kafka import KafkaBroker, KafkaMessage
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.kafka import create_topics
from services.chassis.consumer import Consumer
from services.chassis.consuming import Consumers
from services.chassis.database import engine
from services.chassis.eventstore import EventStore
from services.chassis.ids import new_id
from services.chassis.kafka import broker
from services.chassis.publisher import publisher
from services.chassis.taken import Taken
from services.contracts.topics import CASES, PARTITIONS, TOPICS
from services.mediation.read_models.caseload import CASELOAD
from services.mediation.read_models.feeds import READ_MODELS
from tests.bench.casework import fill, works
from tests.bench.measure import Measured, Result, measured
from tests.bench.servers import Servers
from tests.services import migrated

NUMBER = 50_000
BLOCK = 2_000


async def run(servers: Servers) -> Result:
    await create_topics(servers.kafka, TOPICS, PARTITIONS)
    models = [model for models in READ_MODELS.values() for model in models]
    async with migrated(servers.databases, "mediation", models) as dsns:
        application, worker = engine(dsns.application, "bench"), engine(dsns.worker, "bench")
        async with EventStore("mediation", application, worker).open() as store:
            cases = works(NUMBER)
            events = await fill(store, cases, [new_id() for _ in cases])
            async with worker.connect() as connection, publisher(servers.kafka, "bench") as to:
                for after in range(0, events, BLOCK):
                    await to.send(await to.encode(await store.read(connection, after, BLOCK)))
        bare = await _counting(servers, events)

        begun = asyncio.Event()

        async def begin(_connection: AsyncConnection, _batch: Sequence[Taken]) -> None:
            begun.set()

        consumer = Consumer("bench-caseload", (CASES,), models=[CASELOAD], beforehand=begin)
        consumers = Consumers(broker(servers.kafka, "bench"), [consumer], worker)
        async with consumers.open(), worker.connect() as connection:
            await begun.wait()
            with measured(events, servers.pids) as projected:
                taken = 0
                while taken < events:
                    await asyncio.sleep(0.05)
                    offsets = await connection.exec_driver_sql(
                        "SELECT coalesce(sum(next_offset), 0) FROM consumer_offset WHERE consumer = 'bench-caseload'"
                    )
                    taken = int(offsets.scalar_one())
                    await connection.rollback()
        await application.dispose()
        await worker.dispose()
    return Result("B6", "consume and project the caseload", "FastStream batches, counted", projected, bare, target=0.4)


async def _counting(servers: Servers, events: int) -> Measured:
    counting = KafkaBroker(servers.kafka, logger=None)
    begun, done = asyncio.Event(), asyncio.Event()
    seen = 0

    @counting.subscriber(CASES, batch=True, group_id="bench-count", auto_offset_reset="earliest", max_records=2_000)
    async def count(message: KafkaMessage) -> None:
        nonlocal seen
        begun.set()
        seen += len(cast("Sequence[object]", message.raw_message))
        if seen >= events:
            done.set()

    await counting.start()
    await begun.wait()
    with measured(events, servers.pids) as bare:
        await done.wait()
    await counting.stop()
    return bare
