"""Handing a case to a unit, and the unit's answer when staff take it down; the unit's own way is its signed link."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from services.mediation import handing_over
from services.mediation.desk import CASEWORKERS, Desk, Reached
from services.mediation.endpoints.desk import desk_for
from services.mediation.handing_over import Acceptance, Completion, HandedOver, Handover, Return

router = APIRouter()

CaseworkDesk = Annotated[Desk, Depends(desk_for(*CASEWORKERS))]


@router.post("/cases/{case_id}/dispatch", operation_id="dispatch_case")
async def dispatch(desk: CaseworkDesk, case_id: UUID, form: Handover) -> HandedOver:
    """Hand the case to a unit; you stay its tracker and the resident's contact."""
    return await handing_over.dispatch(desk, case_id, form)


@router.post("/cases/{case_id}/dispatch/accept", operation_id="accept_dispatch")
async def accept(desk: CaseworkDesk, case_id: UUID, form: Acceptance) -> Reached:
    """Take down that the unit takes the work on."""
    return await handing_over.accept(desk, case_id, form)


@router.post("/cases/{case_id}/dispatch/return", operation_id="return_dispatch")
async def give_back(desk: CaseworkDesk, case_id: UUID, form: Return) -> Reached:
    """Take down that the unit gives the case back, and why."""
    return await handing_over.give_back(desk, case_id, form)


@router.post("/cases/{case_id}/dispatch/done", operation_id="finish_dispatch")
async def finish(desk: CaseworkDesk, case_id: UUID, form: Completion) -> Reached:
    """Take down that the unit has done its work; explain and resolve the case next."""
    return await handing_over.finish(desk, case_id, form)
