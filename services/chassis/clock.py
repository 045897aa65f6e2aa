"""The one place that asks what time it is."""

import time
from datetime import UTC, datetime
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


def now() -> datetime:
    return running.now()


def monotonic() -> float:
    return running.monotonic()
