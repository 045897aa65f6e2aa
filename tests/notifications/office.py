"""Notifications without Kafka: what the others would have told is told by hand, its own log is projected on demand."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from deploy.local.postgres import Dsns
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.consumer import Consumer
from services.chassis.database import scoped
from services.chassis.ids import new_id
from services.chassis.service import Service
from services.chassis.signin.sessions import Sessions
from services.contracts.cases import CaseEscalated, CaseOpened, EscalationReason, Kind, Urgency
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.registry import AreaRegistered, area_stream, community_stream
from services.notifications.app import notifications
from services.notifications.consumers import consumers
from services.notifications.domain.chain import AnswerWithin
from services.notifications.read_models.feeds import ALERTS_CONSUMER, DUTY_CONSUMER, LIST_CONSUMER
from services.notifications.settings import NotificationsSettings
from services.notifications.timing import timers
from tests.services import answering, keyed, settings_for, staff
from tests.taking import taken_by

STALE_AFTER = timedelta(hours=24)
WITHIN = AnswerWithin(urgent=timedelta(minutes=5), ordinary=timedelta(minutes=40))


@dataclass(slots=True)
class Office:
    app: FastAPI
    client: httpx.AsyncClient
    service: Service
    consumers: dict[str, Consumer]
    city: str = "/"
    projected: int = 0

    @property
    def street(self) -> str:
        return f"{self.city}street/"

    @property
    def community(self) -> str:
        return f"{self.city}street/community/"

    async def move_to(self, city: str) -> None:
        self.city = city
        for area in (city, self.street, self.community):
            await self.told(DUTY_CONSUMER, recorded(AreaRegistered(path=area, name="A place"), area_stream(area), area))

    async def signed_in(self, subject: str, role: str = "cadre", area: str | None = None) -> str:
        """What the cookie holds of somebody who signed in at the duty page."""
        sessions: Sessions = self.app.state.sessions
        return await sessions.begin(Staff(subject, frozenset([role]), (area or self.community,)))

    async def told(self, consumer: str, *told: Recorded) -> None:
        """Hand events to one consumer, in a transaction as the real one does."""
        async with self.service.worker.begin() as connection:
            await taken_by(self.consumers[consumer], connection, told)

    async def mediation_tells(self, *told: Recorded) -> None:
        await self.told(ALERTS_CONSUMER, *told)
        await self.told(LIST_CONSUMER, *told)
        await self.project()

    async def project(self) -> None:
        """Bring our own events since the last time into the lists."""
        async with self.service.worker.begin() as connection:
            batch = await self.service.store.read(connection, self.projected, 10_000)
        if batch:
            await self.told(LIST_CONSUMER, *batch)
            await self.told(DUTY_CONSUMER, *batch)
            self.projected = batch[-1].position

    async def case_opens(
        self, *, imported: bool = False, at: datetime | None = None, urgency: Urgency = Urgency.URGENT
    ) -> UUID:
        case = new_id()
        event = opened(self.community, imported=imported, urgency=urgency)
        await self.mediation_tells(recorded(event, case, self.community, at=at))
        return case

    async def fire(self, at: datetime) -> None:
        """Let the clock stand at `at`: what is due by then happens."""
        await timers(self.service, WITHIN).fire(at)
        await self.project()

    async def mediation_says(self, event: Event, case: UUID, *, version: int = 2) -> None:
        await self.mediation_tells(recorded(event, case, self.community, version=version))

    async def case_escalates(self, case: UUID, *, version: int = 2, at: datetime | None = None) -> None:
        event = escalated(self.community, self.street)
        await self.mediation_tells(recorded(event, case, self.community, version=version, at=at))

    async def on_duty(self, cadre: str, area: str, **shift: Any) -> None:
        answer = await self.post("duty:take", self.operator, {"area": area, "cadre": cadre, **shift})
        assert answer.status_code == 200, answer.text

    async def events_of(self, stream: UUID) -> list[Event]:
        async with scoped(self.service.application, ["/"]) as connection:
            return [one.event() for one in await self.service.store.read_stream(connection, stream)]

    def staff(self, role: str, subject: str, area: str | None = None) -> dict[str, str]:
        return staff(role, area or self.community, subject=subject)

    @property
    def operator(self) -> dict[str, str]:
        return staff("operator", subject="ops")

    async def post(
        self, path: str, who: dict[str, str], body: Any = None, key: dict[str, str] | None = None
    ) -> httpx.Response:
        headers = {**who, **(key or keyed())}
        answer = await self.client.post(f"/api/notifications/v1/{path}", headers=headers, json=body)
        await self.project()
        return answer

    async def get(self, path: str, who: dict[str, str], **query: Any) -> Any:
        answer = await self.client.get(f"/api/notifications/v1/{path}", headers=who, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def alerts(self, who: dict[str, str] | None = None, **query: Any) -> list[dict[str, Any]]:
        query.setdefault("area", self.city)
        return (await self.get("alerts", who or self.operator, **query))["alerts"]


@asynccontextmanager
async def opened_office(dsns: Dsns, **told: str) -> AsyncGenerator[Office]:
    app = notifications(settings_for(NotificationsSettings, dsns, **told))
    async with answering(app) as client:
        service: Service = app.state.service
        yield Office(app, client, service, {one.name: one for one in consumers(service.store, STALE_AFTER, WITHIN)})


def opened(
    area: str, *, imported: bool = False, reference: str = "WL-7", urgency: Urgency = Urgency.URGENT
) -> CaseOpened:
    return CaseOpened(
        community=community_stream(area),
        reference=reference,
        kind=Kind.FAULT,
        category="water-leak",
        urgency=urgency,
        level=area,
        imported=imported,
    )


def escalated(from_level: str, to_level: str) -> CaseEscalated:
    return CaseEscalated(from_level=from_level, to_level=to_level, reason=EscalationReason.ASKED_BY_STAFF)


def recorded(
    event: Event,
    stream_id: UUID,
    area: str,
    *,
    version: int = 1,
    source: str = "mediation",
    at: datetime | None = None,
) -> Recorded:
    """An event as another service recorded it, just now unless told."""
    at = at or now()
    return Recorded(
        source=source,
        stream_id=stream_id,
        version=version,
        position=1,
        type=event.type,
        schema_version=event.schema_version,
        area=area,
        data=event.model_dump_json(exclude_defaults=True).encode(),
        occurred_at=at,
        recorded_at=at,
        command_key="key",
        fingerprint=b"fingerprint",
        actor="doorstep",
    )
