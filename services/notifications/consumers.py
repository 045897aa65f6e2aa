"""What notifications learns from the others: alerts for who is on duty, and rows for its lists."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.clock import now
from services.chassis.commands import Intent, handle_caused
from services.chassis.consumer import Consumer
from services.chassis.eventstore import EventStore
from services.chassis.projections import types_of
from services.chassis.taken import Taken
from services.contracts.alerts import AlertCause
from services.contracts.cases import (
    CaseAcknowledged,
    CaseAssigned,
    CaseClosed,
    CaseEscalated,
    CaseMerged,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    Kind,
    Urgency,
)
from services.contracts.topics import CASES, DUTY, REGISTRY
from services.notifications.domain.chain import AnswerWithin, chain_of
from services.notifications.domain.commands import AlertCommand, RaiseAlert, WithdrawAlert
from services.notifications.domain.decider import ALERTS
from services.notifications.domain.duty_desk import DutyDesk
from services.notifications.manning import desks_for
from services.notifications.read_models import late_cases
from services.notifications.read_models.feeds import ALERTS_CONSUMER, DUTY_CONSUMER, LIST_CONSUMER, READ_MODELS
from services.notifications.read_models.known_cases import KnownCase, known_cases

_CAUSES = types_of(CaseOpened, CaseEscalated, CaseReopened, CaseAssigned)
_LOOKED_AFTER = types_of(CaseAcknowledged, CaseResolved, CaseClosed, CaseMerged)
_ALERTS = UUID("0d9a9c5e-6f3b-5f52-8a0c-6f7d5b2f4c10")


@dataclass(frozen=True, slots=True)
class Cause:
    """Somebody is to be told of a case that `level` answers for; `preferred` first."""

    taken: Taken
    why: AlertCause
    level: str
    preferred: str | None = None


def consumers(store: EventStore, stale_after: timedelta, within: AnswerWithin) -> list[Consumer]:
    async def on_cases_of_others(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        at = now()
        causes = [cause for taken in batch if (cause := cause_of(taken))]
        late = {id(cause.taken) for cause in causes if cause.taken.recorded.recorded_at < at - stale_after}
        if late:
            told = await _told_before(store, [cause.taken for cause in causes if id(cause.taken) in late])
            levels = [
                (cause.level, cause.taken.recorded.recorded_at)
                for cause in causes
                if id(cause.taken) in late and _key(cause.taken) not in told
            ]
            if levels:
                await late_cases.count(connection, levels, at.date())
        fresh = {id(cause.taken): cause for cause in causes if id(cause.taken) not in late}
        cases = await known_cases(connection, {cause.taken.recorded.stream_id for cause in fresh.values()})
        desks = await desks_for(store, {cause.level for cause in fresh.values()})
        intents: list[Intent[AlertCommand]] = []
        for taken in batch:
            if cause := fresh.get(id(taken)):
                intents.append(raised_by(cause, cases[taken.recorded.stream_id], desks, within, at))
            elif says_looked_after(taken):
                intents.append(_intent(taken, WithdrawAlert(), at))
        await handle_caused(store, ALERTS, intents)

    return [
        Consumer(ALERTS_CONSUMER, (CASES,), on_cases_of_others, READ_MODELS[ALERTS_CONSUMER]),
        Consumer(LIST_CONSUMER, (CASES,), models=READ_MODELS[LIST_CONSUMER]),
        Consumer(DUTY_CONSUMER, (DUTY, REGISTRY), models=READ_MODELS[DUTY_CONSUMER]),
    ]


def cause_of(taken: Taken) -> Cause | None:
    """Whether somebody is to be told: imported history alerts nobody, until staff of today escalate it or give it on;
    nor does what somebody had answered before it was opened."""
    if taken.recorded.type not in _CAUSES:
        return None
    match event := taken.event:
        case CaseOpened(imported=False, answered_by=None):
            return Cause(taken, AlertCause.OPENED, event.level)
        case CaseEscalated():
            return Cause(taken, AlertCause.ESCALATED, event.to_level, preferred=event.owner)
        case CaseReopened():
            return Cause(taken, AlertCause.REOPENED, event.level)
        case CaseAssigned(level=str(level)):
            return Cause(taken, AlertCause.ASSIGNED, level, preferred=event.owner)
        case _:
            return None


def says_looked_after(taken: Taken) -> bool:
    """Whether nobody need answer for the case any more; an outcome that history brings was never alerted of."""
    if taken.recorded.type not in _LOOKED_AFTER:
        return False
    return not (isinstance(taken.event, CaseResolved) and taken.event.imported)


def raised_by(
    cause: Cause, case: KnownCase, desks: Mapping[str, DutyDesk], within: AnswerWithin, at: datetime
) -> Intent[AlertCommand]:
    """The first alert of a cause; its id is made from that event's identity. Whoever had it before it was
    reopened is never told of it again."""
    chain = chain_of(cause.level, desks, at, preferred=cause.preferred or case.protection, barred=case.barred)
    urgency = Urgency(case.urgency)
    command = RaiseAlert(
        alert=uuid5(_ALERTS, _identity(cause.taken)),
        cause=cause.why,
        level=cause.level,
        recipient=chain[0] if chain else None,
        reference=case.reference,
        kind=Kind(case.kind),
        category=case.category,
        urgency=urgency,
        answer_by=at + within.of(urgency),
    )
    return _intent(cause.taken, command, at)


def _intent(taken: Taken, command: AlertCommand, at: datetime) -> Intent[AlertCommand]:
    """With an area also for a withdrawal: where there was no alert yet, it must be known to have been handled."""
    recorded = taken.recorded
    return Intent(
        stream=recorded.stream_id,
        command=command,
        key=_key(taken),
        fingerprint=recorded.fingerprint,
        actor="doorstep",
        at=at,
        area=recorded.area,
        traceparent=recorded.traceparent,
    )


async def _told_before(store: EventStore, causes: Sequence[Taken]) -> Set[str]:
    """Keys of those that had their alert: after a restore they come once more, and late."""
    _, known = await store.load([], [_key(taken) for taken in causes], None)
    return known.keys()


def _key(taken: Taken) -> str:
    return f"{ALERTS_CONSUMER}:{_identity(taken)}"


def _identity(taken: Taken) -> str:
    recorded = taken.recorded
    return f"{recorded.source}:{recorded.stream_id}:{recorded.version}"
