"""What reporting found in many cases at once; faults only, never disputes, never talk."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid5

from services.contracts.event import AreaPath, Code, Event, StreamKind

_PATTERNS = UUID("31f3c1cf-4b5e-5a9e-8c45-0c0f6a0f8b77")


def pattern_stream(area: str, category: str) -> UUID:
    """The stream of one category of fault in one area."""
    return uuid5(_PATTERNS, f"{area}:{category}")


class PatternFound(Event):
    """`cases` faults of one category came from one community between `since` and `until`."""

    type: ClassVar[str] = "pattern.found"
    stream_kind: ClassVar[StreamKind] = StreamKind.PATTERN

    area: AreaPath
    category: Code
    cases: int
    since: datetime
    until: datetime
