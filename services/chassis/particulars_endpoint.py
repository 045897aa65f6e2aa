"""How another service opens particulars: by its token, and for a person who may see them."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.chassis.auth import Forbidden
from services.chassis.database import scoped
from services.chassis.http import CallingService
from services.chassis.service import Service
from services.chassis.signin.access import StaffAccess
from services.contracts.event import Code

PATH = "/internal/particulars:read"
STAFF_HEADER = "Doorstep-Staff"


class Asked(BaseModel):
    refs: list[UUID] = Field(max_length=100)
    purpose: Code
    case_id: UUID


class Opened(BaseModel):
    particulars: dict[UUID, dict[str, Any]]
    """Those of the refs that are there; what was erased is not."""


def router(roles: Collection[str], shown_to_resident: Callable[[Service, UUID], Awaitable[set[UUID]]]) -> APIRouter:
    """Serves `PATH`, which no gateway routes. Staff of `roles` see what lies in their areas: by their own token in
    `STAFF_HEADER`, or, where a page knows them by a session, by the calling service's word in its token.

    `shown_to_resident` names, of one case, the rows that whoever holds its receipt may read.
    """
    internal = APIRouter(include_in_schema=False)

    @internal.post(PATH)
    async def read(
        request: Request,
        caller: CallingService,
        asked: Asked,
        doorstep_staff: Annotated[str | None, Header()] = None,
    ) -> Opened:
        service: Service = request.app.state.service
        staff = caller.staff
        if doorstep_staff is not None:
            access: StaffAccess = request.app.state.staff_access
            staff = await access.staff(doorstep_staff)
        if staff is not None:
            allowed = staff.roles.intersection(roles)
            if not allowed:
                raise Forbidden(list(roles))
            connecting, actor, role = scoped(service.application, staff.areas), staff.id, min(allowed)
        elif caller.receipt_case == asked.case_id:
            if not set(asked.refs) <= await shown_to_resident(service, asked.case_id):
                raise Forbidden(["the resident whose case it is"])
            connecting, actor, role = service.worker.begin(), "resident", "resident"
        else:
            raise Forbidden(["staff", "the resident whose case it is"])
        return Opened(particulars=await _open(service, connecting, asked, actor, role))

    return internal


async def _open(
    service: Service, connecting: AbstractAsyncContextManager[AsyncConnection], asked: Asked, actor: str, role: str
) -> dict[UUID, dict[str, Any]]:
    async with connecting as connection:
        return await particulars.read(
            connection, service.vault, asked.refs, actor=actor, role=role, purpose=asked.purpose
        )
