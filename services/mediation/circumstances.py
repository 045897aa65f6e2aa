"""What a decision on a case depends on beside the case: the moment, the rules of its area, and who is on duty."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from services.mediation.domain.commands import Circumstances
from services.mediation.read_models.duty_desks import cadres_at
from services.mediation.rules import RuleBook


class Surroundings:
    """Finds the circumstances of areas."""

    def __init__(self, worker: AsyncEngine) -> None:
        self._worker = worker
        self._rules = RuleBook(worker)

    async def of(self, areas: Collection[str], at: datetime) -> dict[str, Circumstances]:
        """For each area what holds there at `at`."""
        wanted = set(areas)
        if not wanted:
            return {}
        rules = await self._rules.rules_for(wanted)
        async with self._worker.connect() as connection:
            on_duty = await cadres_at(connection, {desk for area in wanted for desk in desks_above(area)}, at)
        return {area: Circumstances(at, rules[area], on_duty) for area in wanted}


def desks_above(area: str) -> list[str]:
    """The areas whose desks answer for `area`: its own, then each above it, up to the root."""
    steps = area.strip("/").split("/") if area != "/" else []
    return ["/" + "".join(f"{step}/" for step in steps[:depth]) for depth in range(len(steps), -1, -1)]
