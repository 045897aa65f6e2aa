"""The rules of rules: which policy and which calendar an area has, each version known by a name of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ClassVar, assert_never

from services.chassis.decider import Decider, Refused
from services.chassis.web.marked import marked
from services.contracts.event import Event, StreamKind
from services.contracts.policies import Calendar, CalendarSet, Policy, PolicySet


class VersionTaken(Refused):
    message: ClassVar[str] = marked("The version name {version} stands for something else; give this one a new name.")


@dataclass(frozen=True, slots=True)
class TakeName:
    """Keep a version name for one content, everywhere: its key is the name, its fingerprint the content."""


@dataclass(frozen=True, slots=True)
class SetPolicy:
    area: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class SetCalendar:
    area: str
    calendar: Calendar


PolicyCommand = TakeName | SetPolicy | SetCalendar


@dataclass(frozen=True, slots=True)
class AreaRules:
    """What was set for one area itself; none: what holds above it, holds in it."""

    policy: Policy | None = None
    calendar: Calendar | None = None
    policies: Mapping[str, Policy] = field(default_factory=lambda: MappingProxyType({}))
    """Every policy that it ever had, by version."""
    calendars: Mapping[str, Calendar] = field(default_factory=lambda: MappingProxyType({}))


def decide(command: PolicyCommand, rules: AreaRules) -> Sequence[Event]:
    match command:
        case TakeName():
            return []
        case SetPolicy():
            return set_policy(command, rules)
        case SetCalendar():
            return set_calendar(command, rules)
        case _:
            assert_never(command)


def set_policy(command: SetPolicy, rules: AreaRules) -> Sequence[Event]:
    """An earlier one may be set again; what is set already stays so."""
    policy = command.policy
    if rules.policies.get(policy.version, policy) != policy:
        raise VersionTaken(version=policy.version)
    return [] if policy == rules.policy else [PolicySet(area=command.area, policy=policy)]


def set_calendar(command: SetCalendar, rules: AreaRules) -> Sequence[Event]:
    calendar = command.calendar
    if rules.calendars.get(calendar.version, calendar) != calendar:
        raise VersionTaken(version=calendar.version)
    return [] if calendar == rules.calendar else [CalendarSet(area=command.area, calendar=calendar)]


def evolve(rules: AreaRules, event: Event) -> AreaRules:
    match event:
        case PolicySet(policy=policy):
            return replace(rules, policy=policy, policies={**rules.policies, policy.version: policy})
        case CalendarSet(calendar=calendar):
            return replace(rules, calendar=calendar, calendars={**rules.calendars, calendar.version: calendar})
        case _:
            return rules


POLICIES: Decider[PolicyCommand, AreaRules] = Decider(StreamKind.POLICY, AreaRules(), decide, evolve)
