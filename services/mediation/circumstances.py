"""What a decision on a case depends on beside the case: the moment, the rules of its area, and who is on duty."""

from collections.abc import Collection
from datetime import datetime

from services.chassis.areas import up_from
from services.chassis.duty_desks import seats_at
from services.chassis.eventstore import EventStore
from services.mediation.domain.commands import Circumstances
from services.mediation.rules import RuleBook


class Surroundings:
    """Finds the circumstances of areas."""

    def __init__(self, store: EventStore) -> None:
        self._worker = store.worker
        self.rules = RuleBook(store)

    async def of(self, areas: Collection[str], at: datetime) -> dict[str, Circumstances]:
        """For each area what holds there at `at`."""
        wanted = set(areas)
        if not wanted:
            return {}
        rules = await self.rules.rules_for(wanted)
        async with self._worker.connect() as connection:
            seats = await seats_at(connection, {desk for area in wanted for desk in up_from(area)}, at)
        on_duty: dict[str, list[str]] = {}
        for seat in seats:
            on_duty.setdefault(seat.desk, []).append(seat.cadre)
        return {area: Circumstances(at, rules[area], on_duty) for area in wanted}
