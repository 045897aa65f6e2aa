"""What a service holds of one case, for whoever holds its receipt: asked for by intake, with the receipt's proof."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.chassis.auth import Forbidden
from services.chassis.http import CallingService
from services.chassis.service import Service
from services.contracts.envelope import Recorded

PATH = "/internal/case:copy"

PURPOSE = "export"


class AskedCopy(BaseModel):
    case_id: UUID
    language: str = "en"
    """In which what the service says itself is told."""


class Happened(BaseModel):
    """One event of the case as it is stored; `data` holds ids and words of the code's own, nothing that was written."""

    type: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    data: dict[str, Any]


def happened(recorded: Recorded) -> Happened:
    """Without the id of another case that it may speak of."""
    return Happened(
        type=recorded.type,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        data=recorded.event().model_dump(mode="json", exclude_none=True, exclude={"into"}),
    )


def router(copy_of: Callable[[Service, AskedCopy], Awaitable[BaseModel]]) -> APIRouter:
    """Serves `PATH`, which no gateway routes."""
    internal = APIRouter(include_in_schema=False)

    @internal.post(PATH)
    async def copy(request: Request, caller: CallingService, asked: AskedCopy) -> dict[str, Any]:
        if caller.receipt_case != asked.case_id:
            raise Forbidden(["the resident whose case it is"])
        service: Service = request.app.state.service
        return (await copy_of(service, asked)).model_dump(mode="json")

    return internal
