"""`doorstep import`: a file of somebody else's cases into Doorstep, through its public interfaces."""

import asyncio
import os
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import httpx
import typer
from rich.console import Console
from rich.markup import escape

from deploy.importing import showing
from deploy.importing.catching_up import StillBehind, caught_up
from deploy.importing.communities import Communities
from deploy.importing.gateway import Gateway, GaveUp, Refused
from deploy.importing.ledger import Counts, Ledger, ledger_name
from deploy.importing.mapping import BadMapping, load
from deploy.importing.reading import UnreadableFile
from deploy.importing.running import Import, Survey, rows_of, survey
from deploy.installation import Installation, NotRunning, this_machines
from deploy.local.production import NotForProduction
from services.chassis.operating.telling import complain

COUNT_SECONDS = 0.1
AGAIN = "The same command goes on where it stood."

T = TypeVar("T")


def import_file(file: Path, mapping: str, limit: int | None, restart: bool, not_taken: Path | None, wait: bool) -> None:
    """Exit code 1 when a row was lost or refused, 2 when nothing could begin."""
    console = Console()
    try:
        here = this_machines()
        chosen = load(mapping)
        console.print(f"Looking through {file} …", highlight=False, soft_wrap=True)
        found = survey(file, chosen, limit)
    except (NotRunning, NotForProduction, BadMapping, UnreadableFile) as error:
        complain(str(error), 2)
    folder = here.home.folder / "import"
    folder.mkdir(mode=0o700, exist_ok=True)
    aside = not_taken or _beside(file, folder)
    kept = folder / f"{ledger_name(file, chosen, here.url)}.json"
    if restart:
        kept.unlink(missing_ok=True)
    try:
        ledger = Ledger(kept, aside)
    except OSError as error:
        complain(f"{aside} can't be written: {error.strerror}. Name another place: --not-taken PATH", 2)
    _begin(console, found, ledger)
    began = time.monotonic()
    before = ledger.counts.rows
    show = showing.Show(console, found.rows)

    async def run() -> None:
        async with httpx.AsyncClient(base_url=here.url, timeout=60.0, trust_env=False) as http:
            gateway = Gateway(http, show.waiting)
            communities = Communities(gateway, here.token("operator"), folder / "keys.json")
            work = Import(chosen, gateway, communities, ledger)
            await _watched(work.run(found.homes, rows_of(file, chosen, limit)), show, ledger)

    try:
        with show.live():
            asyncio.run(run())
    except (Refused, GaveUp, UnreadableFile) as error:
        ledger.close()
        complain(f"{error}\n{AGAIN}", 1)
    except KeyboardInterrupt:
        ledger.close()
        complain(f"Broken off at {ledger.counts.rows:,} rows. {AGAIN}", 130)
    seconds = time.monotonic() - began
    counts = ledger.counts
    ledger.finish()
    _summary(console, counts, found, seconds, counts.rows - before)
    if counts.not_taken:
        console.print(f"Not taken, with the reason of each: {aside}", highlight=False, soft_wrap=True)
    else:
        aside.unlink(missing_ok=True)
    if wait:
        _wait(console, here, seconds)
    raise typer.Exit(1 if counts.rejected or counts.unresolved or counts.rows != found.rows else 0)


async def _watched(work: Coroutine[None, None, T], show: showing.Show, ledger: Ledger) -> T:
    """Run it, telling the counts all the while."""

    async def watch() -> None:
        while True:
            show.counted(ledger.so_far)
            await asyncio.sleep(COUNT_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        return await work
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _beside(file: Path, otherwise: Path) -> Path:
    """Where the rows go that are not taken: beside the file, unless its folder is for reading only."""
    name = f"{file.name}.not-taken.ndjson"
    folder = file.resolve().parent
    # The system's administrator may write anywhere, but does not mean to where nobody else may.
    for_reading_only = not folder.stat().st_mode & 0o222 or not os.access(folder, os.W_OK)
    return (otherwise if for_reading_only else folder) / name


def _begin(console: Console, found: Survey, ledger: Ledger) -> None:
    console.print(f"{found.rows:,} rows of {len(found.homes):,} communities.", highlight=False)
    if ledger.resumed:
        console.print(f"Going on after {ledger.counts.rows:,} rows of an import that was broken off.", highlight=False)


def _summary(console: Console, counts: Counts, found: Survey, seconds: float, rows: int) -> None:
    console.print(f"\n{rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} rows/s.", highlight=False)
    for number, told in (
        (counts.accepted, "accepted"),
        (counts.duplicate, "known before, unchanged"),
        (counts.conflict, "conflicts: a known reference with other content, kept aside by intake for review"),
        (counts.rejected, "rejected"),
        (counts.resolved, "resolved"),
        (counts.known, "resolutions known before"),
        (counts.unresolved, "resolutions refused"),
    ):
        if number or told == "accepted":
            console.print(f"{number:>12,}  {told}", highlight=False)
    if not counts.accepted and not counts.resolved and not counts.not_taken - counts.conflict:
        console.print("Nothing changed: everything was known before.")
    if counts.rows != found.rows:
        console.print(f"[red]{found.rows - counts.rows:,} rows have no answer.[/]", highlight=False)


def _wait(console: Console, here: Installation, seconds: float) -> None:
    """Wait for what the import set going, and say when it had arrived."""
    try:
        with console.status("Waiting until everything has arrived everywhere …") as status:

            def told(behind: int) -> None:
                status.update(f"Waiting until everything has arrived everywhere: {behind:,} records behind …")

            arrived = asyncio.run(caught_up(here.places, told))
    except StillBehind as error:
        console.print(f"[yellow]Still behind: {escape(str(error))}.[/] See `doorstep reconcile`.", highlight=False)
        return
    except KeyboardInterrupt:
        console.print("Not waiting any longer; what was taken is safe. `doorstep reconcile` tells how far it is.")
        return
    last = max(arrived.values(), default=0.0)
    console.print(f"\nEverywhere {last:.1f} s later, {seconds + last:.1f} s in all.", highlight=False)
    for name, after in sorted(arrived.items(), key=lambda one: one[1]):
        console.print(f"{after:>10.1f} s  {name}", highlight=False)
