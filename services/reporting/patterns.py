"""Finding many faults of one kind in one community: what was seen lately, and the commands that it causes."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import blake2b

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.clock import now
from services.chassis.commands import Intent, handle_caused
from services.chassis.eventstore import EventStore
from services.chassis.taken import Taken
from services.contracts.cases import CaseReported, Kind
from services.contracts.envelope import Recorded
from services.contracts.patterns import pattern_stream
from services.reporting.domain.commands import FindPatterns, Window
from services.reporting.domain.decider import PATTERNS

CONSUMER = "reporting-patterns"

WINDOW = timedelta(days=2)

SEE = """
INSERT INTO fault_sighting (case_id, at, area, category)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING
"""
# Partitions are read in no order of each other, so a sighting may come after later ones: told of is the first window
# that holds it and has enough, not the one that it ends. A window ends with a sighting, and has enough if as many lie
# close behind that in the index. All that it holds are counted in one pass, for as many windows as there are.
COUNT = """
WITH reaching AS MATERIALIZED (
    SELECT new.case_id, new.area, new.category, ending.at AS until
    FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) AS new (case_id, at, area, category),
    LATERAL (
        SELECT seen.at FROM fault_sighting seen
        WHERE seen.area = new.area AND seen.category = new.category
            AND seen.at >= new.at AND seen.at < new.at + $5::interval
            AND seen.at - $5::interval < (
                SELECT behind.at FROM fault_sighting behind
                WHERE behind.area = seen.area AND behind.category = seen.category AND behind.at <= seen.at
                ORDER BY behind.at DESC OFFSET $6::integer - 1 LIMIT 1
            )
        ORDER BY seen.at LIMIT 1
    ) ending
), counted AS (
    SELECT area, category, at AS until, count(*) OVER before AS cases, first_value(at) OVER before AS since
    FROM fault_sighting JOIN (
        SELECT area, category, min(until) AS first, max(until) AS last FROM reaching GROUP BY area, category
    ) ended USING (area, category)
    WHERE at > first - $5::interval AND at <= last
    WINDOW before AS (PARTITION BY area, category ORDER BY at
        RANGE BETWEEN $5::interval - interval '1 microsecond' PRECEDING AND CURRENT ROW)
)
SELECT DISTINCT ON (case_id) case_id, cases, since, until
FROM reaching JOIN counted USING (area, category, until)
ORDER BY case_id
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
        """The consumer's handle. Sightings are the batch's; what the commands tell of is never told of again."""
        faults = {one.recorded.stream_id: (one.recorded, event) for one in taken if (event := _fault(one))}
        if not faults:
            return
        ids = list(faults)
        at = [recorded.occurred_at for recorded, _ in faults.values()]
        areas = [recorded.area for recorded, _ in faults.values()]
        categories = [event.category for _, event in faults.values()]
        await connection.exec_driver_sql(SEE, (ids, at, areas, categories))
        many = await connection.exec_driver_sql(COUNT, (ids, at, areas, categories, WINDOW, self._enough))
        counted: dict[tuple[str, str], dict[Window, Recorded]] = {}
        for row in many:
            recorded, event = faults[row.case_id]
            windows = counted.setdefault((recorded.area, event.category), {})
            windows.setdefault(Window(row.cases, row.since, row.until), recorded)
        intents = [self._caused(*place, windows) for place, windows in counted.items()]
        await handle_caused(self._store, PATTERNS, intents)
        await connection.exec_driver_sql(FORGET, (at, areas, categories, WINDOW))

    def _caused(self, area: str, category: str, counted: Mapping[Window, Recorded]) -> Intent[FindPatterns]:
        """The same faults in a batch of other neighbours are another command, which finds nothing new."""
        windows = tuple(sorted(counted, key=lambda window: window.until))
        command = FindPatterns(area, category, windows, self._enough)
        said = blake2b(repr(command).encode(), digest_size=16)
        return Intent(
            stream=pattern_stream(area, category),
            command=command,
            key=f"{CONSUMER}:{said.hexdigest()}",
            fingerprint=said.digest(),
            actor="doorstep",
            at=now(),
            area=area,
            traceparent=counted[windows[-1]].traceparent,
        )


def _fault(taken: Taken) -> CaseReported | None:
    """Faults only: disputes and talk are nobody's pattern; and history is no news."""
    if taken.recorded.type != CaseReported.type:
        return None
    event = taken.event
    assert isinstance(event, CaseReported)
    return event if event.kind is Kind.FAULT and not event.imported else None
