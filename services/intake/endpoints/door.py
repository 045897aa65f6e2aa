"""What intake's endpoints are given: the service's parts, who asks, and how far a read must have got."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request

from services.chassis import consumer, http
from services.chassis.auth import Staff
from services.chassis.fingerprints import Fingerprints
from services.chassis.http import Bearer, Position, staff_with
from services.chassis.problems import ProblemError
from services.chassis.service import Service
from services.intake.credentials import Credential, Credentials
from services.intake.known import Communities
from services.intake.read_models.feeds import REGISTRY_CONSUMER, STATUS_CONSUMER
from services.intake.receipts import Receipts
from services.intake.settings import IntakeSettings

CASEWORKERS = ("cadre", "mediator", "supervisor")


@dataclass(frozen=True, slots=True)
class Door:
    """Intake's own parts."""

    service: Service
    communities: Communities
    credentials: Credentials
    receipts: Receipts
    mediation_url: str


def door_of(service: Service, settings: IntakeSettings) -> Door:
    hashes = Fingerprints(settings.credential_key.get_secret_value())
    return Door(
        service=service,
        communities=Communities(service.store),
        credentials=Credentials(service.worker, hashes),
        receipts=Receipts(settings.receipt_key.get_secret_value(), hashes),
        mediation_url=settings.mediation_url,
    )


def _door(request: Request) -> Door:
    return request.app.state.door


TheDoor = Annotated[Door, Depends(_door)]
Operator = Annotated[Staff, Depends(staff_with("operator"))]
Caseworker = Annotated[Staff, Depends(staff_with(*CASEWORKERS))]
Reviewer = Annotated[Staff, Depends(staff_with(*CASEWORKERS, "operator"))]


async def _community_system(door: TheDoor, token: Bearer) -> Credential:
    return await door.credentials.check(token)


CommunitySystem = Annotated[Credential, Depends(_community_system)]


async def _case_of_receipt(
    door: TheDoor,
    doorstep_receipt: Annotated[
        str | None, Header(description="The seven words given when the case was reported.")
    ] = None,
) -> UUID:
    """The case that the receipt belongs to; what is wrong with one that finds none is not told."""
    unknown = ProblemError(
        404, "unknown-receipt", "No case has this receipt", "Check each of the seven words; their order matters."
    )
    try:
        key = door.receipts.command_key(doorstep_receipt or "")
    except ValueError:
        raise unknown from None
    async with door.service.worker.connect() as connection:
        found = await connection.exec_driver_sql("SELECT stream_id FROM command WHERE key = $1", (key,))
        case_id = found.scalar_one_or_none()
    if case_id is None:
        raise unknown
    return case_id


ResidentsCase = Annotated[UUID, Depends(_case_of_receipt)]


async def _has_reached(state: Any, position: Position) -> bool:
    service: Service = state.service
    event = (position.source, position.stream_id, position.version)
    async with service.application.connect() as connection:
        return await consumer.reached(connection, STATUS_CONSUMER, *event) or await consumer.reached(
            connection, REGISTRY_CONSUMER, *event
        )


after_position = Depends(http.after(_has_reached))
