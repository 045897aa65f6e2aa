"""A machine's clock that goes wrong."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Ahead:
    """As `clock.running`: as far ahead of the true time as it is told."""

    by: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by

    def monotonic(self) -> float:
        return time.monotonic()
