"""What intake's edges are given: the service's parts, and the case that a receipt belongs to."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.chassis import consumer
from services.chassis.fingerprints import Fingerprints
from services.chassis.http import Position
from services.chassis.service import Service
from services.intake.credentials import Credentials
from services.intake.known import Communities
from services.intake.read_models.feeds import REGISTRY_CONSUMER, STATUS_CONSUMER
from services.intake.receipts import Receipts
from services.intake.settings import IntakeSettings


@dataclass(frozen=True, slots=True)
class Door:
    """Intake's own parts."""

    service: Service
    communities: Communities
    credentials: Credentials
    receipts: Receipts
    mediation_url: str
    notifications_url: str = ""


def door_of(service: Service, settings: IntakeSettings) -> Door:
    hashes = Fingerprints(settings.credential_key.get_secret_value())
    return Door(
        service=service,
        communities=Communities(service.store),
        credentials=Credentials(service.worker, hashes),
        receipts=Receipts(settings.receipt_key.get_secret_value(), hashes),
        mediation_url=settings.mediation_url,
        notifications_url=settings.notifications_url,
    )


CASE_OF = "SELECT stream_id FROM command WHERE key = $1"


async def case_of(door: Door, receipt: str) -> UUID | None:
    """The case that the receipt belongs to; what is wrong with one that finds none is not told."""
    try:
        key = door.receipts.command_key(receipt)
    except ValueError:
        return None
    async with door.service.worker.connect() as connection:
        found = await connection.exec_driver_sql(CASE_OF, (key,))
        return found.scalar_one_or_none()


async def has_reached(state: Any, position: Position) -> bool:
    service: Service = state.service
    event = (position.source, position.stream_id, position.version)
    async with service.application.connect() as connection:
        return await consumer.reached(connection, STATUS_CONSUMER, *event) or await consumer.reached(
            connection, REGISTRY_CONSUMER, *event
        )
