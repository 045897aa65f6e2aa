"""`python -m tests.chaos.crashing mediation`: the service itself, which ends by SIGKILL where a test has asked for it.

No hook stands in production code: a few of its functions are wrapped before the service is run. What a test asks for
lies in the folder of `DOORSTEP_CHAOS`: `mediation.append.after` holds how many times that point is reached before the
process dies there; `mediation.json` holds variables that the service is to start with, as for another clock.
"""

import functools
import json
import os
import runpy
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import ParamSpec, TypeVar

FOLDER = "DOORSTEP_CHAOS"
WITHOUT = "DOORSTEP_CHAOS_WITHOUT"
"""Types of events, by comma, that the service is not to know: it is then of a version before theirs."""

_PREPARED = "DOORSTEP_CHAOS_PREPARED"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the plumbing, with a point before it and one after it."""

    module: str
    function: str


STEPS = {
    "append": Step("services.chassis.eventstore", "EventStore.append"),
    "send": Step("services.chassis.publisher", "Publisher.send"),
    "cursor": Step("services.chassis.relay", "Relay._advance"),
    "effects": Step("services.chassis.inbox", "take"),
    "commit": Step("services.chassis.consuming", "Subscription._take"),
    "acknowledgement": Step("services.chassis.positions", "Positions.show"),
    "firing": Step("services.chassis.timers", "handle_all"),
    "mail": Step("services.notifications.deliveries.mail", "Mail.send"),
}


def main() -> None:
    service, folder = sys.argv[1], Path(os.environ[FOLDER])
    _start_with(folder / f"{service}.json")
    _forget(os.environ.get(WITHOUT, ""))
    for name, step in STEPS.items():
        *owner, function = step.function.split(".")
        place = functools.reduce(getattr, owner, import_module(step.module))
        before, after = (folder / f"{service}.{name}.{side}" for side in ("before", "after"))
        setattr(place, function, _mortal(getattr(place, function), before, after))
    sys.argv[1:] = []
    runpy.run_module(f"services.{service}", run_name="__main__")


def _start_with(variables: Path) -> None:
    """Begin anew with further variables: what is loaded before Python, as another clock, comes in no other way."""
    if _PREPARED in os.environ or not variables.exists():
        return
    environment = os.environ | {_PREPARED: "yes"} | json.loads(variables.read_text())
    os.execve(sys.executable, [sys.executable, "-m", "tests.chaos.crashing", *sys.argv[1:]], environment)


def _forget(types: str) -> None:
    from services.contracts import catalogue

    for name in filter(None, types.split(",")):
        del catalogue.EVENTS[name], catalogue.TOPIC_OF_TYPE[name]


def _mortal(step: Callable[P, Awaitable[T]], before: Path, after: Path) -> Callable[P, Awaitable[T]]:
    @functools.wraps(step)
    async def taken(*args: P.args, **kwargs: P.kwargs) -> T:
        reached(before)
        result = await step(*args, **kwargs)
        reached(after)
        return result

    return taken


def reached(point: Path) -> None:
    """Die here, if it is asked for and this is the time; `point` then lies there as `….reached`."""
    try:
        left = int(point.read_text())
    except FileNotFoundError:
        return
    if left > 1:
        point.write_text(str(left - 1))
        return
    point.rename(f"{point}.reached")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
