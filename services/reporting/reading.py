"""Who may read the log on or be told of it: staff for their areas, a community's system for its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from services.chassis.auth import Forbidden, SystemTokens, Unauthenticated
from services.chassis.http import Bearer
from services.chassis.problems import ProblemError, unprocessable
from services.chassis.signin.access import StaffAccess
from services.contracts.event import AreaPath
from services.reporting.feed import Asked

EVENTS, WEBHOOKS = "events", "webhooks"
"""What a key must be for; the token that stands for it says so."""


@dataclass(frozen=True, slots=True)
class Reader:
    """`community` is a system's own; none: staff."""

    id: str
    areas: tuple[str, ...]
    community: UUID | None

    def area(self, asked: AreaPath | None) -> str:
        """The area that they mean.

        Raises:
            ProblemError: 404, it is not theirs; 422, it must be named.
        """
        if asked is None and len(self.areas) == 1:
            [asked] = self.areas
        if asked is None:
            raise unprocessable("area", "is missing, and you have several areas", "Name one of your areas.")
        if not asked.startswith(self.areas):
            raise ProblemError(
                404, "unknown", "There is no such area", "Check the path; it may lie outside your areas."
            )
        return asked

    def events(self, area: AreaPath | None, types: list[str] | None) -> Asked:
        return Asked(self.areas, self.area(area), types, of_staff=self.community is None)


def reader_of(scope: str, *roles: str) -> Callable[[Request, str], Awaitable[Reader]]:
    """A dependency: a system whose key has this scope, or staff with one of these roles."""

    async def check(request: Request, token: Bearer) -> Reader:
        systems: SystemTokens = request.app.state.system_tokens
        try:
            system = systems.system(token)
        except Unauthenticated:
            access: StaffAccess = request.app.state.staff_access
            staff = await access.staff(token)
            if not staff.roles.intersection(roles):
                raise Forbidden(roles) from None
            return Reader(staff.id, staff.areas, None)
        system.require(scope)
        return Reader("community-system", (system.area,), system.community)

    return check


EventReader = Annotated[Reader, Depends(reader_of(EVENTS, "supervisor", "manager", "operator"))]
Subscriber = Annotated[Reader, Depends(reader_of(WEBHOOKS, "operator"))]
