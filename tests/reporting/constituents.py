"""Real casework as the events that Doorstep makes of it, and what the file itself says, counted without Doorstep."""

import csv
import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from math import ceil
from pathlib import Path
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.contracts import cases
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.registry import community_stream
from services.reporting.read_models.case_fact import CaseFact
from tests.reporting.bureau import happened

SAMPLE = Path(__file__).parents[1] / "data" / "constituent-cases-sample.csv"
WHOLE = Path(os.environ.get("DOORSTEP_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")).joinpath(
    "constituent-cases-2015-2019.csv.gz"
)

NEW_YORK = ZoneInfo("America/New_York")
IMPORTED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CASES = UUID("5f2a6a1e-6a51-4a55-8a86-3a4b1ee5c6f0")


@dataclass(frozen=True, slots=True)
class Casework:
    """A row of the file, the first of those with the same reference."""

    reference: str
    area: str
    kind: cases.Kind
    reported_on: date
    resolved_on: date | None

    @property
    def case_id(self) -> UUID:
        return uuid5(_CASES, self.reference)

    @property
    def days(self) -> int | None:
        return None if self.resolved_on is None else (self.resolved_on - self.reported_on).days


def read(path: Path) -> list[Casework]:
    first: dict[str, Casework] = {}
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for row in csv.DictReader(file):
            work = Casework(
                row["unique_key"],
                f"/nyc/{row['account'].lower()}/",
                cases.Kind.FAULT if row["complaint_type"] == "Housing and Buildings" else cases.Kind.NEED,
                date.fromisoformat(row["opendate"]),
                date.fromisoformat(row["closedate"]) if row["closedate"] else None,
            )
            first.setdefault(work.reference, work)
    return list(first.values())


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), NEW_YORK)


def events_of(work: Casework) -> Iterator[Recorded]:
    """What intake and mediation publish of one imported case."""

    def recorded(source: str, version: int, event: Event, at: datetime) -> Recorded:
        return happened(event, work.case_id, version, source=source, area=work.area, at=at, recorded_at=IMPORTED_AT)

    reported = cases.CaseReported(
        community=community_stream(work.area),
        reference=work.reference,
        kind=work.kind,
        category="other",
        urgency=cases.Urgency.ORDINARY,
        channel=cases.Channel.SYSTEM,
        reported_on=work.reported_on,
        imported=True,
        particulars=work.case_id,
    )
    opened = cases.CaseOpened(
        community=reported.community,
        reference=work.reference,
        kind=work.kind,
        category="other",
        urgency=cases.Urgency.ORDINARY,
        level=work.area,
        imported=True,
    )
    yield recorded("intake", 1, reported, midnight(work.reported_on))
    yield recorded("mediation", 1, opened, midnight(work.reported_on))
    if work.resolved_on:
        resolved = cases.CaseResolved(resolution=cases.Resolution.IMPORTED, resolved_on=work.resolved_on, imported=True)
        yield recorded("mediation", 2, resolved, midnight(work.resolved_on))


def fact_of(work: Casework) -> CaseFact:
    """What the events of a case fold into; made outright, for so many that their events would take minutes."""
    return CaseFact(
        case_id=work.case_id,
        area=work.area,
        kind=work.kind.value,
        category="other",
        urgency=cases.Urgency.ORDINARY.value,
        imported=True,
        reported_on=work.reported_on,
        reported_from=midnight(work.reported_on),
        opened_from=midnight(work.reported_on),
        resolved_on=work.resolved_on,
        resolved_from=midnight(work.resolved_on) if work.resolved_on else None,
    )


def counted(works: list[Casework], as_of: date | None = None) -> dict[str, int | None]:
    """The indicators of these cases, computed from the rows alone; `as_of` at that day's midnight in New York."""
    reported = [work for work in works if as_of is None or work.reported_on <= as_of]
    days = sorted(
        work.days for work in reported
        if work.days is not None and work.resolved_on and (as_of is None or work.resolved_on <= as_of)
    )  # fmt: skip
    return {
        "reported": len(reported),
        "open": len(reported) - len(days),
        "resolved": len(days),
        "resolved_same_day": sum(day <= 0 for day in days),
        "resolved_within_7_days": sum(day <= 7 for day in days),
        "days_to_resolution_median": days[ceil(0.5 * len(days)) - 1] if days else None,
        "days_to_resolution_p90": days[ceil(0.9 * len(days)) - 1] if days else None,
        "withdrawn": 0,
        "declined": 0,
        "acknowledged": 0,
        "escalated": 0,
    }
