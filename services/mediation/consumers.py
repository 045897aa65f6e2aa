"""What mediation learns from the others: commands for its cases, and rows for its desk."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.chassis.clock import now
from services.chassis.commands import Intent, handle_all
from services.chassis.consumer import Consumer
from services.chassis.decider import Refused
from services.chassis.eventstore import EventStore, Outcome, StaleVersion
from services.chassis.passing import Passing
from services.chassis.places import PLACES
from services.chassis.projections import project, types_of
from services.chassis.taken import Taken
from services.contracts.alerts import AlertAcknowledged, AlertUnanswered
from services.contracts.cases import (
    CaseConfirmed,
    CaseErased,
    CaseReported,
    CaseWithdrawn,
    EscalationReason,
)
from services.contracts.topics import CASES as CASES_TOPIC
from services.contracts.topics import PATTERNS as PATTERNS_TOPIC
from services.contracts.topics import REGISTRY as REGISTRY_TOPIC
from services.mediation.domain.commands import (
    DOORSTEP,
    AcknowledgeCase,
    Actor,
    Command,
    ConfirmCase,
    EraseCase,
    EscalateCase,
    OpenCase,
    WithdrawCase,
)
from services.mediation.domain.decider import CASES
from services.mediation.read_models.caseload import CASELOAD
from services.mediation.read_models.feeds import CASELOAD_CONSUMER, COMMANDS_CONSUMER, REGISTRY_CONSUMER
from services.mediation.read_models.patterns import PATTERNS

_CAUSES = types_of(CaseReported, CaseWithdrawn, CaseConfirmed, CaseErased, AlertAcknowledged, AlertUnanswered)


class CaseBusy(Passing):
    """Somebody else kept changing the case; the batch is tried again."""


def consumers(store: EventStore) -> list[Consumer]:
    async def on_causes(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        at = now()
        intents = [intent for taken in batch if (intent := caused_by(taken, at))]
        for result in await handle_all(store, CASES, intents):
            match result:
                case Outcome() | Refused():
                    pass
                case StaleVersion():
                    raise CaseBusy
                case failed:
                    raise failed
        for intent in intents:
            if isinstance(intent.command, EraseCase):
                await particulars.erase(connection, intent.stream)

    async def on_cases(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        await project(connection, CASELOAD, batch)
        await project(connection, PATTERNS, batch)

    async def on_registry(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        await project(connection, PLACES, batch)

    return [
        Consumer(COMMANDS_CONSUMER, (CASES_TOPIC,), on_causes),
        Consumer(CASELOAD_CONSUMER, (CASES_TOPIC, PATTERNS_TOPIC), on_cases),
        Consumer(REGISTRY_CONSUMER, (REGISTRY_TOPIC,), on_registry),
    ]


def caused_by(taken: Taken, at: datetime) -> Intent[Command] | None:
    """The command that an event of another service causes, if any. Imported history keeps its own time."""
    recorded = taken.recorded
    if recorded.type not in _CAUSES or recorded.source == "mediation":
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
            )
            actor, area = DOORSTEP.id, recorded.area
            at = recorded.occurred_at if event.imported else at
        case CaseWithdrawn():
            command = WithdrawCase()
        case CaseConfirmed():
            command = ConfirmCase(event.resolution_version)
        case CaseErased():
            command = EraseCase()
        case AlertAcknowledged():
            command = AcknowledgeCase(Actor(event.by, DOORSTEP.areas))
            actor = event.by
        case AlertUnanswered():
            command = EscalateCase(DOORSTEP, EscalationReason.ALERT_UNANSWERED)
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
