"""What staff do with one case."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from services.mediation import casework
from services.mediation.casework import (
    Acknowledgement,
    Assignment,
    Escalation,
    Merger,
    Message,
    Refusal,
    Session,
    Solution,
)
from services.mediation.desk import CASEWORKERS, Desk, Reached
from services.mediation.endpoints.desk import desk_for

router = APIRouter()

CaseworkDesk = Annotated[Desk, Depends(desk_for(*CASEWORKERS))]
AssigningDesk = Annotated[Desk, Depends(desk_for(*casework.ASSIGNING))]
MediationDesk = Annotated[Desk, Depends(desk_for(*casework.MEDIATING))]


@router.post("/cases/{case_id}/assign", operation_id="assign_case")
async def assign(desk: AssigningDesk, case_id: UUID, form: Assignment) -> Reached:
    """Give the case to somebody."""
    return await casework.assign(desk, case_id, form)


@router.post("/cases/{case_id}/acknowledge", operation_id="acknowledge_case")
async def acknowledge(desk: CaseworkDesk, case_id: UUID, form: Acknowledgement | None = None) -> Reached:
    """Say that you have seen the case and answer for it; if it is nobody's, it becomes yours."""
    return await casework.acknowledge(desk, case_id, form or Acknowledgement())


@router.post("/cases/{case_id}/mediate", operation_id="mediate_case")
async def mediate(desk: MediationDesk, case_id: UUID, form: Session) -> Reached:
    """Tell of a mediation session that you held."""
    return await casework.mediate(desk, case_id, form)


@router.post("/cases/{case_id}/escalate", operation_id="escalate_case")
async def escalate(desk: CaseworkDesk, case_id: UUID, form: Escalation | None = None) -> Reached:
    """Raise the case one level up the tree of areas."""
    return await casework.escalate(desk, case_id, form or Escalation())


@router.post("/cases/{case_id}/merge", operation_id="merge_case")
async def merge(desk: AssigningDesk, case_id: UUID, form: Merger) -> Reached:
    """Say that the case is the same trouble as another that is being worked on: both are answered together."""
    return await casework.merge(desk, case_id, form)


@router.post("/cases/{case_id}/resolve", operation_id="resolve_case")
async def resolve(desk: CaseworkDesk, case_id: UUID, form: Solution) -> Reached:
    """Solve the case and explain it to the resident."""
    return await casework.resolve(desk, case_id, form)


@router.post("/cases/{case_id}/write", operation_id="write_to_resident")
async def write(desk: CaseworkDesk, case_id: UUID, form: Message) -> Reached:
    """Write to the resident, who reads it by their receipt."""
    return await casework.write(desk, case_id, form)


@router.post("/cases/{case_id}/decline", operation_id="decline_case")
async def decline(desk: CaseworkDesk, case_id: UUID, form: Refusal) -> Reached:
    """Take the case no further, with a reason and an explanation; the resident may appeal to another person."""
    return await casework.decline(desk, case_id, form)
