"""Faults in the open that were reported here before and are not done: whoever meets the same one may add themselves.

What is offered is what anybody may read (ADR 14): that it was reported, when, and how it stands.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.chassis.database import scoped
from services.contracts.cases import Kind
from services.intake.door import Door
from services.intake.known import Community
from services.intake.open311.offered import IN_THE_OPEN
from services.intake.open311.told import Status, note_of, status_of
from services.intake.read_models.case_status import State, StatusRow
from services.intake.read_models.in_the_open import reported_between, these

MOST = 5
_SINCE = timedelta(days=60)
"""What was reported earlier and is still open is hardly what somebody stands before today."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """`how` is marked."""

    case_id: UUID
    reported_at: datetime
    how: str
    done_by: datetime | None


def may_be_shared(kind: Kind | None, category: str) -> bool:
    return kind is Kind.FAULT and category in IN_THE_OPEN


async def nearby(door: Door, community: Community, kind: Kind | None, category: str, at: datetime) -> Sequence[Nearby]:
    """The newest first; none of what is not everybody's to see."""
    if not may_be_shared(kind, category):
        return []
    found: list[Nearby] = []
    async with scoped(door.service.application, [community.area]) as connection:
        rows = reported_between(connection, community.id, [category], at - _SINCE, at)
        async with aclosing(rows):
            async for row in rows:
                if _goes_on(row) and row.reported_at:
                    found.append(Nearby(row.case_id, row.reported_at, note_of(row), row.done_by))
                if len(found) == MOST:
                    break
    return found


async def may_join(door: Door, community: Community, kind: Kind, category: str, case_id: UUID, at: datetime) -> bool:
    """Whether the case is one that was, or could have been, offered."""
    if not may_be_shared(kind, category):
        return False
    async with scoped(door.service.application, [community.area]) as connection:
        rows = await these(connection, community.id, [category], [case_id])
    return any(_goes_on(row) and row.reported_at and row.reported_at > at - _SINCE for row in rows)


def _goes_on(row: StatusRow) -> bool:
    """One that was merged is answered with another, which is offered itself."""
    return status_of(row) is Status.OPEN and row.state is not State.MERGED
