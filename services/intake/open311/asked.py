"""What is asked for in the address of a GET, read by the rules of GeoReport v2."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from services.intake.open311.offered import IN_THE_OPEN
from services.intake.open311.refusals import NotAnswered
from services.intake.open311.told import Status

T = TypeVar("T")

LONGEST_SPAN = timedelta(days=90)
MOST = 1000
"""In one answer, of requests or of updates."""

_PLUS_LOST = re.compile(r" (?=\d\d:?\d\d$)")
"""A plus sign in an address means a space, and many forget to write it as %2B."""
_YEARS = range(1900, 9000)
"""Far from where clocks and databases end."""


@dataclass(frozen=True, slots=True)
class Period:
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Search:
    categories: frozenset[str]
    statuses: frozenset[Status]
    period: Period


def search(
    service_code: str | None, status: str | None, start_date: str | None, end_date: str | None, at: datetime
) -> Search:
    """Raises NotAnswered. A service that is not there, or that nobody may read of, simply has no requests."""
    codes = frozenset(parts(service_code))
    statuses = frozenset(_status(one) for one in parts(status))
    return Search(
        categories=codes & IN_THE_OPEN if codes else IN_THE_OPEN,
        statuses=statuses or frozenset(Status),
        period=period(start_date, end_date, at),
    )


def period(start_date: str | None, end_date: str | None, at: datetime) -> Period:
    """Ninety days from the start or up to the end, the last ninety when neither is given. Raises NotAnswered."""
    start, end = _instant("start_date", start_date), _instant("end_date", end_date)
    until = end or (min(start + LONGEST_SPAN, max(start, at)) if start else at)
    since = start or until - LONGEST_SPAN
    if since > until:
        raise NotAnswered(400, "start_date lies behind end_date. Send the earlier one as start_date.")
    if until - since > LONGEST_SPAN:
        raise NotAnswered(400, "start_date and end_date lie more than 90 days apart. Ask for the time piece by piece.")
    return Period(since, until)


def case_ids(service_request_id: str | None) -> list[UUID]:
    """Those that can be one; the others are nobody's. Raises NotAnswered."""
    asked = parts(service_request_id)
    if len(asked) > MOST:
        raise NotAnswered(400, f"service_request_id has too many entries. Send at most {MOST}.")
    return [case_id for one in asked if (case_id := case_id_of(one))]


def case_id_of(written: str) -> UUID | None:
    return _tried(UUID, written)


def parts(listed: str | None) -> list[str]:
    """The entries between commas; what is left empty was not sent."""
    return [entry for part in (listed or "").split(",") if (entry := part.strip())]


def _status(word: str) -> Status:
    status = _tried(Status, word.lower())
    if status is None:
        raise NotAnswered(400, "status is not one of the known values. Use open, closed, or both with a comma.")
    return status


def _instant(field: str, written: str | None) -> datetime | None:
    if not written or not written.strip():
        return None
    at = _tried(datetime.fromisoformat, _PLUS_LOST.sub("+", written.strip()))
    if at is None or at.tzinfo is None or at.year not in _YEARS:
        raise NotAnswered(
            400, f"{field} is not a date with a time and a zone. Write it as 2026-03-01T09:30:00Z, or with +08:00."
        )
    return at.astimezone(UTC)


def _tried(read: Callable[[str], T], written: str) -> T | None:
    try:
        return read(written)
    except ValueError:
        return None
