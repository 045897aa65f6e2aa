"""The one place that asks what time it is."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The moment, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; they never run backwards."""
        ...


class _Machines:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


running: Clock = _Machines()
"""Whom all ask; a simulation puts its own here."""


EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)
"""What lies between them can be told in every time zone, and kept by PostgreSQL."""


def within_reach(moment: datetime) -> datetime:
    """The nearest moment that can be told everywhere."""
    return min(max(moment, EARLIEST), LATEST)


def now() -> datetime:
    return running.now()


def monotonic() -> float:
    return running.monotonic()
