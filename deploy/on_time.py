"""The timers of a running service: what its log says must run, what its table holds, and when each had its effect."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from deploy.evidence import Clock, Timers
from deploy.owed import clock_of, clocks_owed, key_of
from services.chassis.eventstore import EVENT_COLUMNS, recorded_of
from services.chassis.timers import Change
from services.contracts.envelope import Recorded
from services.mediation import timing as of_cases
from services.notifications import timing as of_alerts

# History promises nothing, and comes by the hundred thousand: its streams are not read.
_DATED = "AND stream_id IN (SELECT stream_id FROM event WHERE type = ANY($1) AND data::text LIKE '%\"deadlines\"%')"
_EVENTS = f"SELECT {EVENT_COLUMNS} FROM event WHERE type = ANY($1) AND position <= $2 {{dated}} ORDER BY position"
_FOLLOWED = "SELECT position FROM cursor WHERE consumer = 'timers'"
_KNOWN = "SELECT key FROM command WHERE key = ANY($1)"
_WAITING = "SELECT stream_id, name, due_at FROM timer"
_FIRED = "SELECT DISTINCT command_key, recorded_at FROM event WHERE starts_with(command_key, 'timer:')"


@dataclass(frozen=True, slots=True)
class Rules:
    """How a service's events set its timers, and which of them do."""

    set_by: Callable[[Recorded], Change | None]
    types: Collection[str]
    dated: str = ""


RULES = {
    "mediation": Rules(of_cases.set_by, of_cases.TYPES, _DATED),
    "notifications": Rules(of_alerts.set_by, of_alerts.TYPES),
}
SERVICES = tuple(RULES)
"""Those that wait for dates."""


async def timers_of(service: str, to: Any) -> Timers:
    """At one instant of the service's database. What its timers have not read yet is left out: it is a lag."""
    rules = RULES[service]
    async with to.transaction(isolation="repeatable_read", readonly=True):
        followed: int = await to.fetchval(_FOLLOWED) or 0
        rows = await to.fetch(_EVENTS.format(dated=rules.dated), list(rules.types), followed)
        ever, running = clocks_owed((recorded_of(service, row) for row in rows), rules.set_by)
        keys = {key_of(clock): clock for clock in running}
        known = [keys[row["key"]] for row in await to.fetch(_KNOWN, list(keys))]
        return Timers(
            service,
            ever=ever,
            running=running.difference(known),
            waiting={Clock.of(*row) for row in await to.fetch(_WAITING)}.difference(known),
            fired={clock_of(row["command_key"]): row["recorded_at"] for row in await to.fetch(_FIRED)},
        )
