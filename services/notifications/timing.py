"""The clocks of notifications: an alert that nobody answers is told to the next, and a shift ends."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import types_of
from services.chassis.service import Service
from services.chassis.timers import Change, Timer, Timers
from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered, AlertWithdrawn
from services.contracts.duty import DutyLeft, DutyPlace, DutyTaken
from services.contracts.envelope import Recorded
from services.notifications.domain.case_alerts import CaseAlerts, NoAlert
from services.notifications.domain.chain import AnswerWithin, chain_of
from services.notifications.domain.commands import EndShift, TellNext
from services.notifications.domain.decider import ALERTS, TIMED, TimedCommand, TimedState
from services.notifications.manning import desks_for
from services.notifications.read_models.known_cases import known_cases

ANSWER = "answer"
_SHIFT = "shift:"

TYPES = types_of(AlertRaised, AlertAcknowledged, AlertUnanswered, AlertWithdrawn, DutyTaken, DutyLeft)


def timers(service: Service, within: AnswerWithin) -> Timers[TimedCommand, TimedState]:
    async def commands(connection: AsyncConnection, due: Sequence[Timer], at: datetime) -> Sequence[TimedCommand]:
        waiting = await _alerts_of(service, [timer.stream_id for timer in due if timer.name == ANSWER])
        cases = await known_cases(connection, waiting.keys())
        desks = await desks_for(service.store, {alert.level for alert in waiting.values()})

        def next_of(case_id: UUID) -> TellNext:
            alert, known = waiting[case_id], cases.get(case_id)
            chain = chain_of(alert.level, desks, at, barred=known.barred if known else frozenset())
            return TellNext(at, chain, at + within.of(alert.urgency))

        return [
            next_of(timer.stream_id)
            if timer.name == ANSWER
            else EndShift(timer.area, DutyPlace(timer.name.removeprefix(_SHIFT)), timer.due_at)
            for timer in due
        ]

    return Timers("notifications", service.store, service.worker, TIMED, set_by, commands, types=TYPES)


def set_by(recorded: Recorded) -> Change | None:
    match event := recorded.event():
        case AlertRaised():
            return Change([ANSWER], [(ANSWER, event.answer_by)] if event.answer_by else [])
        case AlertAcknowledged() | AlertUnanswered() | AlertWithdrawn():
            return Change([ANSWER])
        case DutyTaken():
            name = f"{_SHIFT}{event.place}"
            return Change([name], [(name, event.until)] if event.until else [])
        case DutyLeft():
            return Change([f"{_SHIFT}{event.place}"])
        case _:
            return None


async def _alerts_of(service: Service, cases: Sequence[UUID]) -> dict[UUID, AlertRaised]:
    """The last alert of each of these cases."""
    if not cases:
        return {}
    loaded, _ = await service.store.load(cases, [], None)
    last: dict[UUID, AlertRaised] = {}
    for case_id in cases:
        alerts: CaseAlerts = ALERTS.initial
        for event in loaded[case_id].events:
            alerts = ALERTS.evolve(alerts, event)
        assert not isinstance(alerts, NoAlert), "a clock runs from an alert"
        last[case_id] = alerts.last
    return last
