"""What reporting takes from Kafka: everything into its own log, and faults into patterns."""

from services.chassis.consumer import Consumer
from services.chassis.eventstore import EventStore
from services.contracts.topics import CASES, TOPICS
from services.reporting import patterns
from services.reporting.patterns import Patterns
from services.reporting.public_log import PublicLog
from services.reporting.read_models.following import LOG_CONSUMER


def consumers(log: PublicLog, store: EventStore, faults_of_a_pattern: int) -> list[Consumer]:
    return [
        Consumer(LOG_CONSUMER, TOPICS, log.take, committed=log.stir),
        Consumer(patterns.CONSUMER, (CASES,), Patterns(store, faults_of_a_pattern).take),
    ]
