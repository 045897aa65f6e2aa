"""The rules that apply where: the nearest policy and calendar up the tree, else those that ship with the code."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache, reduce
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from services.chassis.areas import up_from
from services.chassis.clock import monotonic, now
from services.chassis.eventstore import EventStore
from services.contracts.policies import Calendar, Policy, policy_stream
from services.mediation.domain.deadlines import Rules, rest_on
from services.mediation.domain.policy_decider import POLICIES, AreaRules
from services.mediation.read_models.places import clocks_at

_SHIPPED = Path(__file__).parent / "policies"
_KNOWN_SECONDS = 2.0
"""How long what another process set may go unseen."""

_UNKNOWN_CLOCK = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class InForce:
    """What applies in an area and where it was set; none: it ships with the code."""

    policy: Policy
    calendar: Calendar
    policy_of: str | None = None
    calendar_of: str | None = None


@cache
def shipped() -> InForce:
    """What applies where nothing was set."""
    return InForce(
        Policy.model_validate(yaml.safe_load((_SHIPPED / "default.yaml").read_text())),
        Calendar.model_validate(yaml.safe_load((_SHIPPED / "calendar-cn.yaml").read_text())),
    )


class RuleBook:
    """Looks up what holds in an area at this moment."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._known: dict[str, Rules] = {}
        self._until = 0.0
        self._edition = 0
        self._countries: set[str] = set()

    async def rules_for(self, areas: Collection[str]) -> tuple[dict[str, Rules], set[str]]:
        """For each area its rules; and those whose community is not known here yet, counted by UTC for the moment."""
        if monotonic() >= self._until:
            self.forget()
            self._until = monotonic() + _KNOWN_SECONDS
        edition, known = self._edition, self._known
        unknown = set(areas) - known.keys()
        clockless: set[str] = set()
        if unknown:
            found, clocks = await self._look_up(unknown)
            clockless = unknown - clocks.keys()
            known = {**known, **found}
            if edition == self._edition:
                self._known.update({area: found[area] for area in clocks})
        return {area: known[area] for area in areas}, clockless

    async def in_force(self, areas: Collection[str]) -> dict[str, InForce]:
        """For each area what the log says now."""
        places = {place for area in areas for place in up_from(area)}
        loaded, _ = await self._store.load([policy_stream(place) for place in places], [], None)
        rules = {
            place: reduce(POLICIES.evolve, loaded[policy_stream(place)].events, POLICIES.initial) for place in places
        }
        return {area: nearest((place, rules[place]) for place in up_from(area)) for area in areas}

    def forget(self) -> None:
        """Look everything up anew: something was set."""
        self._edition += 1
        self._known = {}

    async def _look_up(self, areas: Collection[str]) -> tuple[dict[str, Rules], dict[str, ZoneInfo]]:
        """The rules of all, and the clocks of those that have one."""
        in_force = await self.in_force(areas)
        await self._meet_countries(rules.calendar for rules in in_force.values())
        async with self._store.worker.connect() as connection:
            clocks = await clocks_at(connection, areas)
        found = {
            area: Rules(rules.policy, rules.calendar, clocks.get(area, _UNKNOWN_CLOCK))
            for area, rules in in_force.items()
        }
        return found, clocks

    async def _meet_countries(self, calendars: Iterable[Calendar]) -> None:
        """Loading a country's holidays takes most of a second the first time: not while everybody waits."""
        for country, calendar in {calendar.country: calendar for calendar in calendars}.items():
            if country not in self._countries:
                await asyncio.to_thread(rest_on, now().date(), calendar)
                self._countries.add(country)


def nearest(upwards: Iterable[tuple[str, AreaRules]]) -> InForce:
    """The first policy and the first calendar on the way up."""
    policy, calendar, policy_of, calendar_of = shipped().policy, shipped().calendar, None, None
    for area, rules in upwards:
        if policy_of is None and rules.policy is not None:
            policy, policy_of = rules.policy, area
        if calendar_of is None and rules.calendar is not None:
            calendar, calendar_of = rules.calendar, area
    return InForce(policy, calendar, policy_of, calendar_of)
