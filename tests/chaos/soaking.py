"""Schedules of real faults, each drawn by a seed: how many, which, when; on stacks that live for some of them."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt
from shutil import copytree

from deploy.local.home import PROJECT
from tests.chaos.faults import FAULTS
from tests.chaos.siege import Siege, besieged
from tests.chaos.stack import NotSeen, mortal_stack
from tests.soak.ledger import Run, commit

KIND = "real faults"
SCHEDULES_OF_A_STACK = 20
"""Then every read model is told anew and compared, and the next schedule finds another stack."""

AT_ONCE = (1, 3)
WITHIN_SECONDS = 3.0
"""Faults of one schedule begin within this time, at parts of their own."""


OF_KIND = {
    kind: [name for name, one in FAULTS.items() if one.kind == kind] for kind in {f.kind for f in FAULTS.values()}
}
KINDS = sorted(OF_KIND)
"""Most faults are kills at one of many points, and find no more than others: a kind counts by its number's root."""


@dataclass(frozen=True, slots=True)
class Planned:
    fault: str
    after: float
    """Seconds."""


def schedule(seed: int) -> list[Planned]:
    """What a seed draws: faults of different parts, and when each begins."""
    rng = random.Random(seed)
    drawn: dict[str, Planned] = {}
    for kind in rng.choices(KINDS, [sqrt(len(OF_KIND[kind])) for kind in KINDS], k=rng.randint(*AT_ONCE)):
        fault = rng.choice(OF_KIND[kind])
        part = fault.split()[1]
        drawn.setdefault(part, Planned(fault, round(rng.uniform(0.0, WITHIN_SECONDS), 2)))
    return list(drawn.values())


async def runs(seeds: Iterator[int]) -> AsyncGenerator[Run]:
    """A run for each seed, until closed. After a bad one, its logs are kept and the stack is made anew."""
    for seed in seeds:
        with mortal_stack() as stack:
            async with besieged(stack) as siege:
                for nth, one in enumerate(_first_and(seed, seeds), 1):
                    last = nth == SCHEDULES_OF_A_STACK
                    run = await _run(siege, one, verify=last)
                    if run.wrong:
                        kept = PROJECT / ".doorstep" / f"bad-{one}"
                        copytree(stack.home.logs, kept, dirs_exist_ok=True)
                    yield run
                    if last or run.wrong:
                        break


def _first_and(seed: int, seeds: Iterator[int]) -> Iterator[int]:
    yield seed
    yield from seeds


async def _run(siege: Siege, seed: int, *, verify: bool) -> Run:
    planned = schedule(seed)
    before, began = _acknowledged(siege), time.monotonic()
    wrong: list[str] = []
    lost = 0
    try:
        async with siege.at_work(seed):
            await asyncio.gather(*(_strike(siege, one, seed) for one in planned))
    except NotSeen as unseen:
        wrong.append(str(unseen))
    verdict = await siege.verdict()
    wrong += verdict.differences
    wrong += [f"answered with 500: {what}" for what in siege.load.failures]
    lost = verdict.lost
    if verify and not wrong:
        said = await asyncio.to_thread(siege.stack.doorstep, "verify")
        wrong += [line for line in said.splitlines() if "differs" in line]
    return Run(
        kind=KIND,
        seed=seed,
        faults=Counter(FAULTS[one.fault].kind for one in planned),
        acknowledged=_acknowledged(siege) - before,
        lost=lost,
        seconds=round(time.monotonic() - began, 1),
        wrong=wrong,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        code=commit(),
    )


async def _strike(siege: Siege, planned: Planned, seed: int) -> None:
    await asyncio.sleep(planned.after)
    await FAULTS[planned.fault].inject(siege.stack, random.Random(f"{seed} {planned.fault}"))


def _acknowledged(siege: Siege) -> int:
    return sum(told.outcome == "ok" for told in siege.load.told)
