"""The rules of the registry: an area or a community is registered once, and for good."""

from collections.abc import Sequence

from services.chassis.decider import Decider
from services.contracts.event import Event, StreamKind
from services.contracts.registry import AreaRegistered, CommunityRegistered
from services.intake.domain.commands import RegisterArea, RegisterCommunity
from services.intake.domain.errors import RegisteredOtherwise


def register_area(command: RegisterArea, area: AreaRegistered | None) -> Sequence[Event]:
    registered = AreaRegistered(path=command.path, name=command.name)
    if area is None:
        return [registered]
    if area != registered:
        raise RegisteredOtherwise(path=area.path, name=area.name)
    return []


def register_community(command: RegisterCommunity, community: CommunityRegistered | None) -> Sequence[Event]:
    registered = CommunityRegistered(
        community=command.community, area=command.area, name=command.name, time_zone=command.time_zone
    )
    if community is None:
        return [registered]
    if community != registered:
        raise RegisteredOtherwise(path=community.area, name=f"{community.name} ({community.time_zone})")
    return []


def _area(_: AreaRegistered | None, event: Event) -> AreaRegistered | None:
    return event if isinstance(event, AreaRegistered) else None


def _community(_: CommunityRegistered | None, event: Event) -> CommunityRegistered | None:
    return event if isinstance(event, CommunityRegistered) else None


AREAS: Decider[RegisterArea, AreaRegistered | None] = Decider(StreamKind.AREA, None, register_area, _area)
COMMUNITIES: Decider[RegisterCommunity, CommunityRegistered | None] = Decider(
    StreamKind.COMMUNITY, None, register_community, _community
)
