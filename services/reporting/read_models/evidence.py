"""The events behind a number: for each counted case the one event that makes it count, newest report first."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.cases import CaseDeclined, CaseResolved
from services.contracts.event import Event
from services.reporting.read_models.figures import KNOWN, Question
from services.reporting.read_models.indicators import Indicator


@dataclass(frozen=True, slots=True)
class Mark:
    """Behind which case a page goes on."""

    reported_on: date
    case_id: UUID

    def __str__(self) -> str:
        return f"{self.reported_on}_{self.case_id}"

    @staticmethod
    def parse(text: str) -> "Mark":
        """Read what `str` wrote; raises ValueError."""
        day, _, case = text.partition("_")
        return Mark(date.fromisoformat(day), UUID(case))


@dataclass(frozen=True, slots=True)
class Evidence:
    case_id: UUID
    area: str
    reported_on: date
    days: int | None
    imported: bool
    position: int
    """In reporting's own log."""
    source: str
    version: int
    type: str
    occurred_at: datetime
    recorded_at: datetime
    data: dict[str, Any]

    @property
    def mark(self) -> Mark:
        return Mark(self.reported_on, self.case_id)


_EVENTS = """
SELECT c.case_id, c.area, c.reported_on, c.days, c.imported,
    e.position, e.source, e.version, e.type, e.occurred_at, e.recorded_at, e.data::text AS data
FROM (
    SELECT * FROM ({known}) AS known
    WHERE ({counts}) AND ($7::date IS NULL OR (reported_on, case_id) < ($7, $8::uuid))
    ORDER BY reported_on DESC, case_id DESC LIMIT $5
) AS c
CROSS JOIN LATERAL (
    SELECT * FROM public_event
    WHERE stream_id = c.case_id AND type = $6
        AND CASE WHEN (data ->> 'imported')::boolean THEN occurred_at ELSE recorded_at END <= coalesce($4, 'infinity')
    ORDER BY version {order} LIMIT 1
) AS e
ORDER BY c.reported_on DESC, c.case_id DESC
"""


_ORDER: dict[type[Event], str] = {CaseResolved: "DESC", CaseDeclined: "DESC"}
"""Of resolutions and refusals the last that was known counts, of everything else the first."""


async def events_behind(
    connection: AsyncConnection, question: Question, indicator: Indicator, limit: int, after: Mark | None = None
) -> list[Evidence]:
    """At most `limit` of them, behind `after`."""
    rows = await connection.exec_driver_sql(
        _EVENTS.format(known=KNOWN, counts=indicator.counts, order=_ORDER.get(indicator.event, "ASC")),
        (
            *question.parameters(),
            *(limit, indicator.event.type),
            *((after.reported_on, after.case_id) if after else (None, None)),
        ),
    )
    return [Evidence(*values, data=orjson.loads(data)) for *values, data in rows]
