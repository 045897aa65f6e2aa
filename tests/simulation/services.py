"""The four services, put together from production's own parts over the stand-ins: one process is one of them."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis import particulars
from services.chassis.consumer import Consumer
from services.chassis.consuming import Consumers
from services.chassis.eventstore import EventStore
from services.chassis.fingerprints import Fingerprints
from services.chassis.particulars import Vault
from services.chassis.projections import ReadModel
from services.chassis.relay import Relay
from services.chassis.service import HTTP_SECONDS, Service
from services.chassis.tracing import OFF
from services.intake.consumers import consumers as intake_consumers
from services.intake.door import Door, door_of
from services.intake.read_models.feeds import READ_MODELS as INTAKE_MODELS
from services.intake.settings import IntakeSettings
from services.mediation import timing as mediation_timing
from services.mediation.circumstances import Surroundings
from services.mediation.consumers import consumers as mediation_consumers
from services.mediation.read_models.feeds import READ_MODELS as MEDIATION_MODELS
from services.notifications import timing as notifications_timing
from services.notifications.consumers import consumers as notifications_consumers
from services.notifications.deliveries.residents import Contact
from services.notifications.deliveries.rows import Claimed
from services.notifications.deliveries.sender import Sender
from services.notifications.deliveries.sending import deliveries_consumer
from services.notifications.deliveries.transport import Away
from services.notifications.deliveries.writing import Place, Written
from services.notifications.domain.chain import AnswerWithin
from services.notifications.read_models.feeds import READ_MODELS as NOTIFICATIONS_MODELS
from services.notifications.settings import NotificationsSettings
from services.reporting.consumers import consumers as reporting_consumers
from services.reporting.public_log import PublicLog
from services.reporting.read_models.following import READ_MODELS as REPORTING_MODELS
from tests.simulation.broker import Broker
from tests.simulation.bus import Bus
from tests.simulation.connection import Engine
from tests.simulation.letters import Letters
from tests.simulation.scheduler import Process

NAMES = ("intake", "mediation", "notifications", "reporting")

MODELS: dict[str, Sequence[ReadModel[Any]]] = {
    "intake": [model for models in INTAKE_MODELS.values() for model in models],
    "mediation": [model for models in MEDIATION_MODELS.values() for model in models],
    "notifications": [model for models in NOTIFICATIONS_MODELS.values() for model in models],
    "reporting": REPORTING_MODELS,
}

FAULTS_OF_A_PATTERN = 3
WITHIN = AnswerWithin(urgent=timedelta(seconds=3), ordinary=timedelta(seconds=7))


def _key(letter: bytes) -> str:
    return b64encode(letter * 32).decode()


@cache
def vault(name: str) -> Vault:
    return Vault(f"1:{_key(name[:1].encode())}")


@cache
def _intake_settings() -> IntakeSettings:
    return IntakeSettings.model_validate(
        {**_told(), "receipt_key": _key(b"r"), "credential_key": _key(b"c"), "attachments": "file:/nowhere"}
    )


@cache
def _notifications_settings() -> NotificationsSettings:
    return NotificationsSettings.model_validate(
        {**_told(), "stale_after": timedelta(minutes=10), "late_mail_after": timedelta(seconds=40)}
    )


def _told() -> dict[str, object]:
    nowhere = {"port": 0, "application_dsn": "x", "worker_dsn": "x", "kafka": "x", "env": "local"}
    return {**nowhere, "service_key": _key(b"s"), "fingerprint_key": _key(b"f"), "particulars_keys": f"1:{_key(b'p')}"}


@dataclass(frozen=True, slots=True)
class Running:
    """One service at work in one process."""

    process: Process
    service: Service
    consumers: Consumers
    relay: Relay
    background: Sequence[Callable[[], Awaitable[None]]]
    door: Door | None = None
    surroundings: Surroundings | None = None

    async def work(self) -> None:
        """As the lifespan of a service does, until its process ends."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.service.store.open())
            self.process.start(self.relay.run(), "relay")
            for job in self.background:
                self.process.start(_run(job), "background")
            await stack.enter_async_context(self.consumers.open())
            await nothing_more()


async def nothing_more() -> None:
    from asyncio import get_running_loop

    await get_running_loop().create_future()


async def _run(job: Callable[[], Awaitable[None]]) -> None:
    await job()


class Post:
    """What a message says matters to nobody here."""

    def write(self, row: Claimed, place: Place, language: str | None) -> Written:
        del place
        return Written(language or "en", row.what, row.what, row.what)


class Residents:
    """Intake opens what a resident left, when it can be reached, by the function that its endpoint uses."""

    def __init__(self, intake: Callable[[], Running | None]) -> None:
        self._intake = intake

    async def contact(self, case_id: UUID, ref: UUID) -> Contact | None:
        del case_id
        running = self._intake()
        if running is None:
            raise Away("intake_away")
        asked = running.process.start(_opened(running.service, ref), "particulars")
        try:
            async with asyncio.timeout(HTTP_SECONDS):
                opened = await asyncio.shield(asked)  # a dead process does not even hear that nobody waits any more
        except Exception:
            raise Away("intake_away") from None
        told = opened.get(ref)
        return None if told is None else Contact(told.get("email"), told.get("phone"), told.get("language"))


async def _opened(service: Service, ref: UUID) -> dict[UUID, dict[str, Any]]:
    async with service.worker.begin() as connection:
        return await particulars.read(
            connection, service.vault, [ref], actor="notifications", role="delivery", purpose="delivery"
        )


def compose(
    name: str,
    process: Process,
    engine: Callable[[str], Engine],
    bus: Bus,
    letters: Letters,
    intake: Callable[[], Running | None],
) -> Running:
    """A service in a process: the parts that its `app.py` puts together, without HTTP."""
    application, worker = cast("AsyncEngine", engine("application")), cast("AsyncEngine", engine("worker"))
    nobody = cast("Any", None)
    store = EventStore(name, application, worker)
    service = Service(name, application, worker, store, vault(name), Fingerprints(_key(b"f")), nobody, nobody, OFF)
    door, surroundings = None, None
    followers: list[Callable[[], Awaitable[None]]] = []
    consumers: list[Consumer]
    match name:
        case "intake":
            door = door_of(service, _intake_settings())
            consumers = intake_consumers(service)
        case "mediation":
            surroundings = Surroundings(store)
            consumers = mediation_consumers(service, surroundings)
            followers = [mediation_timing.timers(service, surroundings).run]
        case "notifications":
            settings = _notifications_settings()
            consumers = [
                *notifications_consumers(store, settings.stale_after, WITHIN),
                deliveries_consumer(service, settings),
            ]
            sender = Sender(
                worker,
                service.vault,
                cast("Any", Residents(intake)),
                cast("Any", Post()),
                cast("Any", letters.carrier(process)),
                None,
            )
            followers = [notifications_timing.timers(service, WITHIN).run, sender.run]
        case _:
            log = PublicLog(worker)
            consumers = reporting_consumers(log, store, FAULTS_OF_A_PATTERN)
            followers = [partial(log.follow, model) for model in REPORTING_MODELS]
    return Running(
        process,
        service,
        Consumers(cast("Any", Broker(bus, process)), consumers, worker),
        Relay(store, worker, process.name),
        followers,
        door,
        surroundings,
    )
