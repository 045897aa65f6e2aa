"""What whoever holds a receipt asks for, as a command to their case."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.eventstore import Outcome, Sealed
from services.intake.domain.commands import Command
from services.intake.domain.decider import REPORTS
from services.intake.door import Door


async def carry_out(
    door: Door,
    case_id: UUID,
    command: Command,
    key: str,
    traceparent: str | None,
    content: str = "",
    sealed: Sequence[Sealed] = (),
    *,
    at: datetime | None = None,
    expected: int | None = None,
) -> Outcome:
    """What the holder of a receipt asks for; `content` is what else tells a repeat from another request.

    `at` is the moment that the command was made for, if it speaks of one: the others are told the same. `expected` is
    the version of the case that it was made upon, if it holds for no other.

    Raises:
        StaleVersion: the case is at another version than `expected`.
    """
    fingerprints, name = door.service.fingerprints, type(command).__name__
    intent = Intent(
        stream=case_id,
        command=command,
        key=fingerprints.key("resident", f"{case_id} {key}".encode()),
        fingerprint=fingerprints.digest("resident", f"{case_id} {name}{content}".encode()),
        actor="resident",
        at=at or now(),
        expected=expected,
        sealed=sealed,
        traceparent=traceparent,
    )
    return await handle(door.service.store, REPORTS, intent)
