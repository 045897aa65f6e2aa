"""`python -m tests.chaos`: a stack of its own under live load, its parts killed at random; then all is counted."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.facts import Places
from deploy.local.home import Home
from deploy.local.state import SERVICES
from deploy.reconcile import Finding
from deploy.reconciling import settled
from tests.chaos.kills import Kill, NotBack, carry_out, schedule
from tests.chaos.load import Load
from tests.conftest import free_port
from tests.e2e.conftest import Stack

HEALED_SECONDS = 60.0
"""By then nothing may be behind (I9)."""

CALM_SECONDS = 3.0
"""Load before the first kill and after the last."""

console = Console(width=150)


def main(
    kills: Annotated[int, typer.Option(min=1, help="How many processes to kill -9.")] = 12,
    seed: Annotated[int | None, typer.Option(help="Of the order and the pauses. Default: by chance.")] = None,
    verify: Annotated[bool, typer.Option(help="Rebuild every read model at the end and compare.")] = True,
) -> None:
    """Kill services, PostgreSQL and Kafka under live load; exit code 1 when anything is lost, doubled or behind."""
    seed = int(time.time()) % 1_000_000 if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="doorstep-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        stack = Stack(Home(Path(folder) / "home"), free_port())
        try:
            console.print(f"seed {seed}: {kills} kills; the stack starts in {folder}")
            stack.doorstep("up")
            failed = asyncio.run(_run(stack, kills, seed))
            if verify:
                console.print(stack.doorstep("verify").strip().splitlines()[-1])
        except NotBack as error:
            console.print(Text(str(error), "red"))
            failed = True
        finally:
            stack.doorstep("down")
    sys.exit(1 if failed else 0)


async def _run(stack: Stack, kills: int, seed: int) -> bool:
    done: list[Kill] = []
    history = stack.home.folder / "history.ndjson"
    with history.open("ab", buffering=0) as file:
        async with Load(stack, file) as load:
            await load.settle_in()
            running = asyncio.create_task(load.run(seed))
            await asyncio.sleep(CALM_SECONDS)
            async for kill in carry_out(stack.home, schedule(kills, seed)):
                done.append(kill)
                console.print(f"  {kill.at:6.1f} s  killed {kill.part} ({kill.pid}); {len(load.told):,} answers so far")
            await asyncio.sleep(CALM_SECONDS)
            load.stopping.set()
            await running
    healed = time.monotonic()
    findings = await _findings(stack, load)
    console.print(_kills(done))
    console.print(_answers(load))
    console.print(_checks(findings))
    wrong = [finding for finding in findings if not finding.ok]
    after = f"{time.monotonic() - healed:.1f} s after the last answer"
    console.print(
        f"{kills} kills: {len(wrong)} of {len(findings)} checks still found a difference {after}."
        if wrong
        else f"{kills} kills: none of {len(findings)} checks found a difference; all was in place {after}."
    )
    return bool(wrong)


async def _findings(stack: Stack, load: Load) -> Sequence[Finding]:
    """What the checker finds once nothing is on its way any more, or the time for that is over."""
    places = Places({service: stack.dsns(service).worker for service in SERVICES}, stack.kafka)
    deadline = time.monotonic() + HEALED_SECONDS
    while True:
        findings = await settled(places, load.told, only_client=True)
        if all(finding.ok for finding in findings) or time.monotonic() > deadline:
            return findings


def _kills(done: Sequence[Kill]) -> Table:
    table = Table("#", "at", "killed -9", "ready again after", title="Kills")
    for number, kill in enumerate(done, 1):
        back = "never" if kill.back is None else f"{kill.back:.1f} s"
        table.add_row(str(number), f"{kill.at:.1f} s", kill.part, back)
    return table


def _answers(load: Load) -> Table:
    table = Table("write", "ok", "refused", "unknown, repeated", title="What the clients were told")
    counts = load.counts()
    for what in sorted({what for what, _ in counts}):
        table.add_row(what, *(f"{counts[what, outcome]:,}" for outcome in ("ok", "failed", "unknown")))
    return table


def _checks(findings: Sequence[Finding]) -> Table:
    table = Table("", "", "checked", "found", title="What is there")
    for finding in findings:
        mark = Text("✓", "green") if finding.ok else Text("✗", "red")
        table.add_row(mark, finding.invariant, finding.check, "\n".join([finding.told, *finding.differences]))
    return table


if __name__ == "__main__":
    typer.run(main)
