"""What can be done to a running stack under load. Each fault returns when it has happened and is over."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from deploy.local.state import SERVICES
from tests.chaos.group import members_of
from tests.chaos.stack import MortalStack, until

Inject = Callable[[MortalStack, random.Random], Awaitable[None]]

HELD_SECONDS = (3.0, 8.0)
"""How long a way or a process stays as it is made, where nothing tells that it was noticed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` is a row of the fault table, by which the ledger counts."""

    kind: str
    inject: Inject


async def _die_at(service: str, point: str, stack: MortalStack, rng: random.Random) -> None:
    await stack.die_at(service, point, rng.randint(1, 3))


async def _kill(part: str, stack: MortalStack, rng: random.Random) -> None:
    await asyncio.sleep(rng.uniform(0.0, 1.0))
    await stack.kill(part)


async def _way(to: str, manner: str, stack: MortalStack, rng: random.Random) -> None:
    """The way to PostgreSQL or Kafka as it should not be, then as it was."""
    link = stack.to_postgres if to == "postgres" else stack.to_kafka
    seconds = rng.uniform(*HELD_SECONDS)
    try:
        match manner:
            case "cut":
                link.become("cut")
            case "hold":
                link.become("held")
            case "halve":
                link.become("halved")
            case _:
                link.become("open", delay=rng.uniform(0.1, 0.4))
        await asyncio.sleep(seconds)
    finally:
        link.become("open")
    await until(stack.is_ready, "the stack")


async def _paused(service: str, group: str, stack: MortalStack, _rng: random.Random) -> None:
    """A zombie: it sleeps until its group has given its partitions to another instance, then goes on as if awake."""
    async with stack.another(service):
        await until_members(stack, group, 2)
        process = await stack.process(service)
        process.send_signal(signal.SIGSTOP)
        try:
            await until_members(stack, group, 1)
        finally:
            process.send_signal(signal.SIGCONT)
        await until_members(stack, group, 2)
    await until_members(stack, group, 1)


async def _moving(service: str, group: str, stack: MortalStack, rng: random.Random) -> None:
    """Partitions move to a second instance while there is load, and back when it dies without a word."""
    async with stack.another(service) as second:
        await until_members(stack, group, 2)
        await asyncio.sleep(rng.uniform(0.5, 2.0))
        second.kill()
        await until_members(stack, group, 1)


async def _frozen(part: str, stack: MortalStack, rng: random.Random) -> None:
    process = await stack.process(part)
    process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(rng.uniform(*HELD_SECONDS))
    finally:
        process.send_signal(signal.SIGCONT)
    await until(stack.is_ready, "the stack")


async def until_members(stack: MortalStack, group: str, count: int) -> None:
    """Until that many instances share the partitions of a group."""
    while await members_of(stack.kafka, group) != count:  # noqa: ASYNC110 - it is Kafka that knows
        await asyncio.sleep(0.2)


def _points() -> dict[str, Fault]:
    reached = {
        "intake": ("append", "send", "cursor", "effects", "commit", "acknowledgement"),
        "mediation": ("append", "send", "cursor", "effects", "commit", "acknowledgement"),
        "notifications": ("append", "send", "cursor", "effects", "commit", "acknowledgement", "firing", "mail"),
        "reporting": ("effects", "commit", "acknowledgement"),
    }
    return {
        f"kill {service} {side} {step}": Fault("kill at a named point", partial(_die_at, service, f"{step}.{side}"))
        for service, steps in reached.items()
        for step in steps
        for side in ("before", "after")
    }


def _ways() -> dict[str, Fault]:
    manners = {"cut": "partition", "hold": "partition", "halve": "half-open", "slow": "slow"}
    return {
        f"{manner} {to}": Fault(kind, partial(_way, to, manner))
        for to in ("postgres", "kafka")
        for manner, kind in manners.items()
    }


FAULTS: Mapping[str, Fault] = {
    **_points(),
    **{f"kill {part}": Fault("kill a service at random", partial(_kill, part)) for part in (*SERVICES, "gateway")},
    "kill postgres": Fault("kill PostgreSQL", partial(_kill, "postgres")),
    "kill kafka": Fault("kill a broker", partial(_kill, "kafka")),
    "freeze kafka": Fault("pause", partial(_frozen, "kafka")),
    "pause mediation": Fault("pause past the session timeout", partial(_paused, "mediation", "mediation-cases")),
    "pause notifications": Fault(
        "pause past the session timeout", partial(_paused, "notifications", "notifications-alerts")
    ),
    "pause reporting": Fault("pause past the session timeout", partial(_paused, "reporting", "reporting-log")),
    "move mediation": Fault("partitions move", partial(_moving, "mediation", "mediation-cases")),
    "move reporting": Fault("partitions move", partial(_moving, "reporting", "reporting-log")),
    **_ways(),
}
"""By name: what is done, to which part, and where."""
