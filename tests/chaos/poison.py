"""Records on Kafka that no reader can take, put there by nobody of ours."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from deploy.local.state import SERVICES
from services.chassis import kafka
from services.chassis import parked as parking
from services.chassis.database import engine
from services.contracts.envelope import Headers, to_headers
from services.contracts.topics import CASES
from tests.chaos.stack import MortalStack
from tests.chassis.events import withdrawn

CONSUMERS = [
    "intake-status",
    "mediation-caseload",
    "mediation-cases",
    "notifications-alert-list",
    "notifications-alerts",
    "notifications-deliveries",
    "reporting-log",
    "reporting-patterns",
]
"""Of the topic of cases: each reads every record, and parks for itself."""

PARKED: Mapping[str, Sequence[str]] = {
    "unknown event type 'case.teleported'": CONSUMERS,
    "case.withdrawn has schema version 99, known up to 1": CONSUMERS,
    "a header is not what CloudEvents and Doorstep ask for": CONSUMERS,
    "the body does not fit case.reported version 1": [
        name for name in CONSUMERS if name not in ("notifications-alert-list", "notifications-alerts")
    ],
}
"""Who parks what; a body is read by those alone whom its type concerns."""

UNFULFILLED = frozenset({"everything on Kafka can be read", "Kafka holds events of our services alone"})
"""Checks that stay wrong: what lies on Kafka lies there for good."""


def records() -> Sequence[tuple[Headers, bytes]]:
    """An unknown type, a schema version of the future, a body of a megabyte that is no JSON, and broken bytes."""
    sound = withdrawn(uuid4(), 1)._replace(source="elsewhere")
    return [
        (to_headers(sound._replace(type="case.teleported")), sound.data),
        (to_headers(sound._replace(stream_id=uuid4(), schema_version=99)), sound.data),
        (to_headers(sound._replace(stream_id=uuid4(), type="case.reported")), b"x" * 1_000_000),
        (
            [(name, b"\xff\xfe" if name == "ce_source" else value) for name, value in to_headers(sound)],
            bytes(range(256)),
        ),
    ]


async def parked(stack: MortalStack) -> Mapping[str, Sequence[str]]:
    """Who has parked what, as `PARKED` says it."""
    found: dict[str, list[str]] = {}
    for service in SERVICES:
        for consumer, reason in await stack.rows(
            service, "SELECT consumer, reason FROM held WHERE reason IS NOT NULL ORDER BY consumer"
        ):
            found.setdefault(reason, []).append(consumer)
    return {reason: sorted(consumers) for reason, consumers in found.items()}


async def discard(stack: MortalStack) -> None:
    """Give all of it up, as `doorstep parked discard` does for one."""
    for service in SERVICES:
        worker = engine(stack.dsns(service).worker, "poisoner", connections=1)
        async with worker.begin() as connection:
            for one in await parking.parked(connection):
                await parking.discard(connection, one.id)
        await worker.dispose()


async def send(bootstrap: str) -> None:
    """Each under a key of its own, in whatever partition that lies."""
    producer: Any = kafka.producer(bootstrap, "poisoner")
    await producer.start()
    try:
        for headers, body in records():
            await producer.send_and_wait(CASES, body, key=uuid4().bytes, headers=headers)
    finally:
        await producer.stop()
