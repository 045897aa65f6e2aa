"""Who signed up for a gathering is told that it is moved or does not take place: planned in the batch that says so."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.clock import now
from services.chassis.consumer import Consumer
from services.chassis.projections import types_of
from services.chassis.taken import Taken
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.gatherings import (
    GatheringCancelled,
    GatheringChanged,
    GatheringSignedOff,
    GatheringSignedUp,
)
from services.contracts.topics import GATHERINGS
from services.notifications.deliveries import rows
from services.notifications.deliveries.planned import Audience, Planned, Void, What
from services.notifications.deliveries.rows import Waits
from services.notifications.read_models.feeds import GUESTS_CONSUMER, READ_MODELS
from services.notifications.read_models.sign_ups import SIGN_UPS, guests_of
from services.notifications.read_models.told_gatherings import TOLD_GATHERINGS, ToldGathering, told_gatherings

NEWS = types_of(GatheringChanged, GatheringCancelled)
TYPES = NEWS | TOLD_GATHERINGS.types | SIGN_UPS.types
"""No other event makes or ends a message to a guest."""


class Gatherings:
    """What is known of gatherings and their guests, from one event to the next."""

    def __init__(self, told: dict[UUID, ToldGathering], guests: dict[UUID, set[UUID]]) -> None:
        self.told = told
        self.guests = guests

    def hear(self, recorded: Recorded, event: Event) -> Sequence[Planned]:
        """The messages that an event causes, one for each guest."""
        before = self.told.get(recorded.stream_id)
        after = TOLD_GATHERINGS.evolve(before, recorded, event)
        if after is not None:
            self.told[recorded.stream_id] = after
        guests = self.guests.setdefault(recorded.stream_id, set())
        match event:
            case GatheringSignedUp():
                guests.add(event.sign_up)
            case GatheringSignedOff():
                guests.discard(event.sign_up)
            case GatheringChanged() if before is not None and after is not None and _moved(before, after):
                return _to_each(guests, recorded, What.MOVED, after)
            case GatheringCancelled() if after is not None:
                return _to_each(guests, recorded, What.CALLED_OFF, after)
            case _:
                pass
        return ()


def consumer(waits: Waits) -> Consumer:
    async def on_gatherings(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        concerned = {taken.recorded.stream_id for taken in batch if taken.recorded.type in NEWS}
        known = Gatherings({}, {})
        if concerned:
            known = Gatherings(await told_gatherings(connection, concerned), await guests_of(connection, concerned))
        at = now()
        plans, voids = in_turn(batch, known, at)
        await rows.void(connection, voids, at)
        await rows.write(connection, plans, waits, at)

    return Consumer(GUESTS_CONSUMER, (GATHERINGS,), models=READ_MODELS[GUESTS_CONSUMER], beforehand=on_gatherings)


def in_turn(batch: Sequence[Taken], known: Gatherings, at: datetime) -> tuple[list[Planned], set[tuple[UUID, Void]]]:
    """What a batch leaves to be sent, and what it ends of what waited before: later news speaks for earlier."""
    plans: dict[UUID, Sequence[Planned]] = {}
    voids: dict[UUID, Void] = {}
    for taken in batch:
        recorded = taken.recorded
        if recorded.type not in TYPES or not (told := known.hear(recorded, taken.event)):
            continue
        voids[recorded.stream_id] = Void(Audience.GUEST, Void.REPLACED, recorded.recorded_at)
        plans[recorded.stream_id] = told if recorded.recorded_at > at - rows.FORGOTTEN_AFTER else ()
    return [plan for told in plans.values() for plan in told], set(voids.items())


def _moved(before: ToldGathering, after: ToldGathering) -> bool:
    """Another title, or more seats, need not be told to who comes already."""
    return (before.place, before.starts_at, before.ends_at) != (after.place, after.starts_at, after.ends_at)


def _to_each(guests: Collection[UUID], recorded: Recorded, what: What, gathering: ToldGathering) -> list[Planned]:
    return [
        Planned(
            recorded.source,
            recorded.stream_id,
            recorded.version,
            Audience.GUEST,
            str(guest),
            what,
            recorded.area,
            recorded.recorded_at,
            by_when=gathering.starts_at,
        )
        for guest in sorted(guests)
    ]
