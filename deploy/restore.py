"""`doorstep restore`: the databases as they were at a time, and their logs as they are."""

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.local.home import find_home
from deploy.local.production import NotForProduction, refuse_production
from deploy.local.state import SERVICES
from deploy.restoring.flow import Asked, NotRestored, Restored
from deploy.restoring.flow import restore as carry_out
from deploy.restoring.manifest import NotWhole
from deploy.restoring.prepare import PLAIN, Prepared
from services.chassis.operating.telling import complain


def restore(folder: Path, to: str | None, only: list[str], kafka_is_lost: bool) -> None:
    """Exit code 1 when nothing was restored, 2 when what is asked for makes no sense."""
    console = Console()
    for service in only:
        if service not in SERVICES:
            complain(f"There is no service {service}. There are: {', '.join(SERVICES)}", 2)
    asked = Asked(folder.expanduser().resolve(), _time(to) if to else None, only, kafka_is_lost)
    try:
        refuse_production()
        with console.status("") if console.is_terminal else nullcontext() as status:

            def told(what: str) -> None:
                if status:
                    status.update(what)
                elif "read" not in what:
                    console.print(what, highlight=False)

            restored = carry_out(find_home(), asked, told)
    except NotForProduction as error:
        complain(str(error), 2)
    except (NotWhole, NotRestored) as error:
        complain(f"Nothing was restored, and nothing changed. {error}")
    _print(console, restored)


def _time(told: str) -> datetime:
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        complain(f"--to {told} is no time. Write it as 2026-11-24T08:30:00+08:00, or 2026-11-24T00:30:00 for UTC.", 2)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _print(console: Console, restored: Restored) -> None:
    to = restored.to.isoformat()
    console.print(f"Restored to {to}: {', '.join(restored.services)}.\n", highlight=False)
    if not restored.is_carried_on:
        console.print(
            f"[yellow]Nothing later than this backup is archived: it ended at {restored.manifest.ended_at.isoformat()},"
            " and only what the old databases' folder still had of the log carried it on.[/]\n",
            highlight=False,
            soft_wrap=True,
        )
    table = Table("", "restored up to", "taken back", "now at", "lost positions", "cases without particulars", box=None)
    for service, one in restored.services.items():
        taken = one.taken
        lost = ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in taken.lost[:3])
        more = f" and {len(taken.lost) - 3} more" if len(taken.lost) > 3 else ""
        table.add_row(
            service,
            f"{taken.restored:,}",
            f"{taken.events:,}",
            f"{taken.position:,}",
            lost + more or "none",
            f"{len(taken.particulars):,}",
        )
    console.print(table)
    for service, one in restored.services.items():
        _print_losses(console, service, one, to)
    if restored.photos_lost:
        console.print(f"\nPhotos of {len(restored.photos_lost):,} cases are neither here nor in the backup.")
    for model in restored.rebuild_due:
        console.print(f"A read model is of an older version: doorstep rebuild {model}", highlight=False)
    console.print(
        f"\nAll that was lost, by case and position: {restored.report}"
        "\nWhoever was signed in signs in anew. Start: doorstep up. Then: doorstep reconcile, doorstep verify",
        highlight=False,
        soft_wrap=True,
    )


def _print_losses(console: Console, service: str, one: Prepared, to: str) -> None:
    for stream in one.taken.broken[:10]:
        console.print(f"[red]{service}: {stream} misses an event in between and can't go on.[/]", highlight=False)
    if one.plain:
        console.print(f"\n{service}: what was written to these tables after {to} is gone", highlight=False)
    for name in one.plain:
        console.print(f"  {name}: {PLAIN[name]}", highlight=False, soft_wrap=True)
