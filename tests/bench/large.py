"""`make bench-large`: B8 and B10 at 10,000 cases and then, on the same stack, at a million. Hours: the seed is
published and taken by every consumer. `ARGS="--cases 20000 --few 2000 --lifecycles 100 --no-report"` tries it in
minutes."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from tests.bench import b8_lifecycles, b10_queries, document
from tests.bench.measure import Limits, Result
from tests.bench.town import seed, town
from tests.e2e.conftest import Stack

console = Console(width=160)


def main(
    cases: Annotated[int, typer.Option(help="In the stores at the end.")] = 1_000_000,
    few: Annotated[int, typer.Option(help="In the stores for the baseline.")] = 10_000,
    lifecycles: Annotated[int, typer.Option(help="Carried out at either number.")] = b8_lifecycles.LIFECYCLES,
    report: Annotated[bool, typer.Option(help="Write it into docs/performance.md.")] = True,
) -> None:
    """Measure what must not slow down as cases gather."""
    with town() as stack:
        results = asyncio.run(_measure(stack, cases, few, lifecycles))
    console.print(document.table(results))
    console.print("\n".join(document.notes(results)))
    if report:
        document.write_large(results)
        console.print("written to docs/performance.md")


async def _measure(stack: Stack, cases: int, few: int, number: int) -> list[Result | Limits]:
    await seed(stack, few, console)
    at_few = await b8_lifecycles.lifecycles(stack, number)
    slowest = await b10_queries.p99s(stack)
    console.print(f"{few:,} cases: {at_few.measured.rate:,.1f} lifecycles/s; {cases:,} are seeded …")
    await seed(stack, cases - few, console)
    at_many = await b8_lifecycles.lifecycles(stack, number)
    lived = b8_lifecycles.result(
        at_many, f"whole lifecycles at {cases:,} cases", f"at {few:,} cases", at_few.measured, 0.9
    )
    at_most = {name: min(2 * figure, float(b10_queries.LIMIT_MS)) for name, figure in slowest.items()}
    return [lived, b10_queries.limits(cases, await b10_queries.p99s(stack), at_most)]


if __name__ == "__main__":
    typer.run(main)
