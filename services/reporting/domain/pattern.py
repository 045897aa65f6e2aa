"""What is known of one category of fault in one community."""

from dataclasses import dataclass
from datetime import datetime

from services.contracts.event import Event
from services.contracts.patterns import PatternFound


@dataclass(frozen=True, slots=True)
class Quiet:
    """No pattern yet."""


@dataclass(frozen=True, slots=True)
class Found:
    until: datetime


Pattern = Quiet | Found


def evolve(pattern: Pattern, event: Event) -> Pattern:
    match event:
        case PatternFound():
            return Found(event.until)
        case _:
            return pattern
