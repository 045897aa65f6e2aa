"""The rules of the registry: an area or a community is registered once; a community is located, closes, opens again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from services.chassis.decider import Decider
from services.contracts.event import Event, StreamKind
from services.contracts.registry import (
    AreaRegistered,
    CommunityClosed,
    CommunityLocated,
    CommunityRegistered,
    CommunityReopened,
)
from services.intake.domain.commands import (
    CloseCommunity,
    CommunityCommand,
    LocateCommunity,
    RegisterArea,
    RegisterCommunity,
    ReopenCommunity,
)
from services.intake.domain.errors import NotRegistered, RegisteredOtherwise


@dataclass(frozen=True, slots=True)
class Unregistered:
    pass


@dataclass(frozen=True, slots=True)
class Open:
    registered: CommunityRegistered
    located: CommunityLocated | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """It takes no new reports."""

    registered: CommunityRegistered
    located: CommunityLocated | None = None


Community = Unregistered | Open | Closed


def register_area(command: RegisterArea, area: AreaRegistered | None) -> Sequence[Event]:
    registered = AreaRegistered(path=command.path, name=command.name)
    if area is None:
        return [registered]
    if area != registered:
        raise RegisteredOtherwise(path=area.path, name=area.name)
    return []


def decide(command: CommunityCommand, community: Community) -> Sequence[Event]:
    match command:
        case RegisterCommunity():
            return register_community(command, community)
        case LocateCommunity():
            return locate(command, community)
        case CloseCommunity():
            return close(community)
        case ReopenCommunity():
            return reopen(community)
        case _:
            assert_never(command)


def register_community(command: RegisterCommunity, community: Community) -> Sequence[Event]:
    registered = CommunityRegistered(
        community=command.community, area=command.area, name=command.name, time_zone=command.time_zone
    )
    if isinstance(community, Unregistered):
        return [registered]
    known = community.registered
    if known != registered:
        raise RegisteredOtherwise(path=known.area, name=f"{known.name} ({known.time_zone})")
    return []


def locate(command: LocateCommunity, community: Community) -> Sequence[Event]:
    """The last word holds; the same once more changes nothing."""
    if isinstance(community, Unregistered):
        raise NotRegistered
    latitude, longitude = command.spot or (None, None)
    located = CommunityLocated(
        community=community.registered.community, latitude=latitude, longitude=longitude, buildings=command.buildings
    )
    return [] if community.located == located else [located]


def close(community: Community) -> Sequence[Event]:
    match community:
        case Open(registered):
            return [CommunityClosed(community=registered.community)]
        case Closed():
            return []
        case Unregistered():
            raise NotRegistered
        case _:
            assert_never(community)


def reopen(community: Community) -> Sequence[Event]:
    match community:
        case Closed(registered):
            return [CommunityReopened(community=registered.community)]
        case Open():
            return []
        case Unregistered():
            raise NotRegistered
        case _:
            assert_never(community)


def _area(_: AreaRegistered | None, event: Event) -> AreaRegistered | None:
    return event if isinstance(event, AreaRegistered) else None


def evolve(community: Community, event: Event) -> Community:
    match event, community:
        case CommunityRegistered(), _:
            return Open(event)
        case CommunityLocated(), Open() | Closed():
            return replace(community, located=event)
        case CommunityClosed(), Open(registered, located):
            return Closed(registered, located)
        case CommunityReopened(), Closed(registered, located):
            return Open(registered, located)
        case _:
            return community


AREAS: Decider[RegisterArea, AreaRegistered | None] = Decider(StreamKind.AREA, None, register_area, _area)
COMMUNITIES: Decider[CommunityCommand, Community] = Decider(StreamKind.COMMUNITY, Unregistered(), decide, evolve)
