"""What reporting can be asked to decide."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Window:
    """`cases` faults came between `since` and `until`."""

    cases: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class FindPatterns:
    """Windows of one category in one community, the earliest end first; `enough` is the rule's."""

    area: str
    category: str
    windows: tuple[Window, ...]
    enough: int
