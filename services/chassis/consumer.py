"""Consumers of events: each record takes effect once, however often it comes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.taken import Taken

Handle = Callable[[AsyncConnection, Sequence[Taken]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Consumer:
    """What a service does with the events of some topics.

    `handle` is given events it never took before, each stream of a source in order without a gap, and writes on
    the connection it is given, whose transaction it must not end. Commands caused by events go through the store
    instead, under keys made from the event's identity: they may be given again. It raises what it likes: an error
    that does not pass parks the stream whose event caused it.
    """

    name: str
    """Never changes: the key of its offsets and its progress, and its group on Kafka. Renamed, it acts twice."""
    topics: tuple[str, ...]
    handle: Handle
