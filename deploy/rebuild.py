"""`doorstep rebuild` and `doorstep verify`: read models told anew, to replace the live ones or to prove them right."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.installation import Installation, NotRunning, this_machines
from deploy.local.production import NotForProduction
from deploy.read_models import Placed, UnknownModel, all_models, named
from deploy.telling import complain
from services.chassis import rebuild as chassis
from services.chassis.database import engine
from services.chassis.generations import SwitchBlocked
from services.chassis.history import HistoryIncomplete
from services.chassis.projections import RebuildDue

T = TypeVar("T")

_REFUSALS: dict[type[Exception], str] = {
    chassis.AlreadyRebuilding: "is being rebuilt or verified already. Wait for that to end.",
    chassis.NotInstalled: "is not in the database yet. `doorstep up` makes it.",
    SwitchBlocked: "was read without a pause, and nothing has changed. Try again.",
    RebuildDue: "is of an older version than this code: doorstep rebuild {name}",
    HistoryIncomplete: "can't be told anew, since something is missing: doorstep republish the service it names",
}


def rebuild(names: Sequence[str]) -> None:
    """Exit code 1 when one could not be rebuilt."""
    console = Console()

    def told(placed: Placed, done: chassis.Rebuilt) -> bool:
        console.print(
            f"{placed.name} rebuilt from {done.events:,} events in {done.seconds:.1f} s"
            f" ({done.events / max(done.seconds, 0.001):,.0f}/s);"
            f" the live one waited for {done.locked_seconds * 1000:.0f} ms of them.",
            highlight=False,
        )
        return True

    _each(console, names, chassis.rebuild, told)


def verify(names: Sequence[str]) -> None:
    """Exit code 1 when one differs."""
    console = Console()

    def told(placed: Placed, found: chassis.Verified) -> bool:
        if found.equal:
            console.print(
                f"{placed.name} is right: {found.live.rows:,} rows, equal to those told anew ({found.live.hash}).",
                highlight=False,
            )
            return True
        console.print(
            f"[red]{placed.name} differs:[/] {found.live.rows:,} rows live, {found.rebuilt.rows:,} told anew;"
            f" for example {', '.join(map(str, found.differing))}. Remedy: doorstep rebuild {placed.name}",
            highlight=False,
            soft_wrap=True,
        )
        return False

    _each(console, names, chassis.verify, told)


Work = Callable[..., Awaitable[T]]


def _each(console: Console, names: Sequence[str], work: Work[T], told: Callable[[Placed, T], bool]) -> None:
    try:
        here = this_machines()
        models = named(list(names)) if names else all_models()
    except (NotRunning, NotForProduction, UnknownModel) as error:
        complain(str(error), 2)
    done = [asyncio.run(_one(console, here, placed, work, told)) for placed in models]
    if not all(done):
        complain("Not all is as it should be.")


async def _one(
    console: Console, here: Installation, placed: Placed, work: Work[T], told: Callable[[Placed, T], bool]
) -> bool:
    owner: AsyncEngine = engine(here.dsns(placed.service).owner, "doorstep-rebuild", connections=2)
    try:
        with console.status(placed.name) as status:

            def progress(events: int) -> None:
                status.update(f"{placed.name}: {events:,} events")

            return told(placed, await work(owner, placed.service, placed.model, placed.history(here.kafka), progress))
    except tuple(_REFUSALS) as refused:
        remedy = _REFUSALS[type(refused)].format(name=placed.name)
        console.print(f"[red]{placed.name} {remedy}[/]\n  {refused}", highlight=False, soft_wrap=True)
        return False
    finally:
        await owner.dispose()
