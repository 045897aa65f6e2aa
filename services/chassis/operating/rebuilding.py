"""`rebuild` and `verify`: read models told anew, to replace the live ones or to prove them right."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis import rebuild as chassis
from services.chassis.database import engine
from services.chassis.generations import SwitchBlocked
from services.chassis.history import HistoryIncomplete
from services.chassis.operating.telling import complain
from services.chassis.projections import RebuildDue
from services.chassis.rebuild import Placed

T = TypeVar("T")
Work = Callable[..., Awaitable[T]]

_REFUSALS: dict[type[Exception], str] = {
    chassis.AlreadyRebuilding: "is being rebuilt or verified already. Wait for that to end.",
    chassis.NotInstalled: "is not in the database yet. {install} makes it.",
    SwitchBlocked: "was read without a pause, and nothing has changed. Try again.",
    RebuildDue: "is of an older version than this code: {program} rebuild {name}",
    HistoryIncomplete: "can't be told anew, since something is missing: republish the service it names",
}


class UnknownModel(Exception):
    """No read model of that name, or more than one; the message names what there is."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What a command works on: `owners` are the databases of services, `program` and `install` what to type again."""

    owners: Callable[[str], str]
    kafka: str
    program: str
    install: str


def named(names: Sequence[str], models: Iterable[Placed]) -> list[Placed]:
    """Of these models those that are called so, as `caseload` or `mediation/caseload`; without a name, all.

    Raises:
        UnknownModel: see there.
    """
    every = list(models)
    return [_named(name, every) for name in names] if names else every


def _named(name: str, models: Sequence[Placed]) -> Placed:
    found = [placed for placed in models if name in (placed.name, placed.model.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownModel(f"{name} is in several services: say {' or '.join(placed.name for placed in found)}")
    raise UnknownModel(f"There is no read model {name}. There are: {', '.join(placed.name for placed in models)}")


def rebuild(reached: Reached, models: Sequence[Placed]) -> None:
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

    _each(console, reached, models, chassis.rebuild, told)


def verify(reached: Reached, models: Sequence[Placed]) -> None:
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
            f" for example {', '.join(map(str, found.differing))}. Remedy: {reached.program} rebuild {placed.name}",
            highlight=False,
            soft_wrap=True,
        )
        return False

    _each(console, reached, models, chassis.verify, told)


def _each(
    console: Console, reached: Reached, models: Sequence[Placed], work: Work[T], told: Callable[[Placed, T], bool]
) -> None:
    done = [asyncio.run(_one(console, reached, placed, work, told)) for placed in models]
    if not all(done):
        complain("Not all is as it should be.")


async def _one(
    console: Console, reached: Reached, placed: Placed, work: Work[T], told: Callable[[Placed, T], bool]
) -> bool:
    owner: AsyncEngine = engine(reached.owners(placed.service), "doorstep-rebuild", connections=2)
    try:
        with console.status(placed.name) as status:

            def progress(events: int) -> None:
                status.update(f"{placed.name}: {events:,} events")

            return told(
                placed, await work(owner, placed.service, placed.model, placed.history(reached.kafka), progress)
            )
    except tuple(_REFUSALS) as refused:
        again = {"name": placed.name, "program": reached.program, "install": reached.install}
        remedy = _REFUSALS[type(refused)].format(**again)
        console.print(f"[red]{placed.name} {remedy}[/]\n  {refused}", highlight=False, soft_wrap=True)
        return False
    finally:
        await owner.dispose()
