"""What every endpoint is given: who asks, and how a command of theirs is carried out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.decider import CommandT, Decider, StateT
from services.chassis.eventstore import Outcome
from services.chassis.http import IdempotencyKey, TraceParent, staff_with
from services.chassis.service import Service
from services.notifications import answering
from services.notifications.answering import ON_DUTY, has_reached


async def _parts(request: Request) -> Service:
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
        self,
        decider: Decider[CommandT, StateT],
        stream: UUID,
        command: CommandT,
        *,
        request: str,
        begins_in: str | None = None,
    ) -> Outcome:
        """Handle the command under the caller's key; the same key with another `request` is refused.

        `begins_in` is the area of a stream that the command may begin. Only then the caller must have checked it.
        """
        outcome = await answering.carry_out(
            self.parts,
            self.staff,
            self.key,
            self.traceparent,
            decider,
            stream,
            command,
            request=request,
            begins_in=begins_in,
        )
        http.reached(self.response, self.parts.name, outcome)
        return outcome


def desk_for(*roles: str) -> Callable[..., Awaitable[Desk]]:
    """A dependency: a request that these roles may make."""

    async def desk(
        parts: Parts,
        staff: Annotated[Staff, Depends(staff_with(*roles))],
        request: Request,
        response: Response,
        key: IdempotencyKey,
        traceparent: TraceParent,
    ) -> Desk:
        return Desk(parts, staff, request, response, key, traceparent)

    return desk


after_position = Depends(http.after(has_reached))
