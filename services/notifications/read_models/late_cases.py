"""What came too late for an alert, as one number for each level and day.

No fold of events alone, since it also asks when they reached us: it is counted once and can't be rebuilt.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class LateCases:
    """`oldest_at` and `newest_at` are when the first and the last of them were recorded."""

    area: str
    day: date
    cases: int
    oldest_at: datetime
    newest_at: datetime


COUNT = (
    "INSERT INTO late_cases AS l SELECT area, $1, cases, oldest_at, newest_at"
    " FROM unnest($2::text[], $3::integer[], $4::timestamptz[], $5::timestamptz[])"
    "  AS n (area, cases, oldest_at, newest_at)"
    " ON CONFLICT (area, day) DO UPDATE SET cases = l.cases + excluded.cases,"
    "  oldest_at = least(l.oldest_at, excluded.oldest_at), newest_at = greatest(l.newest_at, excluded.newest_at)"
)
SINCE = (
    "SELECT area, day, cases, oldest_at, newest_at FROM late_cases"
    " WHERE day >= $1 AND area ^@ ANY ($2::text[]) ORDER BY day DESC, area"
)


async def count(connection: AsyncConnection, late: Sequence[tuple[str, datetime]], day: date) -> None:
    """Add cases, each the level that answers for it and when that was recorded, to the day on which they came."""
    recorded: defaultdict[str, list[datetime]] = defaultdict(list)
    for level, recorded_at in late:
        recorded[level].append(recorded_at)
    await connection.exec_driver_sql(
        COUNT,
        (
            day,
            list(recorded),
            [len(times) for times in recorded.values()],
            [min(times) for times in recorded.values()],
            [max(times) for times in recorded.values()],
        ),
    )


async def late_cases_since(connection: AsyncConnection, areas: Sequence[str], day: date) -> list[LateCases]:
    """The digests of this day and later in these areas."""
    rows = await connection.exec_driver_sql(
        SINCE,
        (day, list(areas)),
    )
    return [LateCases(*row) for row in rows]
