"""What intake's edges are given: the service's parts, and the case that a receipt belongs to."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.chassis import inbox
from services.chassis.auth import SystemTokens
from services.chassis.fingerprints import Fingerprints
from services.chassis.http import Position
from services.chassis.service import Service
from services.intake.attachments.album import Album
from services.intake.attachments.blobs import Blobs, Bucket
from services.intake.attachments.uploads import Uploads
from services.intake.credentials import Credentials
from services.intake.known import Communities
from services.intake.limits import Limits, too_many
from services.intake.paper_forms import PaperForms
from services.intake.read_models.feeds import GATHERINGS_CONSUMER, REGISTRY_CONSUMER, STATUS_CONSUMER
from services.intake.receipts import Receipts
from services.intake.settings import IntakeSettings

CASEWORKERS = ("cadre", "mediator", "supervisor")
"""Roles that work on cases, and so may read what was written in them, and take reports for others."""


@dataclass(frozen=True, slots=True)
class Door:
    """Intake's own parts."""

    service: Service
    communities: Communities
    credentials: Credentials
    receipts: Receipts
    album: Album
    uploads: Uploads
    system_tokens: SystemTokens
    limits: Limits
    paper_forms: PaperForms
    mediation_url: str
    notifications_url: str = ""


def door_of(service: Service, settings: IntakeSettings) -> Door:
    bucket = Bucket(
        settings.attachments_endpoint,
        settings.attachments_region,
        settings.attachments_key_id.get_secret_value(),
        settings.attachments_key.get_secret_value(),
    )
    hashes = Fingerprints(settings.credential_key.get_secret_value())
    receipt_key = settings.receipt_key.get_secret_value()
    return Door(
        service=service,
        communities=Communities(service.store),
        credentials=Credentials(service.worker, hashes),
        receipts=Receipts(receipt_key, hashes),
        album=Album(service, Blobs(settings.attachments, bucket)),
        uploads=Uploads(),
        system_tokens=SystemTokens(settings.service_key.get_secret_value()),
        limits=Limits(settings),
        paper_forms=PaperForms(receipt_key),
        mediation_url=settings.mediation_url,
        notifications_url=settings.notifications_url,
    )


STREAM_OF = "SELECT stream_id FROM command WHERE key = $1"


async def case_of(door: Door, receipt: str) -> UUID | None:
    """The case that the receipt belongs to; what is wrong with one that finds none is not told."""
    try:
        key = door.receipts.command_key(receipt)
    except ValueError:
        return None
    async with door.service.worker.connect() as connection:
        found = await connection.exec_driver_sql(STREAM_OF, (key,))
        return found.scalar_one_or_none()


async def case_shown(door: Door, receipt: str, client: str) -> UUID | None:
    """`case_of` for a receipt that somebody brings: wrong ones of one address are limited, right ones never.

    Neighbours may share the address of somebody who guesses. So whoever is over the limit is still looked up, one at
    a time, and only learns later that what they brought is wrong.

    Raises:
        ProblemError: 429, it is wrong as too many before it were, or too many wait.
    """
    wrong = door.limits.wrong_receipts
    over = wrong.wait(client)
    if over is None:
        case_id = await case_of(door, receipt)
    else:
        async with door.limits.narrow_way.through(over):
            case_id = await case_of(door, receipt)
    if case_id is None:
        wrong.count(client)
        if over is not None:
            raise too_many(over)
    return case_id


async def has_reached(state: Any, position: Position) -> bool:
    service: Service = state.service
    event = (position.source, position.stream_id, position.version)
    async with service.application.connect() as connection:
        for fed in (STATUS_CONSUMER, REGISTRY_CONSUMER, GATHERINGS_CONSUMER):
            if await inbox.reached(connection, fed, *event):
                return True
    return False
