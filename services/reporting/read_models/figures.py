"""The indicators' values over the case facts, for a place and a period, as they were known at an instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.read_models.indicators import INDICATORS, Indicator


@dataclass(frozen=True, slots=True)
class Question:
    """`first` and `last` are days of report, both included; none: without end."""

    area: str
    first: date | None
    last: date | None
    as_of: datetime
    then: bool = False
    """Whether `as_of` was asked for, and is not simply now."""

    def parameters(self) -> tuple[str, date | None, date | None, datetime | None]:
        """Of `KNOWN`. Now means all that is there: another machine's clock may be a moment ahead of ours."""
        return self.area, self.first, self.last, self.as_of if self.then else None

    def query(self) -> str:
        """The question as the query of a URL."""
        told = {"area": self.area, "from": self.first, "to": self.last, "as_of": self.as_of.isoformat()}
        return urlencode({name: value for name, value in told.items() if value})


class By(StrEnum):
    PLACE = "place"
    """The places one level below the question's area; a community stands for itself."""
    COMMUNITY = "community"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted, and for which part of the question; parts that were not asked for are none."""

    values: dict[str, int | None]
    imported: int
    """How many of the reported cases are imported history."""
    place: str | None = None
    community: str | None = None
    month: date | None = None


_THEN = "coalesce($4::timestamptz, 'infinity')"
_STOOD_THEN = f"""json_array_elements(earlier::json) AS spell
            WHERE (spell ->> 0)::timestamptz <= {_THEN} AND (spell ->> 1)::timestamptz > {_THEN}"""

KNOWN = f"""
SELECT case_id, area, imported, reported_on,
    CASE
        WHEN resolved_from <= {_THEN} THEN resolved_on
        WHEN earlier IS NOT NULL THEN (
            SELECT (spell ->> 2)::date FROM {_STOOD_THEN} LIMIT 1
        )
    END - reported_on AS days,
    CASE
        WHEN declined_from <= {_THEN} THEN true
        WHEN earlier IS NOT NULL THEN EXISTS (
            SELECT FROM {_STOOD_THEN} AND spell ->> 2 IS NULL
        )
        ELSE false
    END AS declined,
    coalesce(withdrawn_from <= {_THEN}, false) AS withdrawn,
    coalesce(acknowledged_from <= {_THEN}, false) AS acknowledged,
    coalesce(escalated_from <= {_THEN}, false) AS escalated
FROM case_fact
WHERE area ^@ $1::text AND reported_from <= {_THEN}
    AND reported_on >= coalesce($2::date, '-infinity') AND reported_on <= coalesce($3::date, 'infinity')
"""
"""The cases of a question, as they were known then: $1 to $4 are the question's parameters."""

_PARTS = {
    By.PLACE: "left(area, length($1) + strpos(substr(area, length($1) + 1), '/'))",
    By.COMMUNITY: "area",
    By.MONTH: "date_trunc('month', reported_on::timestamp)::date",
}


def _measure(indicator: Indicator) -> str:
    if indicator.percentile is None:
        return f"count(*) FILTER (WHERE {indicator.counts}) AS {indicator.name}"
    return f"percentile_disc({indicator.percentile}) WITHIN GROUP (ORDER BY days) AS {indicator.name}"


_MEASURES = ", ".join(_measure(indicator) for indicator in INDICATORS)


async def figures(
    connection: AsyncConnection, question: Question, groupings: Sequence[frozenset[By]] = (frozenset(),)
) -> list[Figures]:
    """One `Figures` for each part of each grouping, in one scan; the empty grouping is the whole."""
    asked = [by for by in By if any(by in grouping for grouping in groupings)]
    parts = "".join(f", {_PARTS[by]} AS {by}" for by in asked)
    names = "".join(f"{by}, " for by in asked)
    sets = ", ".join(f"({', '.join(sorted(grouping))})" for grouping in groupings)
    rows = await connection.exec_driver_sql(
        f"WITH known AS ({KNOWN}), parted AS (SELECT *{parts} FROM known)"
        f" SELECT {names}{_MEASURES}, count(*) FILTER (WHERE imported) AS imported_cases"
        f" FROM parted GROUP BY GROUPING SETS ({sets}) ORDER BY {names}1",
        question.parameters(),
    )
    return [
        Figures(
            values={indicator.name: row[indicator.name] for indicator in INDICATORS},
            imported=row["imported_cases"],
            **{by.value: row[by.value] for by in asked},
        )
        for row in rows.mappings()
    ]
