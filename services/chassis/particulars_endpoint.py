"""How another service opens particulars: by its token, and for a person who may see them."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.chassis.auth import Caller, Forbidden
from services.chassis.database import scoped
from services.chassis.http import CallingService
from services.chassis.service import Service
from services.chassis.signin.access import StaffAccess
from services.contracts.event import Code

PATH = "/internal/particulars:read"
LOOKS_PATH = "/internal/particulars:looks"
STAFF_HEADER = "Doorstep-Staff"

DELIVERY: Final = "delivery"
"""The purpose of the service that brings messages to people, and its role in the record of who looked."""
_DELIVERER: Final = "notifications"


class Asked(BaseModel):
    refs: list[UUID] | None = Field(default=None, max_length=100)
    """None: all that is held of the case for staff, all that they may read of it for its resident."""
    purpose: Code
    case_id: UUID
    fields: list[Code] | None = Field(default=None, max_length=50)
    """Only these are answered; none: all of them."""


class Opened(BaseModel):
    particulars: dict[UUID, dict[str, Any]]
    """Those of the refs that are there; what was erased is not."""


class AskedWho(BaseModel):
    case_id: UUID


class Look(BaseModel):
    at: datetime
    actor: str
    role: str
    purpose: str


class Looks(BaseModel):
    looks: list[Look]
    """The newest first."""


def router(
    roles: Collection[str],
    shown_to_resident: Callable[[Service, UUID], Awaitable[set[UUID]]] | None,
    for_delivery: Collection[str] = (),
) -> APIRouter:
    """Serves `PATH` and `LOOKS_PATH`, which no gateway routes. Staff of `roles` see what lies in their areas: by their
    own token in `STAFF_HEADER`, or, where a page knows them by a session, by the calling service's word in its token.

    `shown_to_resident` names, of one case, the rows that whoever holds its receipt may read; none: they read nothing
    by way of another service. `for_delivery` names the fields that are needed to reach somebody: whoever brings
    messages may ask for these, by name, and for no others.
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
        refs: Sequence[UUID] = asked.refs or ()
        if staff is not None:
            allowed = staff.roles.intersection(roles)
            if not allowed:
                raise Forbidden(list(roles))
            if asked.refs is None:
                refs = await _all_of_case(service, asked.case_id)
            connecting, actor, role = scoped(service.application, staff.areas), staff.id, min(allowed)
        elif shown_to_resident is not None and caller.receipt_case == asked.case_id:
            shown = await shown_to_resident(service, asked.case_id)
            refs = sorted(shown) if asked.refs is None else asked.refs
            if not shown.issuperset(refs):
                raise Forbidden(["the resident whose case it is"])
            connecting, actor, role = service.worker.begin(), particulars.RESIDENT, particulars.RESIDENT
        elif _delivers(caller, asked, for_delivery):
            refs = await _of_case(service, asked)
            connecting, actor, role = service.worker.begin(), caller.service, DELIVERY
        else:
            raise Forbidden(["staff", "the resident whose case it is"])
        opened = await _open(service, connecting, refs, actor, role, asked.purpose)
        return Opened(particulars={ref: _only(asked.fields, content) for ref, content in opened.items()})

    @internal.post(LOOKS_PATH)
    async def looks(request: Request, caller: CallingService, asked: AskedWho) -> Looks:
        """Who opened the case here: for its resident alone."""
        service: Service = request.app.state.service
        if caller.receipt_case != asked.case_id:
            raise Forbidden(["the resident whose case it is"])
        async with service.worker.connect() as connection:
            found = await particulars.looks(connection, asked.case_id)
        return Looks(looks=[Look.model_validate(look, from_attributes=True) for look in found])

    return internal


def _delivers(caller: Caller, asked: Asked, for_delivery: Collection[str]) -> bool:
    return (
        caller.service == _DELIVERER
        and caller.receipt_case is None
        and asked.purpose == DELIVERY
        and asked.fields is not None
        and set(asked.fields) <= set(for_delivery)
    )


async def _all_of_case(service: Service, case_id: UUID) -> Sequence[UUID]:
    async with service.worker.connect() as connection:
        found = await connection.exec_driver_sql("SELECT ref FROM particulars WHERE stream_id = $1", (case_id,))
        return found.scalars().all()


async def _of_case(service: Service, asked: Asked) -> Sequence[UUID]:
    """Those of the rows that lie in the case they are asked for."""
    async with service.worker.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT ref FROM particulars WHERE stream_id = $1 AND ref = ANY ($2::uuid[])",
            (asked.case_id, asked.refs or []),
        )
        return found.scalars().all()


async def _open(
    service: Service,
    connecting: AbstractAsyncContextManager[AsyncConnection],
    refs: Sequence[UUID],
    actor: str,
    role: str,
    purpose: str,
) -> dict[UUID, dict[str, Any]]:
    async with connecting as connection:
        return await particulars.read(connection, service.vault, refs, actor=actor, role=role, purpose=purpose)


def _only(fields: Collection[str] | None, content: dict[str, Any]) -> dict[str, Any]:
    return content if fields is None else {name: value for name, value in content.items() if name in fields}
