"""Who is on duty, as our own log says it at this moment: read models may lag behind it."""

from collections.abc import Collection, Mapping

from services.chassis.areas import up_from
from services.chassis.eventstore import EventStore
from services.contracts.duty import duty_stream
from services.notifications.domain.decider import DUTY
from services.notifications.domain.duty_desk import DutyDesk


async def desks_for(store: EventStore, levels: Collection[str]) -> Mapping[str, DutyDesk]:
    """The desks that answer for these levels, each level's own and all above it."""
    desks = {desk for level in levels for desk in up_from(level)}
    if not desks:
        return {}
    loaded, _ = await store.load([duty_stream(desk) for desk in desks], [], None)
    manned: dict[str, DutyDesk] = {}
    for desk in desks:
        state = DUTY.initial
        for event in loaded[duty_stream(desk)].events:
            state = DUTY.evolve(state, event)
        manned[desk] = state
    return manned
