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
from deploy.telling import complain
from deploy.told import Told, WrongHistory, read

LOOKS = 5
PAUSE_SECONDS = 2.0


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
    """What is found when nothing is on its way; while things change, looked at again a few times."""
    findings: list[Finding] = []
    for look in range(LOOKS):
        if look:
            await asyncio.sleep(PAUSE_SECONDS)
        before, findings = findings, judge(await collect(places, told, only_client=only_client))
        if findings == before or all(finding.ok for finding in findings):
            break
    return findings


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
