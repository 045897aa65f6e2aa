"""What every endpoint of the desk is given: who asks, in which areas, and how far a read must have got."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response

from services.chassis import http, inbox
from services.chassis.auth import Staff
from services.chassis.http import IdempotencyKey, Position, TraceParent, staff_with
from services.chassis.problems import unprocessable
from services.chassis.service import Service
from services.mediation.circumstances import Surroundings
from services.mediation.desk import CASEWORKERS, Desk
from services.mediation.read_models.feeds import (
    CASELOAD_CONSUMER,
    COMMANDS_CONSUMER,
    DUTY_CONSUMER,
    REGISTRY_CONSUMER,
)


async def _parts(request: Request) -> Service:
    return request.app.state.service


Parts = Annotated[Service, Depends(_parts)]
Reader = Annotated[Staff, Depends(staff_with(*CASEWORKERS, "operator"))]


async def _surroundings(request: Request) -> Surroundings:
    return request.app.state.surroundings


Around = Annotated[Surroundings, Depends(_surroundings)]


async def _version_seen(
    if_match: Annotated[
        str | None, Header(description='`"12"`: only if still at it.', json_schema_extra={"pattern": '^"[0-9]{1,9}"$'})
    ] = None,
) -> int | None:
    """The version of the case that the caller saw, if it says so: a change in between is then a 412."""
    if if_match is None:
        return None
    text = if_match.strip().strip('"')
    if not text.isdecimal():
        raise unprocessable("If-Match", "is not a version", 'Send the version that you saw, as `"12"`, or nothing.')
    return int(text)


VersionSeen = Annotated[int | None, Depends(_version_seen)]


def desk_for(*roles: str) -> Callable[..., Awaitable[Desk]]:
    """A dependency: a request that these roles may make."""

    async def desk(
        parts: Parts,
        staff: Annotated[Staff, Depends(staff_with(*roles))],
        response: Response,
        key: IdempotencyKey,
        traceparent: TraceParent,
        surroundings: Around,
        seen: VersionSeen,
    ) -> Desk:
        return Desk(parts, staff, response, key, traceparent, surroundings, seen)

    return desk


async def _has_reached(state: Any, position: Position) -> bool:
    """A case's event has arrived when it has had its effects and is in the lists."""
    parts: Service = state.service
    event = (position.source, position.stream_id, position.version)
    async with parts.application.connect() as connection:
        if await inbox.reached(connection, CASELOAD_CONSUMER, *event):
            return await inbox.reached(connection, COMMANDS_CONSUMER, *event)
        return await inbox.reached(connection, REGISTRY_CONSUMER, *event) or await inbox.reached(
            connection, DUTY_CONSUMER, *event
        )


after_position = Depends(http.after(_has_reached))
