"""`doorstep up`: the stack's start as one sees it, then where to go from there."""

import time

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deploy.local.control import NotStarted, bring_up
from deploy.local.home import Home, find_home
from deploy.local.logs import tail
from deploy.local.production import NotForProduction
from deploy.local.state import load
from deploy.local.status import PartStatus, Phase, StackStatus
from deploy.local.tokens import mint

ADDRESSES = (
    ("residents", "/"),
    ("on duty", "/duty"),
    ("counter", "/counter"),
    ("desk", "/desk"),
    ("board", "/board"),
    ("what would be sent", "/mail/"),
    ("intake's API", "/api/intake/openapi.json"),
    ("mediation's API", "/api/mediation/openapi.json"),
    ("notifications' API", "/api/notifications/openapi.json"),
    ("reporting's API", "/api/reporting/openapi.json"),
)
DEMO_ROLES = ("operator", "cadre", "mediator", "supervisor", "manager")

_MARKS: dict[Phase, tuple[str, str]] = {
    "waiting": ("·", "dim"),
    "starting": ("…", "yellow"),
    "ready": ("✓", "green"),
    "failed": ("✗", "red"),
    "stopping": ("…", "yellow"),
    "stopped": ("·", "dim"),
}


def up() -> None:
    """Start the stack, show how it goes, end with the addresses and tokens. Exit code 1 when a part does not start."""
    console, home = Console(), find_home()
    began = time.monotonic()
    try:
        stack = _shown(console, home) if console.is_terminal else _told(console, home)
    except (NotStarted, NotForProduction) as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("It goes on starting in the background: see doorstep status, or stop it: doorstep down")
        raise typer.Exit(130) from None
    console.print(f"Ready after {time.monotonic() - began:.1f} s.\n")
    _welcome(console, home, stack)


def _shown(console: Console, home: Home) -> StackStatus:
    with Live(console=console, refresh_per_second=12, transient=True) as live:
        return bring_up(home, lambda stack: live.update(_progress(home, stack)))


def _told(console: Console, home: Home) -> StackStatus:
    """A line for each change: for logs and pipes."""
    told: dict[str, tuple[Phase, str]] = {}

    def tell(stack: StackStatus) -> None:
        for part in stack.parts:
            now = (part.phase, part.note)
            if part.phase not in ("waiting", "stopping", "stopped") and told.get(part.name) != now:
                told[part.name] = now
                after = part.since - stack.started
                console.print(f"{after:6.1f} s  {part.name} {part.phase}{f': {part.note}' if part.note else ''}")

    return bring_up(home, tell)


def _progress(home: Home, stack: StackStatus) -> Group:
    table = Table.grid(padding=(0, 2))
    for part in stack.parts:
        mark, style = _MARKS[part.phase]
        table.add_row(Text(mark, style), Text(part.name, style), Text(_words(home, stack, part), "dim"))
    waited = time.time() - stack.started
    return Group(table, Text(f"{waited:.0f} s", "dim"))


def _words(home: Home, stack: StackStatus, part: PartStatus) -> str:
    if part.phase == "ready":
        return f"{part.since - stack.started:.1f} s"
    if part.phase == "starting" and part.name == "kafka-jars":  # the only part that takes long enough to say more
        return next(iter(tail(home.logs / "kafka-jars.log", 1)), "")[:80]
    return part.note


def _welcome(console: Console, home: Home, stack: StackStatus) -> None:
    table = Table.grid(padding=(0, 2))
    for name, path in ADDRESSES:
        table.add_row(name, f"http://127.0.0.1:{stack.gateway_port}{path}")
    console.print(
        table, "\n", "Pages: sign in as anybody, nobody is real. A day to look at: doorstep demo", "\n", sep=""
    )
    console.print("Demo tokens for 30 days, all areas (`doorstep token --help` makes others):")
    key = load(home).staff_private_key
    for role in DEMO_ROLES:
        console.print(f"{role}:", style="bold")
        console.print(mint(key, role), soft_wrap=True, highlight=False)
    console.print(f"\nLogs: {home.logs}    Stop: make down (or doorstep down)", soft_wrap=True, highlight=False)
