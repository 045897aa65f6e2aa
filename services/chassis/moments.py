"""Moments that every database, clock and page can tell."""

from datetime import UTC, datetime

FIRST = datetime(1900, 1, 1, tzinfo=UTC)
LAST = datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)


def within_reach(moment: datetime) -> datetime:
    """The moment, or the nearest that can be told: what is in a log may lie anywhere, and must stop nobody else."""
    return min(max(moment, FIRST), LAST)
