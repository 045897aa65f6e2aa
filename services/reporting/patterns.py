"""Finding many faults of one kind in one community: what was seen lately, and the commands that it causes."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.clock import now
from services.chassis.commands import Intent, handle_caused
from services.chassis.eventstore import EventStore
from services.chassis.taken import Taken
from services.contracts.cases import CaseReported, Kind
from services.contracts.envelope import Recorded
from services.contracts.patterns import pattern_stream
from services.reporting.domain.commands import FindPattern
from services.reporting.domain.decider import PATTERNS

CONSUMER = "reporting-patterns"

WINDOW = timedelta(days=2)

SEE = """
INSERT INTO fault_sighting (case_id, at, area, category)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING
"""
# Partitions are read in no order of each other, so a sighting may come after later ones: every window that it
# belongs to is counted, not only the one that it ends.
COUNT = """
WITH new AS (
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) AS new (case_id, at, area, category)
), ending AS (
    SELECT case_id, area, category, at, count(*) OVER before AS cases, min(at) OVER before AS since
    FROM fault_sighting JOIN (SELECT DISTINCT area, category FROM new) concerned USING (area, category)
    WINDOW before AS (PARTITION BY area, category ORDER BY at
        RANGE BETWEEN $5::interval - interval '1 microsecond' PRECEDING AND CURRENT ROW)
), reaching AS (
    SELECT case_id, area, category, at, min(at) FILTER (WHERE cases >= $6) OVER (
        PARTITION BY area, category ORDER BY at RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
    ) AS until
    FROM ending
)
SELECT DISTINCT ON (new.case_id) new.case_id, e.cases, e.since, r.until
FROM new JOIN reaching r ON r.case_id = new.case_id
JOIN ending e ON e.area = r.area AND e.category = r.category AND e.at = r.until
WHERE r.until < r.at + $5::interval
ORDER BY new.case_id
"""
# Twice the window: what comes late finds its neighbours still there.
FORGET = """
DELETE FROM fault_sighting seen USING (
    SELECT area, category, min(at) AS earliest
    FROM unnest($1::timestamptz[], $2::text[], $3::text[]) AS new (at, area, category) GROUP BY area, category
) new
WHERE seen.area = new.area AND seen.category = new.category AND seen.at <= new.earliest - 2 * $4::interval
"""


class Patterns:
    """Of `enough` live faults of one category in one community within two days it tells, once."""

    def __init__(self, store: EventStore, enough: int) -> None:
        self._store = store
        self._enough = enough

    async def take(self, connection: AsyncConnection, taken: Sequence[Taken]) -> None:
        """The consumer's handle. Sightings are the batch's; the commands have keys of their own, and may repeat."""
        faults = {one.recorded.stream_id: (one.recorded, event) for one in taken if (event := _fault(one))}
        if not faults:
            return
        ids = list(faults)
        at = [recorded.occurred_at for recorded, _ in faults.values()]
        areas = [recorded.area for recorded, _ in faults.values()]
        categories = [event.category for _, event in faults.values()]
        await connection.exec_driver_sql(SEE, (ids, at, areas, categories))
        many = await connection.exec_driver_sql(COUNT, (ids, at, areas, categories, WINDOW, self._enough))
        counted: dict[UUID, FindPattern] = {}
        for row in many:
            recorded, event = faults[row.case_id]
            counted[row.case_id] = FindPattern(
                recorded.area, event.category, row.cases, row.since, row.until, self._enough
            )
        intents = [_caused(faults[case_id][0], counted[case_id]) for case_id in ids if case_id in counted]
        await handle_caused(self._store, PATTERNS, intents)
        await connection.exec_driver_sql(FORGET, (at, areas, categories, WINDOW))


def _fault(taken: Taken) -> CaseReported | None:
    """Faults only: disputes and talk are nobody's pattern; and history is no news."""
    if taken.recorded.type != CaseReported.type:
        return None
    event = taken.event
    assert isinstance(event, CaseReported)
    return event if event.kind is Kind.FAULT and not event.imported else None


def _caused(recorded: Recorded, command: FindPattern) -> Intent[FindPattern]:
    return Intent(
        stream=pattern_stream(command.area, command.category),
        command=command,
        key=f"{CONSUMER}:{recorded.source}:{recorded.stream_id}:{recorded.version}",
        fingerprint=recorded.fingerprint,
        actor="doorstep",
        at=now(),
        area=command.area,
        traceparent=recorded.traceparent,
    )
