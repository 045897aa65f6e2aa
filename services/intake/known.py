"""The communities that are registered, from intake's own log: known the moment they are registered."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from services.chassis.eventstore import EventStore
from services.contracts.registry import CommunityRegistered


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
