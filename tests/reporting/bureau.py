"""A reporting service for a test, its log filled as its consumer fills it and folded as its followers fold."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Self
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis import generations
from services.chassis.database import engine
from services.chassis.eventstore import NewEvent
from services.chassis.history import copy
from services.chassis.projections import physical_name, project
from services.chassis.service import Service
from services.chassis.taken import Taken
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.registry import AreaRegistered, CommunityRegistered, area_stream, community_stream
from services.reporting.app import reporting
from services.reporting.public_log import PublicLog
from services.reporting.read_models.case_fact import CASE_FACT, CaseFact
from services.reporting.read_models.following import READ_MODELS
from services.reporting.settings import ReportingSettings
from tests.conftest import Databases
from tests.services import NOWHERE, answering, migrated, settings_for

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BATCH = 2000


def happened(
    event: Event,
    stream_id: UUID,
    version: int = 1,
    *,
    source: str = "intake",
    area: str = "/nyc/nycc33/",
    at: datetime = NOON,
    recorded_at: datetime | None = None,
) -> Recorded:
    """An event as it was recorded; at once, unless told otherwise."""
    new = NewEvent.of(event, at)
    return Recorded(
        source=source,
        stream_id=stream_id,
        version=version,
        position=1,
        type=new.type,
        schema_version=new.schema_version,
        area=area,
        data=new.data.encode(),
        occurred_at=at,
        recorded_at=recorded_at or at,
        command_key=f"{source}:{stream_id}:{version}",
        fingerprint=b"",
        actor="somebody",
    )


def registered(areas: Iterable[str], zone: str = "America/New_York") -> list[Recorded]:
    """The communities at these paths, and the city above them."""
    city = AreaRegistered(path="/nyc/", name="New York City")
    events = [happened(city, area_stream("/nyc/"), area="/nyc/")]
    for area in sorted(areas):
        stream = community_stream(area)
        name = f"Council District {int(area.strip('/')[-2:])}"
        community = CommunityRegistered(community=stream, area=area, name=name, time_zone=zone)
        events.append(happened(community, stream, area=area))
    return events


@dataclass(frozen=True, slots=True)
class Bureau:
    app: FastAPI
    client: httpx.AsyncClient
    owner: AsyncEngine

    @property
    def worker(self) -> AsyncEngine:
        service: Service = self.app.state.service
        return service.worker

    async def learn(self, events: Sequence[Recorded]) -> Self:
        """Take events into the log and fold them into every read model."""
        log = PublicLog(self.worker)
        for begin in range(0, len(events), BATCH):
            batch = [Taken(one) for one in events[begin : begin + BATCH]]
            async with self.worker.begin() as connection:
                await log.take(connection, batch)
                for model in READ_MODELS:
                    await project(connection, model, batch)
                    await connection.exec_driver_sql(
                        "INSERT INTO cursor SELECT $1, position FROM public_log"
                        " ON CONFLICT (consumer) DO UPDATE SET position = excluded.position",
                        (model.name,),
                    )
        return self

    async def know(self, facts: Iterable[CaseFact]) -> None:
        """Put case facts behind the view as a rebuild does, without the events."""
        async with self.owner.begin() as connection:
            await generations.create(connection, CASE_FACT, 2)
            columns = [column.name for column in CASE_FACT.table.columns]
            await copy(connection, physical_name(CASE_FACT, 2), columns, map(attrgetter(*columns), facts))
            await generations.finish(connection, "reporting", CASE_FACT, 2)
            await generations.switch(connection, "reporting", CASE_FACT, 2)

    async def indicators(self, headers: dict[str, str], **asked: str) -> dict[str, Any]:
        answer = await self.client.get("/api/reporting/v1/indicators", params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def bureau(postgres: Databases, kafka: str = NOWHERE, **settings: object) -> AsyncGenerator[Bureau]:
    async with migrated(postgres, "reporting", READ_MODELS) as dsns:
        app = reporting(settings_for(ReportingSettings, dsns, kafka, **settings))
        async with answering(app) as client:
            owner = engine(dsns.owner, "bureau", connections=1)
            yield Bureau(app, client, owner)
            await owner.dispose()
