"""Messages are planned here: in the transaction of the batch that causes them, so that none is missed or doubled."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.clock import now
from services.chassis.consumer import Consumer
from services.chassis.taken import Taken
from services.contracts.topics import CASES
from services.notifications.deliveries import rows
from services.notifications.deliveries.planned import TYPES, ForDuty, Planned, Void, planned, voided
from services.notifications.deliveries.rows import Waits
from services.notifications.read_models.feeds import DELIVERIES_CONSUMER, READ_MODELS
from services.notifications.read_models.told_cases import TOLD_CASES, ToldCase, told_cases

OnDuty = Callable[[str], Awaitable[str | None]]
"""Who answers for an area now: there, or at the next desk up the tree."""


def consumer(waits: Waits, on_duty: OnDuty) -> Consumer:
    async def on_cases(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        concerned = {taken.recorded.stream_id for taken in batch if taken.recorded.type in TYPES}
        cases = await told_cases(connection, concerned) if concerned else {}
        at = now()
        plans, voids = in_turn(batch, cases, at)
        await rows.void(connection, voids, at)
        addressed = [await _addressed(plan, on_duty) for plan in plans]
        await rows.write(connection, [plan for plan in addressed if plan is not None], waits, at)

    return Consumer(DELIVERIES_CONSUMER, (CASES,), models=READ_MODELS[DELIVERIES_CONSUMER], beforehand=on_cases)


def in_turn(
    batch: Sequence[Taken], cases: dict[UUID, ToldCase], at: datetime
) -> tuple[list[Planned | ForDuty], set[tuple[UUID, Void]]]:
    """What a batch leaves to be sent, and what it ends of what waited before; `cases` is brought up to date."""
    plans: list[Planned | ForDuty] = []
    voids: set[tuple[UUID, Void]] = set()
    for taken in batch:
        recorded = taken.recorded
        if recorded.type not in TYPES and recorded.type not in TOLD_CASES.types:
            continue
        before = cases.get(recorded.stream_id)
        after = TOLD_CASES.evolve(before, recorded, taken.event) if recorded.type in TOLD_CASES.types else before
        if after is not None:
            cases[recorded.stream_id] = after
        if (void := voided(recorded, taken.event)) is not None:
            voids.add((recorded.stream_id, void))
            plans = [plan for plan in plans if not _ends(recorded.stream_id, void, plan)]
        plan = planned(before, after, recorded, taken.event)
        if plan is not None and recorded.recorded_at > at - rows.FORGOTTEN_AFTER:
            plans.append(plan)
    return plans, voids


def _ends(stream_id: UUID, void: Void, plan: Planned | ForDuty) -> bool:
    message = plan.planned if isinstance(plan, ForDuty) else plan
    return message.stream_id == stream_id and void.ends(message)


async def _addressed(plan: Planned | ForDuty, on_duty: OnDuty) -> Planned | None:
    if isinstance(plan, Planned):
        return plan
    recipient = await on_duty(plan.level)
    return replace(plan.planned, recipient=recipient) if recipient else None
