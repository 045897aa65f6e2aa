"""The clients that speak to Kafka, set up the one way that loses nothing."""

from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker
from faststream.middlewares import AckPolicy


def broker(bootstrap: str, client_id: str) -> KafkaBroker:
    """For consuming only. It logs nothing of its own: a log line of FastStream may quote a record."""
    return KafkaBroker(
        bootstrap,
        client_id=client_id,
        consumer_only=True,
        allow_auto_create_topics=False,
        ack_policy=AckPolicy.MANUAL,
        apply_types=False,
        graceful_timeout=10.0,
        logger=None,
    )


def producer(bootstrap: str, client_id: str) -> AIOKafkaProducer:
    """Keeps order and writes once within a session; an acknowledgement means every replica in sync has it."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        linger_ms=2,
        max_batch_size=256 * 1024,
    )
