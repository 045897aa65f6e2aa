"""A real file goes in through the command, and the board says what the file says."""

import csv
import gzip
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from math import ceil
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from tests.e2e.conftest import Stack
from tests.e2e.waiting import until

SAMPLE = Path(__file__).parents[1] / "data" / "constituent-cases-sample.csv"
PART = tuple[str, str]
"""A community's area and a month's first day."""


@dataclass
class Expected:
    """What a file says, counted by itself: of rows with one key the first counts."""

    rows: int = 0
    values: dict[PART, Counter[str]] = field(default_factory=dict[PART, Counter[str]])
    days: dict[PART, list[int]] = field(default_factory=dict[PART, list[int]])
    seen: set[str] = field(default_factory=set[str])

    def add(self, row: dict[str, str]) -> None:
        self.rows += 1
        if row["unique_key"] in self.seen:
            return
        self.seen.add(row["unique_key"])
        part = (f"/nyc/{row['account'].lower()}/", row["opendate"][:7] + "-01")
        values = self.values.setdefault(part, Counter())
        values["reported"] += 1
        if not row["closedate"]:
            values["open"] += 1
            return
        days = (date.fromisoformat(row["closedate"]) - date.fromisoformat(row["opendate"])).days
        self.days.setdefault(part, []).append(days)
        values["resolved"] += 1
        values["resolved_same_day"] += days <= 0
        values["resolved_within_7_days"] += days <= 7

    def total(self, name: str) -> int:
        return sum(values[name] for values in self.values.values())

    def of(self, part: PART) -> dict[str, int | None]:
        names = ("reported", "open", "resolved", "resolved_same_day", "resolved_within_7_days")
        days = sorted(self.days.get(part, []))
        told: dict[str, int | None] = {name: self.values[part][name] for name in names}
        told["days_to_resolution_median"] = days[ceil(len(days) * 0.5) - 1] if days else None
        told["days_to_resolution_p90"] = days[ceil(len(days) * 0.9) - 1] if days else None
        return told


def counted(file: Path) -> Expected:
    expected = Expected()
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
        for row in csv.DictReader(lines):
            expected.add(row)
    return expected


def figures(stack: Stack) -> tuple[dict[str, Any], dict[PART, dict[str, int | None]]]:
    """Those of all and of each part, once everything that was published is counted."""

    def final() -> dict[str, Any] | None:
        told = stack.get("/api/reporting/v1/indicators", area="/nyc/", by="community,month")
        return None if told["provisional"] else told

    told = until(final, "a number that is not provisional")
    whole = {one["name"]: one["value"] for one in told["indicators"]}
    return whole, {(part["community"], part["month"]): part["values"] for part in told["parts"]}


def says(stack: Stack, expected: Expected) -> None:
    """The indicators are the file's, in all and for each community and month."""
    whole, parts = figures(stack)
    for name in ("reported", "open", "resolved", "resolved_same_day", "resolved_within_7_days"):
        assert whole[name] == expected.total(name), name
    assert parts.keys() == expected.values.keys()
    assert {part: {name: values[name] for name in expected.of(part)} for part, values in parts.items()} == {
        part: expected.of(part) for part in expected.values
    }


def test_a_real_file(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / SAMPLE.name
    file.write_bytes(SAMPLE.read_bytes())
    expected = counted(file)
    conflicts = expected.rows - len(expected.seen)

    said = stack.doorstep("import", file, "--mapping", "constituent-cases")
    assert f"{len(expected.seen):,}  accepted" in said
    assert f"{conflicts:,}  conflicts" in said
    assert f"{expected.total('resolved'):,}  resolved" in said
    assert len((tmp_path / f"{SAMPLE.name}.not-taken.ndjson").read_bytes().splitlines()) == conflicts
    says(stack, expected)
    assert "No difference." in stack.doorstep("reconcile")

    again = stack.doorstep("import", file, "--mapping", "constituent-cases")
    assert "Nothing changed: everything was known before." in again
    assert f"{len(expected.seen):,}  known before, unchanged" in again
    says(stack, expected)
    assert "No difference." in stack.doorstep("reconcile")
    alerts = stack.get("/api/notifications/v1/alerts", state="all")["alerts"]
    assert [alert for alert in alerts if alert["area"].startswith("/nyc/")] == []


def test_read_models_are_rebuilt_to_what_they_were(stack: Stack) -> None:
    before = figures(stack)
    stack.doorstep("rebuild", "all")
    assert figures(stack) == before
    said = stack.doorstep("verify")
    assert "differs" not in said
    stack.doorstep("republish", "mediation")
    assert figures(stack) == before
    assert "sent again" in stack.doorstep("reconcile")
    assert "Nothing is parked." in stack.doorstep("parked", "list")


async def test_a_row_that_is_lost_is_found_and_its_remedy_brings_it_back(stack: Stack) -> None:
    database: Any = await asyncpg.connect(stack.dsns("mediation").owner)
    try:
        generation = await database.fetchval("SELECT generation FROM read_model WHERE name = 'caseload'")
        lost = await database.fetchval(
            f"DELETE FROM caseload_{generation} WHERE case_id = (SELECT min(case_id::text)::uuid FROM caseload)"
            " RETURNING case_id"
        )
    finally:
        await database.close()
    found = stack.doorstep("reconcile", code=1)
    assert f"1 rows are missing, e.g. {lost}" in found
    assert "doorstep verify caseload; then doorstep rebuild caseload" in found
    assert str(lost) in stack.doorstep("verify", "caseload", code=1)
    stack.doorstep("rebuild", "caseload")
    assert "is right" in stack.doorstep("verify", "caseload")
    assert "No difference." in stack.doorstep("reconcile")


def test_an_erased_case_stays_erased_when_its_row_comes_again(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / SAMPLE.name
    file.write_bytes(SAMPLE.read_bytes())
    stack.doorstep("import", file, "--mapping", "constituent-cases")
    before = figures(stack)
    [case] = stack.get("/api/mediation/v1/cases", reference=next(iter(counted(file).seen)))["cases"]
    assert "is erased" in stack.doorstep("erase", case["case_id"])
    assert "Nothing changed" in stack.doorstep("import", file, "--mapping", "constituent-cases")
    assert "No difference." in stack.doorstep("reconcile")
    assert figures(stack) == before
    assert "no such case" in stack.doorstep("erase", str(UUID(int=7)), code=1)
