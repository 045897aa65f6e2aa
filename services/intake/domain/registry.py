"""The rules of the registry: an area or a community is registered once and for good; a community may be closed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from services.chassis.decider import Decider
from services.contracts.event import Event, StreamKind
from services.contracts.registry import AreaRegistered, CommunityClosed, CommunityLocated, CommunityRegistered
from services.intake.domain.commands import CloseCommunity, LocateCommunity, RegisterArea, RegisterCommunity
from services.intake.domain.errors import CommunityIsClosed, RegisteredOtherwise


@dataclass(frozen=True, slots=True)
class Unregistered:
    pass


@dataclass(frozen=True, slots=True)
class Registered:
    community: CommunityRegistered
    located: CommunityLocated | None = None
    closed: bool = False


Registration = Unregistered | Registered
CommunityCommand = RegisterCommunity | LocateCommunity | CloseCommunity


def register_area(command: RegisterArea, area: AreaRegistered | None) -> Sequence[Event]:
    registered = AreaRegistered(path=command.path, name=command.name)
    if area is None:
        return [registered]
    if area != registered:
        raise RegisteredOtherwise(path=area.path, name=area.name)
    return []


def decide(command: CommunityCommand, registration: Registration) -> Sequence[Event]:
    match command:
        case RegisterCommunity():
            return register_community(command, registration)
        case LocateCommunity():
            return locate(command, registration)
        case CloseCommunity():
            return close(command, registration)
        case _:
            assert_never(command)


def register_community(command: RegisterCommunity, registration: Registration) -> Sequence[Event]:
    registered = CommunityRegistered(
        community=command.community, area=command.area, name=command.name, time_zone=command.time_zone
    )
    match registration:
        case Unregistered():
            return [registered]
        case Registered(community=community) if community != registered:
            raise RegisteredOtherwise(path=community.area, name=f"{community.name} ({community.time_zone})")
        case Registered():
            return []
        case _:
            assert_never(registration)


def locate(command: LocateCommunity, registration: Registration) -> Sequence[Event]:
    """The last word holds; the same once more changes nothing."""
    latitude, longitude = command.spot or (None, None)
    located = CommunityLocated(
        community=command.community, latitude=latitude, longitude=longitude, buildings=command.buildings
    )
    match registration:
        case Registered(closed=True):
            raise CommunityIsClosed
        case Registered(located=before) if before == located:
            return []
        case _:
            return [located]


def close(command: CloseCommunity, registration: Registration) -> Sequence[Event]:
    match registration:
        case Registered(closed=True):
            return []
        case _:
            return [CommunityClosed(community=command.community)]


def _area(_: AreaRegistered | None, event: Event) -> AreaRegistered | None:
    return event if isinstance(event, AreaRegistered) else None


def evolve(registration: Registration, event: Event) -> Registration:
    match event:
        case CommunityRegistered():
            return Registered(event)
        case CommunityLocated() if isinstance(registration, Registered):
            return replace(registration, located=event)
        case CommunityClosed() if isinstance(registration, Registered):
            return replace(registration, closed=True)
        case _:
            return registration


AREAS: Decider[RegisterArea, AreaRegistered | None] = Decider(StreamKind.AREA, None, register_area, _area)
COMMUNITIES: Decider[CommunityCommand, Registration] = Decider(StreamKind.COMMUNITY, Unregistered(), decide, evolve)
