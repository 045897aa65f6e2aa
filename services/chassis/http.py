"""What every service's endpoints share: who asks, under which key, and how far a read must have got."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request, Response

from services.chassis.auth import Caller, Forbidden, ServiceTokens, Staff, Unauthenticated
from services.chassis.eventstore import Outcome
from services.chassis.problems import unprocessable
from services.chassis.signin.access import StaffAccess

POSITION = "Doorstep-Position"
BEHIND = "Doorstep-Behind"
"""Set on an answer, an error too, that could not wait long enough: it names the position that was not reached."""

WAIT_SECONDS = 1.0
_POLL_SECONDS = 0.01

_TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
_KEY = re.compile(r"^[!-~]{16,200}$")
_POSITION = {"pattern": r"^[a-z]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9]{1,9}$"}


@dataclass(frozen=True, slots=True)
class Position:
    """What a write reached, or what a read must have reached: one stream of one service up to a version."""

    source: str
    stream_id: UUID
    version: int

    def __str__(self) -> str:
        return f"{self.source}:{self.stream_id}:{self.version}"

    @staticmethod
    def of(source: str, outcome: Outcome) -> "Position":
        return Position(source, outcome.stream_id, outcome.version)

    @staticmethod
    def parse(value: str) -> "Position":
        """Read `source:stream:version`; raises ValueError."""
        source, stream, version = value.split(":")
        return Position(source, UUID(stream), int(version))


def bearer_of(authorization: str | None) -> str:
    """The bearer token in a header.

    Raises:
        Unauthenticated: there is none.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return token


async def bearer(authorization: Annotated[str | None, Header(include_in_schema=False)] = None) -> str:
    """A dependency: the bearer token of the request; raises Unauthenticated."""
    return bearer_of(authorization)


Bearer = Annotated[str, Depends(bearer)]


def staff_with(*roles: str) -> Callable[[Request, str], Awaitable[Staff]]:
    """A dependency: staff with one of these roles. Say them all: nothing is allowed unless it is named."""

    async def check(request: Request, token: Bearer) -> Staff:
        access: StaffAccess = request.app.state.staff_access
        staff = await access.staff(token)
        if not staff.roles.intersection(roles):
            raise Forbidden(roles)
        return staff

    return check


async def calling_service(request: Request, token: Bearer) -> Caller:
    """A dependency: another service of Doorstep."""
    tokens: ServiceTokens = request.app.state.service_tokens
    return tokens.caller(token)


CallingService = Annotated[Caller, Depends(calling_service)]


async def idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Yours, 16 to 200 visible characters, new for each new request; a UUID does well.",
            json_schema_extra={"pattern": _KEY.pattern},
        ),
    ] = None,
) -> str:
    """The caller's key of this request; a repeat with the same key gets the same answer."""
    if idempotency_key is None:
        raise unprocessable("Idempotency-Key", "is missing", "Send a header Idempotency-Key with a new UUID.")
    if not _KEY.match(idempotency_key):
        raise unprocessable(
            "Idempotency-Key",
            "is not 16 to 200 visible characters",
            "Send a new UUID, or any random text that long.",
        )
    return idempotency_key


IdempotencyKey = Annotated[str, Depends(idempotency_key)]


def parent_of(traceparent: str | None) -> str | None:
    """The W3C trace context that a caller sent, if it is one."""
    return traceparent if traceparent and _TRACEPARENT.match(traceparent) else None


async def trace_parent(
    request: Request, traceparent: Annotated[str | None, Header(include_in_schema=False)] = None
) -> str | None:
    """What the request causes is told this W3C trace context: that of its own span, else the caller's, if it is one."""
    own: str | None = getattr(request.state, "traceparent", None)
    return own or parent_of(traceparent)


TraceParent = Annotated[str | None, Depends(trace_parent)]


def reached(response: Response, source: str, outcome: Outcome) -> None:
    """Say in the answer what the write reached."""
    response.headers[POSITION] = str(Position.of(source, outcome))


def after(has_reached: Callable[[Any, Position], Awaitable[bool]]) -> Callable[..., Awaitable[None]]:
    """A dependency for reads: wait up to a second for the position that the caller sends, and say so if in vain.

    `has_reached` takes the application's state and the position.
    """

    async def wait(
        request: Request,
        doorstep_position: Annotated[
            str | None,
            Header(
                description="From an earlier write: this read waits until it shows that write.",
                json_schema_extra=_POSITION,
            ),
        ] = None,
    ) -> None:
        if doorstep_position is None:
            return
        try:
            position = Position.parse(doorstep_position)
        except ValueError:
            raise unprocessable(
                POSITION, "is not source:stream:version", "Send it back just as a write gave it."
            ) from None
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while not await has_reached(request.app.state, position):
            if asyncio.get_running_loop().time() >= deadline:
                request.state.behind = position
                return
            await asyncio.sleep(_POLL_SECONDS)

    return wait


def behind(request: Request) -> Position | None:
    """The position that the caller sent and that was not reached in time."""
    return getattr(request.state, "behind", None)
