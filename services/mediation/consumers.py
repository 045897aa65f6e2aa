"""What mediation learns from the others: commands for its cases, and rows for its desk."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.chassis.clock import now
from services.chassis.commands import Intent, handle_caused
from services.chassis.consumer import Consumer
from services.chassis.projections import types_of
from services.chassis.service import Service
from services.chassis.taken import Taken
from services.contracts.alerts import AlertAcknowledged, AlertUnanswered
from services.contracts.cases import (
    CaseAppealed,
    CaseConfirmed,
    CaseErased,
    CaseReopeningAsked,
    CaseReported,
    CaseWithdrawn,
    EscalationReason,
    Resolution,
)
from services.contracts.topics import CASES as CASES_TOPIC
from services.contracts.topics import DUTY, PATTERNS, REGISTRY
from services.mediation import merging
from services.mediation.circumstances import Surroundings
from services.mediation.domain.commands import (
    DOORSTEP,
    AcknowledgeCase,
    Actor,
    Answer,
    AnsweredBefore,
    AppealCase,
    Circumstances,
    Command,
    ConfirmCase,
    EraseCase,
    EscalateCase,
    OpenCase,
    ReopenCase,
    WithdrawCase,
)
from services.mediation.domain.decider import CASES
from services.mediation.merging import Merging
from services.mediation.read_models.feeds import (
    CASELOAD_CONSUMER,
    COMMANDS_CONSUMER,
    DUTY_CONSUMER,
    READ_MODELS,
    REGISTRY_CONSUMER,
)

_CAUSES = types_of(
    CaseReported,
    CaseWithdrawn,
    CaseConfirmed,
    CaseReopeningAsked,
    CaseAppealed,
    CaseErased,
    AlertAcknowledged,
    AlertUnanswered,
)
_DATED = types_of(CaseReported, CaseReopeningAsked, CaseAppealed, AlertUnanswered)
"""Causes whose effect promises a date, or gives the case to who is on duty."""


def consumers(service: Service, surroundings: Surroundings) -> list[Consumer]:
    store = service.store
    merged_cases = Merging(store, service.vault, surroundings)

    async def on_causes(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        at = now()
        foreign = [taken for taken in batch if taken.recorded.source != store.source]
        dated = {taken.recorded.area for taken in foreign if _is_dated(taken)}
        circumstances = await surroundings.of(dated, at, patient=True)
        intents = [intent for taken in foreign if (intent := caused_by(taken, at, circumstances))]
        own = [
            taken for taken in batch if taken.recorded.source == store.source and taken.recorded.type in merging.TYPES
        ]
        if own:
            intents += await merged_cases.caused_by(connection, own, COMMANDS_CONSUMER, at)
        await handle_caused(store, CASES, intents)
        for intent in intents:
            if isinstance(intent.command, EraseCase):
                await particulars.erase(connection, intent.stream)

    return [
        Consumer(COMMANDS_CONSUMER, (CASES_TOPIC,), on_causes),
        Consumer(CASELOAD_CONSUMER, (CASES_TOPIC, PATTERNS), models=READ_MODELS[CASELOAD_CONSUMER]),
        Consumer(REGISTRY_CONSUMER, (REGISTRY,), models=READ_MODELS[REGISTRY_CONSUMER]),
        Consumer(DUTY_CONSUMER, (DUTY,), models=READ_MODELS[DUTY_CONSUMER]),
    ]


def _is_dated(taken: Taken) -> bool:
    """History promises nothing."""
    if taken.recorded.type not in _DATED:
        return False
    return not (isinstance(event := taken.event, CaseReported) and event.imported)


def caused_by(taken: Taken, at: datetime, circumstances: Mapping[str, Circumstances]) -> Intent[Command] | None:
    """The command that an event of another service causes, if any. Imported history keeps its own time."""
    recorded = taken.recorded
    if recorded.type not in _CAUSES:
        return None
    command: Command
    actor = recorded.actor
    area = None
    match event := taken.event:
        case CaseReported():
            command = OpenCase(
                community=event.community,
                reference=event.reference,
                kind=event.kind,
                category=event.category,
                urgency=event.urgency,
                level=recorded.area,
                imported=event.imported,
                about_staff=event.about_staff,
                danger=event.danger,
                minor=event.minor,
                guardian=event.guardian,
                circumstances=None if event.imported else circumstances[recorded.area],
                answered=_answered(event),
                same_as=event.same_as,
            )
            actor, area = DOORSTEP.id, recorded.area
            at = recorded.occurred_at if event.imported else at
        case CaseWithdrawn():
            command = WithdrawCase()
        case CaseConfirmed():
            command = ConfirmCase(event.resolution_version)
        case CaseReopeningAsked():
            command = ReopenCase(recorded.occurred_at, circumstances[recorded.area])
        case CaseAppealed():
            command = AppealCase(recorded.occurred_at, circumstances[recorded.area])
        case CaseErased():
            command = EraseCase()
        case AlertAcknowledged():
            command = AcknowledgeCase(Actor(event.by, DOORSTEP.areas))
            actor = event.by
        case AlertUnanswered():
            command = EscalateCase(
                DOORSTEP, EscalationReason.ALERT_UNANSWERED, circumstances[recorded.area], event.level
            )
            actor = DOORSTEP.id
        case _:
            return None
    return Intent(
        stream=recorded.stream_id,
        command=command,
        key=f"{COMMANDS_CONSUMER}:{recorded.source}:{recorded.stream_id}:{recorded.version}",
        fingerprint=recorded.fingerprint,
        actor=actor,
        at=at,
        area=area,
        traceparent=recorded.traceparent,
    )


def _answered(event: CaseReported) -> AnsweredBefore | None:
    told = event.answered
    if told is None:
        return None
    answer = Answer(Resolution.ON_THE_SPOT, told.explanation, told.language, event.reported_on)
    return AnsweredBefore(told.by, answer)
