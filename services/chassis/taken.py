"""An event as it is taken in: decoded once, by whoever asks first."""

from services.contracts.envelope import Recorded
from services.contracts.event import Event


class Taken:
    __slots__ = ("_event", "recorded")

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self._event: Event | None = None

    @property
    def event(self) -> Event:
        """The typed event.

        Raises:
            Unreadable: the body does not fit its type.
        """
        if self._event is None:
            self._event = self.recorded.event()
        return self._event
