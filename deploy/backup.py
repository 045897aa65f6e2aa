"""`doorstep backup`: a copy of all four databases while they work, and what carries it on from there."""

import asyncio
from contextlib import nullcontext
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from deploy.restoring import archive, attachments, base
from deploy.restoring.manifest import Manifest
from services.chassis.operating.telling import complain


def backup(folder: Path) -> None:
    """Exit code 1 when there is no backup, 2 when there is nothing to back up."""
    console, folder = Console(), folder.expanduser().resolve()
    bar = Progress(console=console, transient=True)
    tasks = {name: bar.add_task(name, total=None, start=False) for name in ("database", "hashes")}

    def told(what: str, done: int, whole: int) -> None:
        bar.start_task(tasks[what])
        bar.update(tasks[what], completed=done, total=whole)

    try:
        here = this_machines()
        with bar if console.is_terminal else nullcontext():
            manifest = asyncio.run(base.take(here, folder, told))
        files, size = archive.prune(here.home.wal / manifest.system)
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    except base.NoBackup as error:
        complain(str(error))
    except (OSError, asyncpg.PostgresError) as error:
        complain(f"No backup was made ({type(error).__name__}). See doorstep doctor.")
    _print(console, folder, manifest)
    archived = here.home.wal / manifest.system
    console.print(f"From now on PostgreSQL's log is archived in {archived}", highlight=False, soft_wrap=True)
    if files:
        console.print(f"Removed what no backup needs any more: {files:,} of its files, {size / 1e6:,.0f} MB.")
    console.print(
        f"Keep apart from it, and safe: {here.home.state}. It holds the keys, without which nothing that residents"
        f" told can be opened, and none of them lies in the backup.\nRestore: doorstep restore {folder}",
        highlight=False,
        soft_wrap=True,
    )


def _print(console: Console, folder: Path, manifest: Manifest) -> None:
    size = sum(file.bytes for file in manifest.files.values())
    seconds = (manifest.ended_at - manifest.began_at).total_seconds()
    console.print(f"Backup in {folder}: {size / 1e6:,.1f} MB in {seconds:.1f} s.", highlight=False, soft_wrap=True)
    table = Table.grid(padding=(0, 2))
    for service, held in manifest.services.items():
        table.add_row(service, f"up to position {held.position:,} and what came meanwhile")
    table.add_row("ended at", f"{manifest.ended_at.isoformat()}, {manifest.end_lsn} on timeline {manifest.timeline}")
    table.add_row(
        "photos", f"sealed, {manifest.files[attachments.NAME].bytes / 1e6:,.1f} MB; later ones are in no archive"
    )
    console.print(table)
