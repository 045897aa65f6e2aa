"""The one rule of reporting: when many faults are a pattern."""

from collections.abc import Sequence

from services.chassis.decider import Decider
from services.contracts.event import Event, StreamKind
from services.contracts.patterns import PatternFound
from services.reporting.domain.commands import FindPatterns
from services.reporting.domain.pattern import Found, Pattern, Quiet, evolve


def decide(command: FindPatterns, pattern: Pattern) -> Sequence[Event]:
    """A fault that was part of a pattern is never part of another: each window is told of once."""
    events: list[Event] = []
    for window in command.windows:
        told = isinstance(pattern, Found) and window.since <= pattern.until
        if told or window.cases < command.enough:
            continue
        event = PatternFound(
            area=command.area,
            category=command.category,
            cases=window.cases,
            since=window.since,
            until=window.until,
        )
        events.append(event)
        pattern = evolve(pattern, event)
    return events


PATTERNS: Decider[FindPatterns, Pattern] = Decider(
    kind=StreamKind.PATTERN, initial=Quiet(), decide=decide, evolve=evolve
)
