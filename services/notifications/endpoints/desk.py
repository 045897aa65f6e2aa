"""What every endpoint is given: who asks, and how a command of theirs is carried out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from services.chassis import consumer, http
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.decider import CommandT, Decider, StateT
from services.chassis.eventstore import Outcome
from services.chassis.http import IdempotencyKey, Position, TraceParent, staff_with
from services.chassis.service import Service
from services.notifications.read_models.feeds import ALERTS_CONSUMER, DUTY_CONSUMER, LIST_CONSUMER

ON_DUTY = ("cadre", "mediator", "supervisor")
"""Roles that are told of cases and answer for them."""


def _parts(request: Request) -> Service:
    return request.app.state.service


Parts = Annotated[Service, Depends(_parts)]
Reader = Annotated[Staff, Depends(staff_with(*ON_DUTY, "operator"))]


class Form(BaseModel):
    """The body of a command; a field that is not in it is refused, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Desk:
    """One request of one member of staff."""

    parts: Service
    staff: Staff
    request: Request
    response: Response
    key: str
    traceparent: str | None

    async def carry_out(
        self, decider: Decider[CommandT, StateT], stream: UUID, command: CommandT, *, begins_in: str | None = None
    ) -> Outcome:
        """Handle the command under the caller's key; the same key with another command is refused.

        `begins_in` is the area of a stream that the command may begin. Only then the caller must have checked it.
        """
        fingerprints = self.parts.fingerprints
        intent = Intent(
            stream=stream,
            command=command,
            key=fingerprints.key("desk command", f"{self.staff.id} {self.key}".encode()),
            fingerprint=fingerprints.digest("desk request", repr(command).encode()),
            actor=self.staff.id,
            at=now(),
            area=begins_in,
            scope=self.staff.areas,
            traceparent=self.traceparent,
        )
        outcome = await handle(self.parts.store, decider, intent)
        http.reached(self.response, self.parts.name, outcome)
        return outcome


def desk_for(*roles: str) -> Callable[..., Desk]:
    """A dependency: a request that these roles may make."""

    def desk(
        parts: Parts,
        staff: Annotated[Staff, Depends(staff_with(*roles))],
        request: Request,
        response: Response,
        key: IdempotencyKey,
        traceparent: TraceParent,
    ) -> Desk:
        return Desk(parts, staff, request, response, key, traceparent)

    return desk


async def _has_reached(state: Any, position: Position) -> bool:
    """A case's event has arrived when its alert, if it causes one, is in the list."""
    parts: Service = state.service
    event = (position.source, position.stream_id, position.version)
    async with parts.worker.connect() as connection:
        if await consumer.reached(connection, DUTY_CONSUMER, *event):
            return True
        if not await consumer.reached(connection, LIST_CONSUMER, *event):
            return False
        if position.source == parts.name:
            return True
        if not await consumer.reached(connection, ALERTS_CONSUMER, *event):
            return False
        raised = await connection.exec_driver_sql(
            "SELECT version FROM stream WHERE stream_id = $1", (position.stream_id,)
        )
        version = raised.scalar_one_or_none() or 0
        return await consumer.reached(connection, LIST_CONSUMER, parts.name, position.stream_id, version)


after_position = Depends(http.after(_has_reached))
