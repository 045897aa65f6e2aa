"""`python -m tests.soak`: schedules for as long as is asked for, from the seed where the ledger ends."""

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer

from tests.chaos import soaking
from tests.simulation import soaking as simulated
from tests.soak import reliability
from tests.soak.ledger import Ledger, Run

LEDGER = Path(__file__).with_name("ledger.ndjson")

Runs = Callable[[Iterator[int]], AsyncGenerator[Run]]

KINDS: dict[str, Runs] = {simulated.KIND: simulated.runs, soaking.KIND: soaking.runs}
"""What can be soaked: each makes a run for each seed that it is given, until it is closed."""


def main(
    minutes: Annotated[float, typer.Option(help="For each kind; the run that is under way is finished.")] = 30.0,
    kind: Annotated[list[str] | None, typer.Option(help="Of what; everything unless told.")] = None,
    seed: Annotated[int | None, typer.Option(help="This one alone; it is not added to the ledger.")] = None,
    ledger: Annotated[Path, typer.Option(help="Where runs are added up.")] = LEDGER,
    write: Annotated[bool, typer.Option(help="Put the ledger's sums into docs/reliability.md.")] = False,
) -> None:
    """Exit code 1 when a run was bad."""
    kept = Ledger(ledger)
    bad = 0
    for chosen in kind or list(KINDS):
        if chosen not in KINDS:
            raise typer.BadParameter(f"there is no kind {chosen}: choose one of {', '.join(KINDS)}")
        bad += asyncio.run(_soak(kept, chosen, minutes, seed))
    print(reliability.told(kept.sums()))
    if write:
        reliability.write(kept.sums())
    sys.exit(1 if bad else 0)


async def _soak(ledger: Ledger, kind: str, minutes: float, seed: int | None) -> int:
    """How many runs were bad."""
    until, bad = time.monotonic() + minutes * 60, 0
    seeds = iter([seed]) if seed is not None else itertools.count(ledger.next_seed(kind))
    async with aclosing(KINDS[kind](seeds)) as runs:
        async for run in runs:
            if seed is None:
                ledger.add(run)
            bad += bool(run.wrong)
            faults = ", ".join(f"{count} × {fault}" for fault, count in run.faults.items())
            said = f"{run.kind} {run.seed}: {faults}; {run.acknowledged:,} acknowledged, {run.lost} lost"
            print("; ".join([f"{said}, {run.seconds:.0f} s", *run.wrong]), flush=True)
            if time.monotonic() > until:
                break
    return bad


if __name__ == "__main__":
    typer.run(main)
