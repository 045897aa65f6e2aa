"""What intake learns from all services: where each case stands, and which communities and gatherings there are."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.consumer import Consumer
from services.chassis.service import Service
from services.chassis.taken import Taken
from services.contracts.cases import Amendment, CaseAmended, CaseErased
from services.contracts.gatherings import GatheringSignedOff
from services.contracts.topics import CASES, GATHERINGS, REGISTRY
from services.intake.correcting import forget_replaced, versions_of
from services.intake.erasure import erase_contact, erase_rows
from services.intake.read_models.feeds import GATHERINGS_CONSUMER, READ_MODELS, REGISTRY_CONSUMER, STATUS_CONSUMER


def consumers(service: Service) -> list[Consumer]:
    async def on_cases(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        for taken in batch:
            if taken.recorded.type == CaseErased.type and taken.recorded.source == "intake":
                await erase_rows(connection, taken.recorded.stream_id)
            elif _corrects(taken):
                recorded = await service.store.read_stream(connection, taken.recorded.stream_id)
                await forget_replaced(connection, service.vault, versions_of(recorded))

    async def on_gatherings(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        for taken in batch:
            if taken.recorded.type == GatheringSignedOff.type and isinstance(off := taken.event, GatheringSignedOff):
                await erase_contact(connection, off.sign_up)

    return [
        Consumer(STATUS_CONSUMER, (CASES,), on_cases, READ_MODELS[STATUS_CONSUMER]),
        Consumer(REGISTRY_CONSUMER, (REGISTRY,), models=READ_MODELS[REGISTRY_CONSUMER]),
        Consumer(GATHERINGS_CONSUMER, (GATHERINGS,), on_gatherings, READ_MODELS[GATHERINGS_CONSUMER]),
    ]


def _corrects(taken: Taken) -> bool:
    if taken.recorded.type != CaseAmended.type or taken.recorded.source != "intake":
        return False
    return isinstance(event := taken.event, CaseAmended) and event.amendment is Amendment.CORRECTION
