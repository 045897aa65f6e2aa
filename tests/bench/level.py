"""`make level`: lifecycles at a steady rate for an hour, and the memory of each process minute by minute.

Open loop: a lifecycle begins at its time, however those before it fare; its steps follow each other with a pause, or
half of all requests would ask for cases that mediation has not heard of yet.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.table import Table

from deploy.local.control import running_status
from tests.bench.b8_lifecycles import Life, steps
from tests.bench.town import town
from tests.bench.wire import Answer, Wire, wire
from tests.e2e.conftest import Stack

WARM_MINUTES = 10
"""From then on nothing may grow by more than `MOST_GROWN`."""
MOST_GROWN = 1.1
PAUSE_SECONDS = 1.0
AWAY_SECONDS = 2.0
"""A service that is away asks to be asked again then."""

Sample = Mapping[str, float]
"""Megabytes of each part with all its processes; what they share counts for each by its share."""

console = Console(width=120)


def main(
    minutes: Annotated[int, typer.Option(min=WARM_MINUTES + 1, help="How long.")] = 60,
    rate: Annotated[float, typer.Option(help="Lifecycles a second; half of what B8 showed.")] = 10.0,
) -> None:
    """Exit code 1 when a process has grown by more than a tenth since the tenth minute."""
    with town() as stack:
        samples = asyncio.run(_lived(stack, minutes, rate))
    warm, last = samples[WARM_MINUTES - 1], samples[-1]
    table = Table("process", f"minute {WARM_MINUTES}, MB", f"minute {minutes}, MB", "ratio")
    for name, megabytes in last.items():
        table.add_row(name, f"{warm[name]:,.0f}", f"{megabytes:,.0f}", f"{megabytes / warm[name]:.2f}")
    console.print(table)
    raise typer.Exit(int(any(megabytes > MOST_GROWN * warm[name] for name, megabytes in last.items())))


class Patient(Wire):
    """What is answered with 503 is asked again, as every client of Doorstep should; how often is told."""

    repeats = 0

    async def ask(self, method: str, path: str, headers: Mapping[str, str], form: object = None) -> Answer:
        while (answer := await super().ask(method, path, headers, form)).status == 503:
            Patient.repeats += 1
            await asyncio.sleep(AWAY_SECONDS)
        return answer


async def _lived(stack: Stack, minutes: int, rate: float) -> list[Sample]:
    way = await steps(stack)
    samples: list[Sample] = []
    done = 0
    async with asyncio.TaskGroup() as lives:

        async def live() -> None:
            nonlocal done
            life = Life()
            # Each its own: one that is kept for the next may be closed by the gateway meanwhile.
            async with wire(stack.gateway_port, Patient) as own:
                for step in way.values():
                    await step(own, life)
                    await asyncio.sleep(PAUSE_SECONDS)
            done += 1

        began = due = time.monotonic()
        while len(samples) < minutes:
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            lives.create_task(live())
            if due - began >= 60 * (len(samples) + 1):
                samples.append(await asyncio.to_thread(_memory, stack))
                told = ", ".join(f"{name} {megabytes:,.0f}" for name, megabytes in samples[-1].items())
                console.print(
                    f"minute {len(samples)}: {done:,} lifecycles, {Patient.repeats} × 503; MB: {told}", highlight=False
                )
    return samples


def _memory(stack: Stack) -> Sample:
    known = running_status(stack.home)
    assert known is not None
    return {part.name: _megabytes(part.pid) for part in known.parts if part.pid is not None}


def _megabytes(pid: int) -> float:
    root = psutil.Process(pid)
    total = 0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


if __name__ == "__main__":
    typer.run(main)
