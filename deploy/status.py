"""`doorstep status`: each part of the stack on one line."""

import time

import typer
from rich.console import Console
from rich.table import Table

from deploy.local.control import running_status
from deploy.local.home import find_home


def status() -> None:
    """Show the parts. Exit code 1 unless all are ready."""
    console = Console()
    stack = running_status(find_home())
    if stack is None:
        console.print("The stack is not running. Start it: doorstep up")
        raise typer.Exit(1)
    table = Table(box=None)
    for heading in ("part", "state", "for", "pid", "restarts", ""):
        table.add_column(heading)
    for part in stack.parts:
        lasting = f"{time.time() - part.since:.0f} s"
        table.add_row(part.name, part.phase, lasting, str(part.pid or ""), str(part.restarts or ""), part.note)
    console.print(table)
    if not stack.is_ready():
        raise typer.Exit(1)
