"""What intake knows of a gathering: the states of its stream."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.contracts.event import Event
from services.contracts.gatherings import (
    GatheringAnnounced,
    GatheringCancelled,
    GatheringChanged,
    GatheringHeld,
    GatheringSignedOff,
    GatheringSignedUp,
)

LONGEST = timedelta(days=31)
"""From its beginning to its end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What can change until it begins."""

    title: str
    place: str
    starts_at: datetime
    ends_at: datetime
    seats: int | None


@dataclass(frozen=True, slots=True)
class Unannounced:
    pass


@dataclass(frozen=True, slots=True)
class _Known:
    plan: Plan
    coming: Mapping[UUID, int] = field(default_factory=dict[UUID, int])
    """How many, by sign-up."""

    @property
    def taken(self) -> int:
        return sum(self.coming.values())


@dataclass(frozen=True, slots=True)
class Announced(_Known):
    pass


@dataclass(frozen=True, slots=True)
class Cancelled(_Known):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(_Known):
    attendance: int


Known = Announced | Cancelled | Held
Gathering = Unannounced | Known


def evolve(gathering: Gathering, event: Event) -> Gathering:
    if isinstance(gathering, Unannounced):
        return Announced(_plan(event)) if isinstance(event, GatheringAnnounced) else gathering
    match event:
        case GatheringChanged():
            return replace(gathering, plan=_plan(event))
        case GatheringCancelled():
            return Cancelled(gathering.plan, gathering.coming)
        case GatheringHeld():
            return Held(gathering.plan, gathering.coming, attendance=event.attendance)
        case GatheringSignedUp():
            return replace(gathering, coming={**gathering.coming, event.sign_up: event.people})
        case GatheringSignedOff():
            left = {sign_up: people for sign_up, people in gathering.coming.items() if sign_up != event.sign_up}
            return replace(gathering, coming=left)
        case _:
            return gathering


def _plan(event: GatheringAnnounced | GatheringChanged) -> Plan:
    return Plan(event.title, event.place, event.starts_at, event.ends_at, event.seats)
