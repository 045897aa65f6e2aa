"""The communities and areas that are registered, from intake's own log: known the moment they are registered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from services.chassis.clock import monotonic
from services.chassis.eventstore import EventStore
from services.contracts.event import Event
from services.contracts.registry import (
    AreaRegistered,
    CommunityClosed,
    CommunityRegistered,
    CommunityReopened,
    area_stream,
    community_stream,
)

REMEMBERED_SECONDS = 5.0
"""For so long another process may still take reports for a community that was closed."""


@dataclass(frozen=True, slots=True)
class Community:
    id: UUID
    area: str
    name: str
    time_zone: str
    closed: bool = False

    @property
    def clock(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Communities:
    """Each is read once in a few seconds: whether it is closed is all that ever changes."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._known: dict[UUID, tuple[float, Community]] = {}
        self._names: dict[str, str] = {}

    async def find(self, community: UUID) -> Community | None:
        """The community, or none.

        Raises:
            StoreUnavailable: see there.
        """
        until, known = self._known.get(community, (0.0, None))
        if known is None or monotonic() > until:
            loaded, _ = await self._store.load([community], [], None)
            known = _community_of(loaded[community].events)
            if known:
                self._known[community] = (monotonic() + REMEMBERED_SECONDS, known)
        return known

    def forget(self, community: UUID) -> None:
        """It was changed here: read it again."""
        self._known.pop(community, None)

    async def name_of(self, area: str) -> str | None:
        """What the area, or the community there, is called.

        Raises:
            StoreUnavailable: see there.
        """
        if area not in self._names:
            streams = [area_stream(area), community_stream(area)]
            loaded, _ = await self._store.load(streams, [], None)
            for event in (event for stream in streams for event in loaded[stream].events):
                if isinstance(event, AreaRegistered | CommunityRegistered):
                    self._names[area] = event.name
        return self._names.get(area)


def _community_of(events: Sequence[Event]) -> Community | None:
    known: Community | None = None
    for event in events:
        match event:
            case CommunityRegistered():
                known = Community(event.community, event.area, event.name, event.time_zone)
            case CommunityClosed() | CommunityReopened() if known:
                known = replace(known, closed=isinstance(event, CommunityClosed))
            case _:
                pass
    return known
