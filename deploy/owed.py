"""What a log asks for that comes later: messages to be sent, dates to be waited for. Pure, by the rules of the services
themselves, so that a database and a simulation are asked alike."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from uuid import UUID

from deploy.reconcile import Clock, Messages
from services.chassis.timers import Change, net_of
from services.contracts.cases import CaseErased, CaseReported
from services.contracts.envelope import Recorded
from services.notifications.deliveries.planned import TYPES, Audience, ForDuty, Planned, planned, voided
from services.notifications.deliveries.rows import FORGOTTEN_AFTER
from services.notifications.read_models.told_cases import TOLD_CASES, ToldCase

MESSAGE_TYPES = TYPES | TOLD_CASES.types
"""The only events that `messages_owed` looks at."""

_TIMER_KEY = "timer:"


def messages_owed(events: Iterable[Recorded], kept: Iterable[tuple[str, str]], at: datetime) -> Messages:
    """What these events ask to be told, in the order in which Kafka has them, against the rows that are kept.

    A row need not be there when something made the message pointless in time, or when it is old news at `at`.
    """
    cases: dict[UUID, ToldCase] = {}
    plans: dict[str, tuple[int, Planned | ForDuty]] = {}
    ends: dict[tuple[UUID, Audience], tuple[int, datetime]] = {}
    # What a case is is told first: another service's word on it may have come before.
    for nth, recorded in enumerate(sorted(events, key=lambda one: one.type != CaseReported.type)):
        if recorded.type not in MESSAGE_TYPES:
            continue
        event, stream = recorded.event(), recorded.stream_id
        if (void := voided(event)) is not None:
            _, before_at = ends.get((stream, void.audience), (nth, recorded.recorded_at))
            ends[stream, void.audience] = nth, max(before_at, recorded.recorded_at)
        if isinstance(event, CaseErased):
            continue
        before = cases.get(stream)
        after = TOLD_CASES.evolve(before, recorded, event) if recorded.type in TOLD_CASES.types else before
        if after is not None:
            cases[stream] = after
        if (plan := planned(before, after, recorded, event)) is not None:
            plans[f"{recorded.source}:{stream}:{recorded.version}"] = nth, plan
    return Messages(
        may={name: str(plan.delivery_id) if isinstance(plan, Planned) else "" for name, (_, plan) in plans.items()},
        must={
            name
            for name, (nth, plan) in plans.items()
            if isinstance(plan, Planned)
            and plan.recorded_at > at - FORGOTTEN_AFTER
            and not _pointless(nth, plan, ends.get((plan.stream_id, plan.audience)))
        },
        kept=list(kept),
    )


def _pointless(nth: int, plan: Planned, end: tuple[int, datetime] | None) -> bool:
    """A resident's end counts whenever it came: nothing is told after it either."""
    return end is not None and (plan.audience is Audience.RESIDENT or end[0] > nth or end[1] >= plan.recorded_at)


def clocks_owed(
    events: Iterable[Recorded], set_by: Callable[[Recorded], Change | None]
) -> tuple[set[Clock], set[Clock]]:
    """Every date that these events set, in the order of their log, and those of them that nothing has ended since."""
    changes = [(recorded, change) for recorded in events if (change := set_by(recorded)) is not None]
    ever = {Clock.of(recorded.stream_id, *date) for recorded, change in changes for date in change.set}
    running = {Clock.of(timer.stream_id, timer.name, timer.due_at) for timer in net_of(changes).running.values()}
    return ever, running


def key_of(clock: Clock) -> str:
    """Of the command that a timer fires."""
    return f"{_TIMER_KEY}{clock.stream}:{clock.name}:{clock.due_at.isoformat()}"


def clock_of(key: str) -> Clock:
    """The other way round."""
    stream, rest = key.removeprefix(_TIMER_KEY).split(":", 1)
    day, time = rest.rsplit("T", 1)
    name, date = day.rsplit(":", 1)
    return Clock(stream, name, datetime.fromisoformat(f"{date}T{time}").astimezone(UTC))
