"""What a service does with the events of some topics."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import ReadModel
from services.chassis.taken import Taken

Handle = Callable[[AsyncConnection, Sequence[Taken]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Consumer:
    """Events are folded into `models`; `beforehand` is called while these hold what was before, `handle` when they hold
    what is. Both are given events never taken before, each stream of a source in order without a gap, and write on
    the connection they are given, whose transaction they must not end. Commands caused by events go through the store
    instead, under keys made from the event's identity: they may be given again. They raise what they like: an error
    that does not pass parks the stream whose event caused it.
    """

    name: str
    """Never changes: the key of its offsets and its progress, and its group on Kafka. Renamed, it acts twice."""
    topics: tuple[str, ...]
    handle: Handle | None = None
    models: Sequence[ReadModel[Any]] = ()
    beforehand: Handle | None = None
    committed: Callable[[], None] = lambda: None
    """Called when others can see what was handled: to wake who waits for it, for nothing that must not be lost."""
