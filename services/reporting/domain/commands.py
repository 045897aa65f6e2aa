"""What reporting can be asked to decide."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FindPattern:
    """`cases` faults of one category came from one community between `since` and `until`; `enough` is the rule's."""

    area: str
    category: str
    cases: int
    since: datetime
    until: datetime
    enough: int
