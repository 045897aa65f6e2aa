"""How a command of somebody at the desk is carried out: what the API and the pages are both given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel

from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, UnknownStream, handle
from services.chassis.database import scoped
from services.chassis.eventstore import Sealed
from services.chassis.forms import Form
from services.chassis.problems import ProblemError
from services.chassis.service import Service
from services.mediation.circumstances import Surroundings
from services.mediation.domain.commands import Actor, Circumstances, Command
from services.mediation.domain.decider import CASES
from services.mediation.read_models.places import Home, homes_of

CASEWORKERS = ("cadre", "mediator", "supervisor")
"""Roles that work on cases, and so may read what is said in them."""


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
        """What holds where the case comes from.

        Raises:
            ProblemError: 503, its community is not known here yet, and so no date can be told; also as `home_of`.
        """
        home = await self.home_of(case_id)
        if home.clock is None:
            raise ProblemError(
                503,
                "community-unknown",
                "The case's community is not known here yet",
                "Nothing was stored: send the same request again in a moment.",
                headers={"Retry-After": "2"},
            )
        return (await self.surroundings.of([home.area], at))[home.area]
