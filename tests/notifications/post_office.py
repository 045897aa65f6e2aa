"""Deliveries with everything real but Kafka: intake beside notifications, and an SMTP server that takes the mail."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.chassis.clock import now
from services.chassis.ids import new_id
from services.chassis.service import Service
from services.contracts.alerts import AlertCause, AlertRaised
from services.contracts.cases import CaseOpened, Kind, Urgency
from services.contracts.deadlines import Deadline, Rule
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.registry import CommunityRegistered, community_stream
from services.notifications.app import notifications
from services.notifications.consumers import consumers
from services.notifications.deliveries.sender import Sender
from services.notifications.deliveries.sending import deliveries_consumer, sender
from services.notifications.domain.chain import AnswerWithin
from services.notifications.read_models.feeds import DELIVERIES_CONSUMER, DUTY_CONSUMER, READ_MODELS
from services.notifications.settings import NotificationsSettings
from tests.conftest import Databases
from tests.intake.door import AREA, FrontDoor, opened_door
from tests.notifications.mail_server import Letterbox, new_letterbox, start
from tests.notifications.office import recorded
from tests.services import answering, migrated, settings_for, staff
from tests.taking import taken_by

PUBLIC = "https://doorstep.example"
DUE = datetime(2026, 12, 1, 10, 30, tzinfo=UTC)
API = "/api/notifications/v1"


@dataclass(slots=True)
class PostOffice:
    door: FrontDoor
    client: httpx.AsyncClient
    service: Service
    settings: NotificationsSettings
    letterbox: Letterbox
    told: int = 0
    """Of intake's log, up to which position."""

    def sender(self, **changed: Any) -> Sender:
        """Another process that sends; `changed` are settings of its own."""
        settings = self.settings.model_copy(update=changed)
        return sender(self.service, settings)

    async def send(self, at: datetime | None = None, *, by: Sender | None = None) -> int:
        """One round, as the clock stands or as it will stand."""
        return await (by or self.sender()).round(at or now())

    async def tell(self, *events: Recorded) -> None:
        consumer = deliveries_consumer(self.service, self.settings)
        assert consumer.name == DELIVERIES_CONSUMER
        async with self.service.worker.begin() as connection:
            await taken_by(consumer, connection, events)

    async def intake_tells(self) -> None:
        """Bring what intake recorded since the last time."""
        async with self.door.service.worker.begin() as connection:
            batch = await self.door.service.store.read(connection, self.told, 1000)
        if batch:
            self.told = batch[-1].position
            await self.tell(*[one for one in batch if one.type.startswith("case.")])

    async def report(self, **changed: Any) -> dict[str, str]:
        """A resident's report, known here; its first message still waits."""
        report = await self.door.report(**changed)
        await self.intake_tells()
        return report

    async def received(self, **changed: Any) -> UUID:
        """A report of whose arrival the resident has been told."""
        report = await self.report(**changed)
        await self.send()
        self.letterbox.empty()
        return UUID(report["case_id"])

    async def mediation_tells(self, case: UUID, *events: Event, first: int = 1, at: datetime | None = None) -> None:
        await self.tell(
            *(recorded(event, case, AREA, version=version, at=at) for version, event in enumerate(events, first))
        )

    async def alert(self, recipient: str, *, at: datetime | None = None, urgency: Urgency = Urgency.URGENT) -> UUID:
        """A case of which somebody is alerted."""
        case = new_id()
        raised = AlertRaised(
            alert=new_id(),
            cause=AlertCause.OPENED,
            level=AREA,
            recipient=recipient,
            reference="WL-7",
            kind=Kind.FAULT,
            category="water-leak",
            urgency=urgency,
            answer_by=DUE,
        )
        await self.tell(recorded(raised, case, AREA, source="notifications", at=at))
        return case

    async def reached_at(self, subject: str, **channels: Any) -> dict[str, str]:
        """A member of staff who has said how to be reached; their headers."""
        who = staff("cadre", AREA, subject=subject)
        answer = await self.client.put(f"{API}/channels", headers=who, json=channels)
        assert answer.status_code == 200, answer.text
        return who

    async def states(self, case: UUID | str) -> list[tuple[str, str, str | None]]:
        """What, state and reason of a case's messages."""
        async with self.service.worker.connect() as connection:
            rows = await connection.exec_driver_sql(
                "SELECT what, state, reason FROM delivery WHERE stream_id = $1 ORDER BY recorded_at, what",
                (UUID(str(case)),),
            )
            return [tuple(row) for row in rows]

    async def looks(self, case: UUID | str) -> int:
        """How often somebody opened what was reported."""
        async with self.door.service.worker.connect() as connection:
            found = await connection.exec_driver_sql(
                "SELECT count(*) FROM particulars_access WHERE stream_id = $1", (UUID(str(case)),)
            )
            return found.scalar_one()

    async def clear(self) -> None:
        """Nothing waits, the letterbox is empty and does as it should."""
        self.letterbox.empty()
        async with self.service.worker.begin() as connection:
            await connection.exec_driver_sql("UPDATE delivery SET state = 'cancelled' WHERE state = 'waiting'")


def opened(*, imported: bool = False) -> CaseOpened:
    return CaseOpened(
        community=community_stream(AREA),
        kind=Kind.FAULT,
        category="water-leak",
        urgency=Urgency.URGENT,
        level=AREA,
        imported=imported,
        deadlines=(promised(Rule.ACKNOWLEDGE, DUE - timedelta(days=5)), promised(Rule.DONE, DUE)),
    )


def promised(rule: Rule, due_at: datetime) -> Deadline:
    return Deadline(rule=rule, due_at=due_at, started_at=now(), policy="default-1", calendar="default-1")


def body(mail: Any) -> str:
    """What its reader reads."""
    return mail.get_content()


@asynccontextmanager
async def opened_post_office(postgres: Databases) -> AsyncGenerator[PostOffice]:
    letterbox = new_letterbox()
    models: Sequence[Any] = list(chain(*READ_MODELS.values()))
    server = await start(letterbox)
    try:
        async with opened_door(postgres) as door, migrated(postgres, "notifications", models) as dsns:
            settings = settings_for(
                NotificationsSettings,
                dsns,
                public_url=PUBLIC,
                intake_url="http://intake.test",
                smtp_url=letterbox.url,
                sms_url="mail:",
                sender="doorstep@doorstep.example",
            )
            app = notifications(settings)
            async with answering(app) as client, _to(door.app) as http:
                office = PostOffice(door, client, replace(app.state.service, http=http), settings, letterbox)
                await _know_the_place(office)
                yield office
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def _to(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), timeout=2.0) as http:
        yield http


async def _know_the_place(office: PostOffice) -> None:
    within = AnswerWithin(urgent=timedelta(minutes=5), ordinary=timedelta(minutes=40))
    [registry] = [
        one for one in consumers(office.service.store, timedelta(hours=24), within) if one.name == DUTY_CONSUMER
    ]
    community = community_stream(AREA)
    event = CommunityRegistered(community=community, area=AREA, name="Willow Lane", time_zone="Asia/Shanghai")
    async with office.service.worker.begin() as connection:
        await taken_by(registry, connection, [recorded(event, community, AREA)])
