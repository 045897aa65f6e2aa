"""`make bench`: each row beside its baseline from the same run, printed and written to docs/performance.md."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer
import uvloop
from rich.console import Console

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
    document,
)
from tests.bench.measure import Limits, Result
from tests.bench.servers import Servers, servers

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
    console.print(document.table(results))
    console.print("\n".join(document.notes(results)))
    if report and not only:
        document.write(results)
        console.print("written to docs/performance.md")


async def _once(name: str, running: Servers) -> Sequence[Result | Limits]:
    collect_seldom()  # as the services do
    found = await ROWS[name](running)
    return [found] if isinstance(found, Result | Limits) else found


if __name__ == "__main__":
    typer.run(main)
