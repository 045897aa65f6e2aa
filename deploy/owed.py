"""What a log asks for that comes later: messages to be sent, dates to be waited for. Pure, by the rules of the services
themselves, so that a database and a simulation are asked alike."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from uuid import UUID

from deploy.evidence import Clock, Messages
from services.chassis.clock import within_reach
from services.chassis.timers import Change, net_of
from services.contracts.cases import CaseErased, CaseReported
from services.contracts.envelope import Recorded
from services.notifications.deliveries import guests
from services.notifications.deliveries.planned import TYPES, Audience, ForDuty, Planned, Void, planned, voided
from services.notifications.deliveries.rows import FORGOTTEN_AFTER
from services.notifications.read_models.told_cases import TOLD_CASES, ToldCase

MESSAGE_TYPES = TYPES | TOLD_CASES.types | guests.TYPES
"""The only events that `messages_owed` looks at."""

_TIMER_KEY = "timer:"
_NEVER = datetime.min.replace(tzinfo=UTC)


def messages_owed(events: Iterable[Recorded], kept: Iterable[tuple[str, str]], at: datetime) -> Messages:
    """What these events ask to be told, in the order in which Kafka has them, against the rows that are kept.

    A row need not be there when something made the message pointless in time, or when it is old news at `at`.
    """
    gatherings, news = guests.Gatherings({}, {}), dict[UUID, datetime]()
    cases: dict[UUID, ToldCase] = {}
    plans: dict[str, Planned | ForDuty] = {}
    ended: defaultdict[UUID, set[Void]] = defaultdict(set)
    # What a case is is told first: another service's word on it may have come before.
    for recorded in sorted(events, key=lambda one: one.type != CaseReported.type):
        if recorded.type not in MESSAGE_TYPES:
            continue
        event, stream = recorded.event(), recorded.stream_id
        if recorded.type in guests.TYPES:
            if told := gatherings.hear(recorded, event):
                ended[stream].add(Void(Audience.GUEST, Void.REPLACED, news.get(stream, _NEVER)))
                news[stream] = recorded.recorded_at
            plans.update((f"{recorded.source}:{stream}:{recorded.version}:{plan.recipient}", plan) for plan in told)
            continue
        if (void := voided(recorded, event)) is not None:
            ended[stream].add(void)
        if isinstance(event, CaseErased):
            continue
        before = cases.get(stream)
        after = TOLD_CASES.evolve(before, recorded, event) if recorded.type in TOLD_CASES.types else before
        if after is not None:
            cases[stream] = after
        if (plan := planned(before, after, recorded, event)) is not None:
            plans[f"{recorded.source}:{stream}:{recorded.version}"] = plan
    return Messages(
        may={name: str(plan.delivery_id) if isinstance(plan, Planned) else "" for name, plan in plans.items()},
        must={
            name
            for name, plan in plans.items()
            if isinstance(plan, Planned)
            and plan.recorded_at > at - FORGOTTEN_AFTER
            and not any(void.ends(plan) for void in ended[plan.stream_id])
        },
        kept=list(kept),
    )


def clocks_owed(
    events: Iterable[Recorded], set_by: Callable[[Recorded], Change | None]
) -> tuple[set[Clock], set[Clock]]:
    """Every date that these events set, in the order of their log, and those of them that nothing has ended since."""
    changes = [(recorded, change) for recorded in events if (change := set_by(recorded)) is not None]
    ever = {
        Clock.of(recorded.stream_id, name, within_reach(due_at))
        for recorded, change in changes
        for name, due_at in change.set
    }
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
