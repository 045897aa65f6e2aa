"""What notifications learns from the others: alerts for who is on duty, and rows for its lists."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.clock import now
from services.chassis.commands import Intent, handle_all
from services.chassis.consumer import Consumer
from services.chassis.decider import Refused
from services.chassis.eventstore import EventStore, Outcome, StaleVersion
from services.chassis.passing import Passing
from services.chassis.places import PLACES
from services.chassis.projections import project, types_of
from services.chassis.taken import Taken
from services.contracts.alerts import AlertCause, first_alert_of
from services.contracts.cases import CaseEscalated, CaseOpened, Kind, Urgency
from services.contracts.duty import duty_stream
from services.contracts.topics import CASES as CASES_TOPIC
from services.contracts.topics import DUTY as DUTY_TOPIC
from services.contracts.topics import REGISTRY as REGISTRY_TOPIC
from services.notifications.domain.commands import AlertCommand, RaiseAlert
from services.notifications.domain.decider import ALERTS, DUTY
from services.notifications.domain.duty_desk import Manned, desks_above
from services.notifications.read_models import late_cases
from services.notifications.read_models.alert_list import ALERT_LIST
from services.notifications.read_models.duty_desks import DUTY_DESKS
from services.notifications.read_models.feeds import ALERTS_CONSUMER, DUTY_CONSUMER, LIST_CONSUMER
from services.notifications.read_models.known_cases import KNOWN_CASES, KnownCase, known_cases
from services.notifications.read_models.raised_alerts import RAISED_ALERTS

_CAUSES = types_of(CaseOpened, CaseEscalated)


class CaseBusy(Passing):
    """Somebody else kept answering for the case; the batch is tried again."""


def consumers(store: EventStore, stale_after: timedelta) -> list[Consumer]:
    async def on_causes(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        await project(connection, KNOWN_CASES, batch)
        causes = [taken for taken in batch if is_cause(taken)]
        if not causes:
            return
        at = now()
        limit = at - stale_after
        late = [(level_of(taken), taken.recorded.recorded_at) for taken in causes if taken.recorded.recorded_at < limit]
        if late:
            await late_cases.count(connection, late, at.date())
        fresh = [taken for taken in causes if taken.recorded.recorded_at >= limit]
        cases = await known_cases(connection, {taken.recorded.stream_id for taken in fresh})
        on_duty = await cadres_on_duty(store, {level_of(taken) for taken in fresh})
        intents = [caused_by(taken, cases[taken.recorded.stream_id], on_duty, at) for taken in fresh]
        for result in await handle_all(store, ALERTS, intents):
            match result:
                case Outcome() | Refused():
                    pass
                case StaleVersion():
                    raise CaseBusy
                case failed:
                    raise failed

    async def on_cases(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        await project(connection, ALERT_LIST, batch)
        await project(connection, RAISED_ALERTS, batch)

    async def on_duty_and_registry(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        await project(connection, DUTY_DESKS, batch)
        await project(connection, PLACES, batch)

    return [
        Consumer(ALERTS_CONSUMER, (CASES_TOPIC,), on_causes),
        Consumer(LIST_CONSUMER, (CASES_TOPIC,), on_cases),
        Consumer(DUTY_CONSUMER, (DUTY_TOPIC, REGISTRY_TOPIC), on_duty_and_registry),
    ]


def is_cause(taken: Taken) -> bool:
    """Whether somebody is to be told: imported history alerts nobody, until staff of today escalate it."""
    if taken.recorded.type not in _CAUSES:
        return False
    return not (isinstance(taken.event, CaseOpened) and taken.event.imported)


def level_of(taken: Taken) -> str:
    """The area that answers for the case from this event on."""
    match event := taken.event:
        case CaseOpened():
            return event.level
        case CaseEscalated():
            return event.to_level
        case _:
            raise AssertionError("only a cause has a level")


async def cadres_on_duty(store: EventStore, levels: set[str]) -> Mapping[str, str | None]:
    """For each level who answers now: its own desk's cadre or that of the nearest manned desk above."""
    desks = {desk for level in levels for desk in desks_above(level)}
    loaded, _ = await store.load([duty_stream(desk) for desk in desks], [], None)
    manned: dict[str, str] = {}
    for desk in desks:
        state = DUTY.initial
        for event in loaded[duty_stream(desk)].events:
            state = DUTY.evolve(state, event)
        if isinstance(state, Manned):
            manned[desk] = state.cadre
    return {level: next((manned[d] for d in desks_above(level) if d in manned), None) for level in levels}


def caused_by(taken: Taken, case: KnownCase, on_duty: Mapping[str, str | None], at: datetime) -> Intent[AlertCommand]:
    """The alert that an opening or an escalation causes; its id is made from that event's identity."""
    recorded = taken.recorded
    identity = f"{recorded.source}:{recorded.stream_id}:{recorded.version}"
    level = level_of(taken)
    command = RaiseAlert(
        alert=first_alert_of(recorded.source, recorded.stream_id, recorded.version),
        cause=AlertCause.OPENED if recorded.type == CaseOpened.type else AlertCause.ESCALATED,
        level=level,
        recipient=on_duty[level],
        reference=case.reference,
        kind=Kind(case.kind),
        category=case.category,
        urgency=Urgency(case.urgency),
    )
    return Intent(
        stream=recorded.stream_id,
        command=command,
        key=f"{ALERTS_CONSUMER}:{identity}",
        fingerprint=recorded.fingerprint,
        actor="doorstep",
        at=at,
        area=recorded.area,
        traceparent=recorded.traceparent,
    )
