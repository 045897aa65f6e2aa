"""What a decision on a case depends on beside the case: the moment, the rules of its area, and who is on duty."""

from collections.abc import Collection
from datetime import datetime

from services.chassis.areas import up_from
from services.chassis.clock import monotonic
from services.chassis.duty_desks import seats_at
from services.chassis.eventstore import EventStore
from services.chassis.passing import Passing
from services.chassis.telemetry import log
from services.mediation.domain.commands import Circumstances
from services.mediation.rules import RuleBook

PATIENCE_SECONDS = 30.0
"""How long a case waits for its community's clock. All cases wait with it, for what is said of one comes in order; what
comes meanwhile is taken in one batch behind it, so that many missing communities are waited for together."""


ASKED_AGAIN_SECONDS = 10.0
"""Who waits asks again sooner than that; what lies between was no waiting, the database or Kafka was away."""


class ClockUnknown(Passing):
    """The registry is behind, and will tell in a moment by what clock a community's days are counted."""


class Surroundings:
    """Finds the circumstances of areas."""

    def __init__(self, store: EventStore) -> None:
        self._worker = store.worker
        self.rules = RuleBook(store)
        self._missing: dict[str, tuple[float, float]] = {}
        """Since when an area's clock is, and when it was last asked for."""

    async def of(self, areas: Collection[str], at: datetime, *, patient: bool = False) -> dict[str, Circumstances]:
        """For each area what holds there at `at`; where the community is not known here yet, by UTC.

        Raises:
            ClockUnknown: `patient`, and it has not been missing for long.
        """
        wanted = set(areas)
        if not wanted:
            return {}
        rules, clockless = await self.rules.rules_for(wanted)
        for area in wanted - clockless:
            self._missing.pop(area, None)
        if patient:
            self._wait_for(clockless)
        async with self._worker.connect() as connection:
            seats = await seats_at(connection, {desk for area in wanted for desk in up_from(area)}, at)
        on_duty: dict[str, list[str]] = {}
        for seat in seats:
            on_duty.setdefault(seat.desk, []).append(seat.cadre)
        return {area: Circumstances(at, rules[area], on_duty) for area in wanted}

    def _wait_for(self, clockless: Collection[str]) -> None:
        now = monotonic()
        for area in clockless:
            since, asked = self._missing.get(area, (now, now))
            self._missing[area] = (since if now - asked < ASKED_AGAIN_SECONDS else now, now)
        if any(now - self._missing[area][0] < PATIENCE_SECONDS for area in clockless):
            raise ClockUnknown
        for area in clockless:
            log.warning("dates are counted by UTC: the community is not known here", area=area)
