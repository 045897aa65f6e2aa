"""Mediation without Kafka: what the others would have told is told by hand, its own log is projected on demand."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

import httpx
from fastapi import FastAPI

from deploy.local.postgres import Dsns
from services.chassis.consumer import Consumer
from services.chassis.database import scoped
from services.chassis.eventstore import EventStore
from services.chassis.ids import new_id
from services.chassis.service import Service
from services.chassis.timers import Timers
from services.contracts.cases import CaseReported, Channel, Kind, Urgency
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.registry import CommunityRegistered, community_stream
from services.mediation.app import mediation
from services.mediation.consumers import consumers
from services.mediation.domain.case import Case
from services.mediation.domain.commands import Command
from services.mediation.read_models.feeds import CASELOAD_CONSUMER, COMMANDS_CONSUMER, REGISTRY_CONSUMER
from services.mediation.settings import MediationSettings
from tests.mediation.happened import WILLOW_LANE
from tests.services import answering, settings_for
from tests.taking import taken_by

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@dataclass(slots=True)
class Office:
    app: FastAPI
    client: httpx.AsyncClient
    service: Service
    consumers: dict[str, Consumer]
    timers: Timers[Command, Case]
    projected: int = 0
    heard: int = 0

    @property
    def store(self) -> EventStore:
        return self.service.store

    async def told(self, consumer: str, *told: Recorded) -> None:
        """Hand events to one consumer, in a transaction as the real one does."""
        async with self.service.worker.begin() as connection:
            await taken_by(self.consumers[consumer], connection, told)

    async def project(self) -> None:
        """Bring mediation's own events since the last time into the caseload."""
        while batch := await self._following():
            await self.told(CASELOAD_CONSUMER, *batch)
            self.projected = batch[-1].position

    async def tell_own(self, consumer: str) -> None:
        """Hand mediation's own events since the last time to one consumer, as Kafka would."""
        async with self.service.worker.begin() as connection:
            batch = await self.store.read(connection, self.heard, 10_000)
        if batch:
            self.heard = batch[-1].position
            await self.told(consumer, *batch)

    async def report(
        self, area: str = WILLOW_LANE, *, times: int = 1, imported: bool = False, **changed: object
    ) -> list[UUID]:
        """Cases that intake took and mediation opened; `changed` says what else of the reports is otherwise."""
        if not imported:
            await self.register(area)
        reports = [reported(area, imported=imported).model_copy(update=changed) for _ in range(times)]
        told = [recorded(report, new_id(), area) for report in reports]
        await self.told(CASELOAD_CONSUMER, *told)
        await self.told(COMMANDS_CONSUMER, *told)
        await self.project()
        return [one.stream_id for one in told]

    async def register(self, area: str = WILLOW_LANE, time_zone: str = "Asia/Shanghai") -> None:
        event = CommunityRegistered(community=community_stream(area), area=area, name="A place", time_zone=time_zone)
        await self.told(REGISTRY_CONSUMER, recorded(event, community_stream(area), area))

    async def events_of(self, case_id: UUID) -> list[Recorded]:
        async with scoped(self.service.application, ["/"]) as connection:
            return await self.store.read_stream(connection, case_id)

    async def types_of(self, case_id: UUID) -> list[str]:
        return [recorded.type for recorded in await self.events_of(case_id)]

    async def particulars_of(self, case_id: UUID) -> int:
        async with scoped(self.service.application, ["/"]) as connection:
            found = await connection.exec_driver_sql(
                "SELECT count(*) FROM particulars WHERE stream_id = $1", (case_id,)
            )
            return found.scalar_one()

    async def _following(self) -> Sequence[Recorded]:
        async with self.service.worker.begin() as connection:
            return await self.store.read(connection, self.projected, 2000)


@asynccontextmanager
async def opened_office(dsns: Dsns, **told: str) -> AsyncGenerator[Office]:
    app = mediation(settings_for(MediationSettings, dsns, **told))
    async with answering(app) as client:
        service: Service = app.state.service
        yield Office(
            app,
            client,
            service,
            {one.name: one for one in consumers(service, app.state.surroundings)},
            app.state.timers,
        )


def reported(area: str = WILLOW_LANE, *, imported: bool = False, same_as: UUID | None = None) -> CaseReported:
    return CaseReported(
        community=community_stream(area),
        reference=f"R-{new_id().hex[-8:]}",
        kind=Kind.FAULT,
        category="water-leak",
        urgency=Urgency.ORDINARY,
        channel=Channel.WEB,
        reported_on=date(2026, 3, 1),
        imported=imported,
        particulars=new_id(),
        same_as=same_as,
    )


def recorded(
    event: Event,
    stream_id: UUID,
    area: str = WILLOW_LANE,
    *,
    version: int = 1,
    source: str = "intake",
    at: datetime = AT,
    actor: str = "resident",
) -> Recorded:
    """An event as another service recorded it."""
    return Recorded(
        source=source,
        stream_id=stream_id,
        version=version,
        position=1,
        type=event.type,
        schema_version=event.schema_version,
        area=area,
        data=event.model_dump_json().encode(),
        occurred_at=at,
        recorded_at=at,
        command_key="key",
        fingerprint=b"fingerprint",
        actor=actor,
    )
