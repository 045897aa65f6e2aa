"""The communities and areas that are registered, from intake's own log: known the moment they are registered."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from services.chassis.eventstore import EventStore
from services.contracts.registry import AreaRegistered, CommunityRegistered, area_stream, community_stream


@dataclass(frozen=True, slots=True)
class Community:
    id: UUID
    area: str
    name: str
    time_zone: str

    @property
    def clock(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Communities:
    """A registered community never changes, so each is read once."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._known: dict[UUID, Community] = {}
        self._names: dict[str, str] = {}

    async def find(self, community: UUID) -> Community | None:
        """The community, or none.

        Raises:
            StoreUnavailable: see there.
        """
        if community not in self._known:
            loaded, _ = await self._store.load([community], [], None)
            for event in loaded[community].events:
                if isinstance(event, CommunityRegistered):
                    known = Community(event.community, event.area, event.name, event.time_zone)
                    self._known[community] = known
        return self._known.get(community)

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
