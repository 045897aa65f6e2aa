"""What intake's endpoints ask for: who is here, whose case it is, and how far a read must have got."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request

from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.http import Bearer, staff_with
from services.chassis.problems import ProblemError
from services.chassis.web.marked import marked
from services.intake.credentials import Credential
from services.intake.door import CASEWORKERS, Door, case_shown, has_reached
from services.intake.limits import client_of


async def _door(request: Request) -> Door:
    return request.app.state.door


TheDoor = Annotated[Door, Depends(_door)]
Operator = Annotated[Staff, Depends(staff_with("operator"))]
Caseworker = Annotated[Staff, Depends(staff_with(*CASEWORKERS))]
Reviewer = Annotated[Staff, Depends(staff_with(*CASEWORKERS, "operator"))]


async def _community_system(door: TheDoor, token: Bearer) -> Credential:
    return await door.credentials.check(token)


CommunitySystem = Annotated[Credential, Depends(_community_system)]


async def _case_of_receipt(
    request: Request,
    door: TheDoor,
    doorstep_receipt: Annotated[
        str | None, Header(description="The seven words given when the case was reported.")
    ] = None,
) -> UUID:
    """The case that the receipt belongs to; what is wrong with one that finds none is not told."""
    case_id = await case_shown(door, doorstep_receipt or "", client_of(request))
    if case_id is None:
        raise ProblemError(
            404,
            "unknown-receipt",
            marked("No case has this receipt"),
            marked("Check each of the seven words; their order matters."),
        )
    return case_id


ResidentsCase = Annotated[UUID, Depends(_case_of_receipt)]


after_position = Depends(http.after(has_reached))
