"""Events handed to a consumer without Kafka: what they cause, and nothing of what is remembered of them."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.consumer import Consumer
from services.chassis.inbox import effects_of
from services.chassis.projections import generation_of
from services.chassis.taken import Taken
from services.contracts.envelope import Recorded


async def taken_by(consumer: Consumer, connection: AsyncConnection, events: Iterable[Recorded]) -> None:
    """In the caller's transaction, as in that of a batch."""
    generations = [await generation_of(connection, model) for model in consumer.models]
    await effects_of(consumer, generations)(connection, [Taken(event) for event in events])
