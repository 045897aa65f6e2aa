"""`make simulate`: schedules by the thousand, or one of them told step by step."""

import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from multiprocessing import parent_process
from threading import Thread
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.faults import Probes
from tests.simulation.mutants import MUTANTS
from tests.simulation.schedule import Verdict, checked, judged, prepare, run, symptoms, traced

AT_ONCE = 25
"""Schedules that a worker runs before it tells of them."""

SHOWN = 10

console = Console(width=150)


@dataclass(slots=True)
class Sums:
    """What many schedules came to."""

    schedules: int = 0
    small: int = 0
    events: int = 0
    acknowledged: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    probes: Probes = field(default_factory=Probes)
    bad: list[Verdict] = field(default_factory=list[Verdict])

    def add(self, verdict: Verdict) -> None:
        self.schedules += 1
        self.small += not verdict.counts
        self.events += verdict.events
        self.acknowledged += verdict.acknowledged
        self.faults += verdict.faults
        if verdict.wrong:
            self.bad.append(verdict)


def main(
    seeds: Annotated[str, typer.Argument(help="How many, as 2000; a range, as 5000-6000; or =7, one told in full.")],
    case: Annotated[str, typer.Option(help="With one seed: only what concerns this case.")] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Processes at once.")] = os.cpu_count() or 1,
    probes: Annotated[bool, typer.Option(help="Fail when something that should have happened never did.")] = True,
    in_json: Annotated[bool, typer.Option("--sums", help="Tell the sums alone, as a line of JSON.")] = False,
    twice_each: Annotated[
        int, typer.Option(min=1, help="One seed in so many is run twice, and must do the same; all unless told.")
    ] = 1,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Plant each bug and see it caught within so many.")
    ] = False,
) -> None:
    """Run schedules of all four services over a simulated world, and judge them by the checker."""
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is part of a schedule
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | {"PYTHONHASHSEED": "0"})
    if seeds.startswith("="):
        tell(int(seeds[1:]), case)
        return
    first, _, last = seeds.rpartition("-")
    wanted = range(int(first), int(last)) if first else range(int(last))
    if mutants:
        raise typer.Exit(1 if hunt(wanted) else 0)
    if in_json:
        told = simulate(wanted, jobs, twice_each)
        sys.stdout.buffer.write(orjson.dumps(summed(told)) + b"\n")
        raise typer.Exit(1 if told.bad else 0)
    began = time.monotonic()
    sums = simulate(wanted, jobs, twice_each)
    tell_of(sums, time.monotonic() - began, twice_each)
    missing = sums.probes.missing() if probes else []
    if missing:
        console.print(f"[red]never happened:[/] {', '.join(missing)}")
    raise typer.Exit(1 if sums.bad or missing else 0)


def simulate(wanted: range, jobs: int, twice_each: int) -> Sums:
    """All of these, by several processes; progress is shown on a terminal."""
    sums = Sums()
    pieces = [wanted[at : at + AT_ONCE] for at in range(0, len(wanted), AT_ONCE)]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProcessPoolExecutor(jobs, initializer=_begin) as workers, Progress(*columns, console=console) as progress:
        shown = progress.add_task("schedules", total=len(wanted))
        for verdicts, met in workers.map(partial(_piece, twice_each), pieces):
            for verdict in verdicts:
                sums.add(verdict)
            sums.probes.update(met)
            progress.update(shown, advance=len(verdicts), description=f"schedules, {len(sums.bad)} bad")
    return sums


def _begin() -> None:
    """A worker ends with whoever asks it, however that one ended."""
    Thread(target=_end_with_parent, daemon=True).start()
    prepare()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _piece(twice_each: int, seeds: range) -> tuple[list[Verdict], Probes]:
    probes = Probes()
    return [checked(seed, probes, twice=seed % twice_each == 0) for seed in seeds], probes


def summed(sums: Sums) -> dict[str, object]:
    """For a ledger: what counts, and what was wrong with which seed."""
    return {
        "schedules": sums.schedules - sums.small,
        "acknowledged": sums.acknowledged,
        "faults": sums.faults,
        "bad": {str(verdict.seed): verdict.wrong for verdict in sums.bad},
    }


def tell_of(sums: Sums, seconds: float, twice_each: int) -> None:
    rate = 60 * sums.schedules / seconds
    twice = "each" if twice_each == 1 else f"one in {twice_each}"
    console.print(
        f"{sums.schedules:,} schedules, {twice} run twice, {len(sums.bad)} bad; {sums.events:,} events, "
        f"{sums.acknowledged:,} acknowledged writes, {sums.faults.total():,} faults; {rate:,.0f} a minute.",
        highlight=False,
    )
    if sums.small:
        console.print(f"{sums.small:,} of them are smaller than a schedule must be, and do not count.")
    for verdict in islice(sums.bad, SHOWN):
        console.print(f"[red]seed {verdict.seed}[/]", *verdict.wrong, sep="\n    ", highlight=False, markup=False)
    if len(sums.bad) > SHOWN:
        console.print(f"and {len(sums.bad) - SHOWN:,} more: {[verdict.seed for verdict in sums.bad[SHOWN:]]}")


def hunt(wanted: range) -> int:
    """How many of the planted bugs are not caught by these schedules; each is told of."""
    prepare()
    missed = 0
    for name, planted in MUTANTS.items():
        with planted():
            found = next(((seed, wrong) for seed in wanted if (wrong := symptoms(seed))), None)
        missed += found is None
        told = f"caught by seed {found[0]}: {found[1][0]}" if found else "NOT caught"
        console.print(f"{name}: {told}", highlight=False, markup=False, soft_wrap=True)
    return missed


def tell(seed: int, case: str) -> None:
    """What happened, step by step; `make simulate SEEDS==7 ARGS="--case 019c…"` for what happened to one case."""
    prepare()
    world = run(seed, Probes())
    for line in traced(world.steps):
        if case in line:
            console.print(line, highlight=False, markup=False, no_wrap=True, overflow="ellipsis")
    verdict = judged(seed, world)
    console.print(f"{verdict.events} events, {verdict.faults.total()} faults: {dict(verdict.faults)}", highlight=False)
    console.print("\n".join(verdict.wrong) or "As it must be.", highlight=False, markup=False)
    raise typer.Exit(1 if verdict.wrong else 0)


if __name__ == "__main__":
    typer.run(main)
