"""What intake learns from all services: where each case stands, and which communities there are."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.consumer import Consumer
from services.chassis.projections import project
from services.chassis.service import Service
from services.chassis.taken import Taken
from services.contracts.cases import Amendment, CaseAmended, CaseErased
from services.contracts.topics import CASES, REGISTRY
from services.intake.correcting import forget_replaced, versions_of
from services.intake.erasure import erase_rows
from services.intake.read_models.case_status import CASE_STATUS
from services.intake.read_models.feeds import REGISTRY_CONSUMER, STATUS_CONSUMER
from services.intake.read_models.places import COMMUNITIES


def consumers(service: Service) -> list[Consumer]:
    async def on_cases(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        await project(connection, CASE_STATUS, batch)
        for taken in batch:
            if taken.recorded.type == CaseErased.type and taken.recorded.source == "intake":
                await erase_rows(connection, taken.recorded.stream_id)
            elif _corrects(taken):
                recorded = await service.store.read_stream(connection, taken.recorded.stream_id)
                await forget_replaced(connection, service.vault, versions_of(recorded))

    async def on_registry(connection: AsyncConnection, batch: Sequence[Taken]) -> None:
        await project(connection, COMMUNITIES, batch)

    return [
        Consumer(STATUS_CONSUMER, (CASES,), on_cases),
        Consumer(REGISTRY_CONSUMER, (REGISTRY,), on_registry),
    ]


def _corrects(taken: Taken) -> bool:
    if taken.recorded.type != CaseAmended.type or taken.recorded.source != "intake":
        return False
    return isinstance(event := taken.event, CaseAmended) and event.amendment is Amendment.CORRECTION
