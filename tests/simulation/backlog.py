"""What has further to go before a schedule is settled (I9)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.simulation.bus import Bus
from tests.simulation.services import Running
from tests.simulation.tables import Database

FOLLOWERS = {
    "intake": ("relay",),
    "mediation": ("relay", "timers"),
    "notifications": ("relay", "timers"),
    "reporting": ("relay",),
}
"""What goes through a service's own log."""

OF_PUBLIC_LOG = ("case_fact", "place")


def behind(databases: Mapping[str, Database], processes: Iterable[Running], bus: Bus) -> Iterator[str]:
    """By service, as `mediation: relay` or `intake: intake-cases cases 0`."""
    for name, database in databases.items():
        position = database.table("log").rows.get(0, 0)
        yield from (f"{name}: {follower}" for follower in _short_of(position, database, FOLLOWERS[name]))
    if any(_in_dead_hands(row) for row in databases["notifications"].rows("delivery")):
        yield "notifications: messages"
    reporting = databases["reporting"]
    head = reporting.table("public_log").rows.get(0, 0)
    yield from (f"reporting: {model}" for model in _short_of(head, reporting, OF_PUBLIC_LOG))
    for running in processes:
        name = running.service.name
        yield from (f"{name}: {consumer}" for consumer in _consumers(databases[name], running, bus))


def _in_dead_hands(row: Any) -> bool:
    """A message that is claimed: while all is quiet, by somebody who never said how it ended."""
    return row.state == "waiting" and row.attempts > 0 and row.reason is None


def _short_of(position: int, database: Database, followers: Iterable[str]) -> Iterator[str]:
    cursors = database.table("cursor").rows
    return (follower for follower in followers if cursors.get(follower, 0) < position)


def _consumers(database: Database, running: Running, bus: Bus) -> Iterator[str]:
    offsets = database.table("consumer_offset").rows
    for subscription in running.consumers.subscriptions:
        consumer = subscription.consumer
        for (topic, number), log in bus.logs.items():
            if topic not in consumer.topics or not log.end:
                continue
            row = offsets.get((consumer.name, topic, number))
            if row is None or row.next_offset != log.end or not log.holds(*row[5:]):
                yield f"{consumer.name} {topic} {number}"
