"""What intake learns from all services: where each case stands, and which communities and gatherings there are."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.consumer import Consumer
from services.chassis.projections import project
from services.chassis.service import Service
from services.chassis.taken import Taken
from services.contracts.cases import Amendment, CaseAmended, CaseErased
from services.contracts.gatherings import GatheringSignedOff
from services.contracts.topics import CASES, REGISTRY
from services.contracts.topics import GATHERINGS as GATHERINGS_TOPIC
from services.intake.correcting import forget_replaced, versions_of
from services.intake.erasure import erase_contact, erase_rows
from services.intake.read_models.case_status import CASE_STATUS
from services.intake.read_models.feeds import GATHERINGS_CONSUMER, REGISTRY_CONSUMER, STATUS_CONSUMER
from services.intake.read_models.gatherings import GATHERINGS
from services.intake.read_models.places import COMMUNITIES
from services.intake.read_models.voiced_needs import VOICED_NEEDS


def consumers(service: Service) -> list[Consumer]:
    async def on_cases(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        await project(connection, CASE_STATUS, batch)
        await project(connection, VOICED_NEEDS, batch)
        for taken in batch:
            if taken.recorded.type == CaseErased.type and taken.recorded.source == "intake":
                await erase_rows(connection, taken.recorded.stream_id)
            elif _corrects(taken):
                recorded = await service.store.read_stream(connection, taken.recorded.stream_id)
                await forget_replaced(connection, service.vault, versions_of(recorded))

    async def on_registry(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        await project(connection, COMMUNITIES, batch)

    async def on_gatherings(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        await project(connection, GATHERINGS, batch)
        for taken in batch:
            if taken.recorded.type == GatheringSignedOff.type and isinstance(off := taken.event, GatheringSignedOff):
                await erase_contact(connection, off.sign_up)

    return [
        Consumer(STATUS_CONSUMER, (CASES,), on_cases),
        Consumer(REGISTRY_CONSUMER, (REGISTRY,), on_registry),
        Consumer(GATHERINGS_CONSUMER, (GATHERINGS_TOPIC,), on_gatherings),
    ]


def _corrects(taken: Taken) -> bool:
    if taken.recorded.type != CaseAmended.type or taken.recorded.source != "intake":
        return False
    return isinstance(event := taken.event, CaseAmended) and event.amendment is Amendment.CORRECTION
