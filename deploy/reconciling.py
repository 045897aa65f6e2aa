"""`doorstep reconcile`: what the checker found in this machine's stack, as a table."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.facts import Places, collect
from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from deploy.reconcile import Finding, judge
from deploy.told import Told, WrongHistory, read
from services.chassis.operating.telling import complain

LOOKS = 5
PAUSE_SECONDS = 2.0
HEALED_SECONDS = 60.0
"""For so long a consumer may stand still, while its group assigns partitions anew, and still come to its end (I9)."""


def reconcile(history: Path | None = None) -> None:
    """Exit code 1 when there is a difference, 2 when not everything could be looked at."""
    console = Console()
    began = time.monotonic()
    try:
        told = read(history) if history else []
        places = this_machines().places
        with console.status("Reading four databases and Kafka …"):
            findings = asyncio.run(settled(places, told))
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    except (FileNotFoundError, WrongHistory) as error:
        complain(f"The history can't be read: {error}", 2)
    except (OSError, asyncpg.PostgresError, KafkaError) as error:
        complain(f"Not everything answers ({type(error).__name__}). See doorstep doctor.", 2)
    _print(console, findings)
    wrong = sum(not finding.ok for finding in findings)
    console.print(f"\n{len(findings)} checks in {time.monotonic() - began:.1f} s.", highlight=False)
    if wrong:
        complain(f"{wrong} of them found a difference.")
    console.print("No difference.", style="green")


async def settled(places: Places, told: Sequence[Told] = (), *, only_client: bool = False) -> list[Finding]:
    """What is found when nothing is on its way; looked at again for as long as `is_settled` says."""
    began = time.monotonic()
    found = [judge(await collect(places, told, only_client=only_client))]
    while not is_settled(found, time.monotonic() - began):
        await asyncio.sleep(PAUSE_SECONDS)
        found.append(judge(await collect(places, told, only_client=only_client)))
    return found[-1]


def is_settled(found: Sequence[Sequence[Finding]], seconds: float) -> bool:
    """Whether one look more would find no less than these did, the last of them after so long."""
    if any(finding.invariant == "I9" and not finding.ok for finding in found[-1]):
        return seconds >= HEALED_SECONDS
    return all(finding.ok for finding in found[-1]) or found[-1] in found[-2:-1] or len(found) >= LOOKS


def _print(console: Console, findings: list[Finding]) -> None:
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        mark = Text("✓", "green") if finding.ok else Text("✗", "red")
        table.add_row(mark, Text(finding.invariant, "dim"), Text(finding.check), Text(finding.told, "dim"))
        for difference in finding.differences:
            table.add_row("", "", Text(difference, "red"), "")
        if not finding.ok:
            table.add_row("", "", Text(f"→ {finding.remedy}"), "")
    console.print(table)
