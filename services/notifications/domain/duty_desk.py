"""The duty desk of an area: who is told first, who second; an empty desk is answered for by the next above."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from services.contracts.duty import DutyLeft, DutyPlace, DutyTaken
from services.contracts.event import Event

LONGEST_SHIFT = timedelta(days=7)
"""Over a week of holidays, too; who is to stay longer has no end."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody's turn, up to `until` if that was said."""

    cadre: str
    until: datetime | None = None

    def lasts(self, at: datetime) -> bool:
        return self.until is None or self.until > at


@dataclass(frozen=True, slots=True)
class DutyDesk:
    """Who sits in its two places; a shift that has ended counts as nobody, also before it is said to have."""

    first: Shift | None = None
    second: Shift | None = None

    def at(self, place: DutyPlace) -> Shift | None:
        return self.first if place is DutyPlace.FIRST else self.second

    def place_of(self, cadre: str) -> DutyPlace | None:
        return next((place for place in DutyPlace if (shift := self.at(place)) and shift.cadre == cadre), None)

    def on_duty(self, at: datetime) -> list[str]:
        """Whom to tell, in their order."""
        return [shift.cadre for shift in (self.first, self.second) if shift and shift.lasts(at)]


UNMANNED = DutyDesk()


def evolve(desk: DutyDesk, event: Event) -> DutyDesk:
    match event:
        case DutyTaken():
            return _seated(desk, event.place, Shift(event.cadre, event.until))
        case DutyLeft():
            return _seated(desk, event.place, None)
        case _:
            return desk


def _seated(desk: DutyDesk, place: DutyPlace, shift: Shift | None) -> DutyDesk:
    match place:
        case DutyPlace.FIRST:
            return replace(desk, first=shift)
        case DutyPlace.SECOND:
            return replace(desk, second=shift)
        case _:
            assert_never(place)
