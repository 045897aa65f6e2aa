"""The rules of the registry: an area or a community is registered once; a community closes and opens again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from services.chassis.decider import Decider
from services.contracts.event import Event, StreamKind
from services.contracts.registry import AreaRegistered, CommunityClosed, CommunityRegistered, CommunityReopened
from services.intake.domain.commands import (
    CloseCommunity,
    CommunityCommand,
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


@dataclass(frozen=True, slots=True)
class Closed:
    """It takes no new reports."""

    registered: CommunityRegistered


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
        case CommunityClosed(), Open(registered):
            return Closed(registered)
        case CommunityReopened(), Closed(registered):
            return Open(registered)
        case _:
            return community


AREAS: Decider[RegisterArea, AreaRegistered | None] = Decider(StreamKind.AREA, None, register_area, _area)
COMMUNITIES: Decider[CommunityCommand, Community] = Decider(StreamKind.COMMUNITY, Unregistered(), decide, evolve)
