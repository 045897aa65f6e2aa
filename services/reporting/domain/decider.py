"""The one rule of reporting: when many faults are a pattern."""

from collections.abc import Sequence

from services.chassis.decider import Decider
from services.contracts.event import Event, StreamKind
from services.contracts.patterns import PatternFound
from services.reporting.domain.commands import FindPattern
from services.reporting.domain.pattern import Found, Pattern, Quiet, evolve


def decide(command: FindPattern, pattern: Pattern) -> Sequence[Event]:
    """A fault that was part of a pattern is never part of another: each window is told of once."""
    told = isinstance(pattern, Found) and command.since <= pattern.until
    if told or command.cases < command.enough:
        return []
    return [
        PatternFound(
            area=command.area,
            category=command.category,
            cases=command.cases,
            since=command.since,
            until=command.until,
        )
    ]


PATTERNS: Decider[FindPattern, Pattern] = Decider(
    kind=StreamKind.PATTERN, initial=Quiet(), decide=decide, evolve=evolve
)
