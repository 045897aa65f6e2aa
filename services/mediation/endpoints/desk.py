"""What every endpoint of the desk is given: who asks, in which areas, and how a command of theirs is carried out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from services.chassis import consumer, http
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, UnknownStream, handle
from services.chassis.database import scoped
from services.chassis.eventstore import Sealed
from services.chassis.forms import Form
from services.chassis.http import IdempotencyKey, Position, TraceParent, staff_with
from services.chassis.problems import unprocessable
from services.chassis.service import Service
from services.mediation.circumstances import Surroundings
from services.mediation.domain.commands import Actor, Circumstances, Command
from services.mediation.domain.decider import CASES
from services.mediation.read_models.feeds import CASELOAD_CONSUMER, COMMANDS_CONSUMER, DUTY_CONSUMER, REGISTRY_CONSUMER
from services.mediation.read_models.places import Home, homes_of

CASEWORKERS = ("cadre", "mediator", "supervisor")
"""Roles that work on cases, and so may read what is said in them."""


def _parts(request: Request) -> Service:
    return request.app.state.service


Parts = Annotated[Service, Depends(_parts)]
Reader = Annotated[Staff, Depends(staff_with(*CASEWORKERS, "operator"))]


def _surroundings(request: Request) -> Surroundings:
    return request.app.state.surroundings


Around = Annotated[Surroundings, Depends(_surroundings)]


def _version_seen(
    if_match: Annotated[str | None, Header(description='`"12"`: only if still at it.')] = None,
) -> int | None:
    """The version of the case that the caller saw, if it says so: a change in between is then a 412."""
    if if_match is None:
        return None
    text = if_match.strip().strip('"')
    if not text.isdecimal():
        raise unprocessable("If-Match", "is not a version", 'Send the version that you saw, as `"12"`, or nothing.')
    return int(text)


VersionSeen = Annotated[int | None, Depends(_version_seen)]


class Reached(BaseModel):
    """The version of the case after the command."""

    case_id: UUID
    version: int


def actor_of(staff: Staff) -> Actor:
    return Actor(staff.id, staff.areas)


@dataclass(frozen=True, slots=True)
class Desk:
    """One request of one member of staff."""

    parts: Service
    staff: Staff
    response: Response
    key: str
    traceparent: str | None
    surroundings: Surroundings
    seen: int | None = None

    @property
    def actor(self) -> Actor:
        return actor_of(self.staff)

    async def carry_out(self, case_id: UUID, command: Command, form: Form, sealed: Sequence[Sealed] = ()) -> Reached:
        """Handle the command under the caller's key; the same key with another form is refused."""
        request = f"{type(command).__name__} {case_id} {form.model_dump_json()}"
        intent = Intent(
            stream=case_id,
            command=command,
            key=self.parts.fingerprints.key("desk command", f"{self.staff.id} {self.key}".encode()),
            fingerprint=self.parts.fingerprints.digest("desk request", request.encode()),
            actor=self.staff.id,
            at=now(),
            scope=self.staff.areas,
            expected=self.seen,
            sealed=sealed,
            traceparent=self.traceparent,
        )
        outcome = await handle(self.parts.store, CASES, intent)
        http.reached(self.response, self.parts.name, outcome)
        return Reached(case_id=case_id, version=outcome.version)

    async def home_of(self, case_id: UUID) -> Home:
        """Where the case comes from.

        Raises:
            UnknownStream: there is no such case in the caller's areas.
        """
        async with scoped(self.parts.application, self.staff.areas) as connection:
            home = (await homes_of(connection, [case_id])).get(case_id)
        if home is None:
            raise UnknownStream
        return home

    async def circumstances(self, case_id: UUID, at: datetime) -> Circumstances:
        """What holds where the case comes from; raises as `home_of`."""
        area = (await self.home_of(case_id)).area
        return (await self.surroundings.of([area], at))[area]


def desk_for(*roles: str) -> Callable[..., Desk]:
    """A dependency: a request that these roles may make."""

    def desk(
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
        if await consumer.reached(connection, CASELOAD_CONSUMER, *event):
            return await consumer.reached(connection, COMMANDS_CONSUMER, *event)
        return await consumer.reached(connection, REGISTRY_CONSUMER, *event) or await consumer.reached(
            connection, DUTY_CONSUMER, *event
        )


after_position = Depends(http.after(_has_reached))
