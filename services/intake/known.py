"""The communities and areas that are registered, from intake's own log: known the moment they are registered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from services.chassis.clock import monotonic
from services.chassis.commands import UnknownStream
from services.chassis.eventstore import EventStore
from services.chassis.web.marked import marked
from services.contracts.event import Event
from services.contracts.registry import (
    AreaRegistered,
    CommunityClosed,
    CommunityLocated,
    CommunityRegistered,
    CommunityReopened,
    area_stream,
    community_stream,
)

REMEMBERED_SECONDS = 5.0
"""For so long another process may still take a report to a closed community, and show a moved one where it was."""


class NoSuchCommunity(UnknownStream):
    title = marked("There is no such community")


@dataclass(frozen=True, slots=True)
class Community:
    """`spot` is latitude and longitude in degrees."""

    id: UUID
    area: str
    name: str
    time_zone: str
    spot: tuple[float, float] | None = None
    buildings: tuple[str, ...] = ()
    closed: bool = False

    @property
    def clock(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Communities:
    """What a community or an area is called never changes; what else is known of a community is read again."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._known: dict[UUID, tuple[float, Community]] = {}
        self._names: dict[str, str] = {}

    async def find(self, community: UUID) -> Community | None:
        """The community, or none.

        Raises:
            StoreUnavailable: see there.
        """
        return (await self.these([community])).get(community)

    async def these(self, communities: Sequence[UUID]) -> Mapping[UUID, Community]:
        """Those of them that are registered.

        Raises:
            StoreUnavailable: see there.
        """
        at = monotonic()
        due = [one for one in communities if one not in self._known or self._known[one][0] < at]
        if due:
            loaded, _ = await self._store.load(due, [], None)
            for one in due:
                if (known := _community(loaded[one].events)) is not None:
                    self._known[one] = (at + REMEMBERED_SECONDS, known)
        return {one: self._known[one][1] for one in communities if one in self._known}

    def forget(self, community: UUID) -> None:
        """What is known of it has just changed."""
        self._known.pop(community, None)

    async def name_of(self, area: str) -> str | None:
        """What the area, or the community there, is called.

        Raises:
            StoreUnavailable: see there.
        """
        return (await self.names_of([area])).get(area)

    async def names_of(self, areas: Iterable[str]) -> Mapping[str, str]:
        """What those of the areas that are registered, or the communities there, are called.

        Raises:
            StoreUnavailable: see there.
        """
        wanted = list(dict.fromkeys(areas))
        new = {area: (area_stream(area), community_stream(area)) for area in wanted if area not in self._names}
        if new:
            loaded, _ = await self._store.load([stream for pair in new.values() for stream in pair], [], None)
            for area, streams in new.items():
                for event in (event for stream in streams for event in loaded[stream].events):
                    if isinstance(event, AreaRegistered | CommunityRegistered):
                        self._names[area] = event.name
        return {area: self._names[area] for area in wanted if area in self._names}


def _community(events: Iterable[Event]) -> Community | None:
    known: Community | None = None
    for event in events:
        match event:
            case CommunityRegistered():
                known = Community(event.community, event.area, event.name, event.time_zone)
            case CommunityLocated() if known:
                spot = None if event.latitude is None or event.longitude is None else (event.latitude, event.longitude)
                known = replace(known, spot=spot, buildings=event.buildings)
            case CommunityClosed() | CommunityReopened() if known:
                known = replace(known, closed=isinstance(event, CommunityClosed))
            case _:
                pass
    return known
