"""What was told in a report, corrected by whoever holds its receipt.

What happened and where it is stays readable as it was told before, since people may have acted on it; how the resident
is reached, what they are called and where they stood is replaced, since what was taken back may be held no longer.
"""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.chassis.eventstore import Outcome
from services.chassis.forms import Form, FreeText, Line
from services.chassis.ids import new_id
from services.chassis.particulars import Vault
from services.chassis.problems import unprocessable
from services.contracts.cases import Amendment, CaseAmended, CaseReported, Language
from services.contracts.envelope import Recorded
from services.intake.carrying_out import carry_out
from services.intake.domain.commands import AmendReport
from services.intake.door import Door
from services.intake.taking import Email, Phone, Spot

PURPOSE = "correction"

REPLACED = ("name", "email", "phone", "notify", "guardian", "spot")
"""What is held of a correction alone, and of no version before it."""

_REPORTS = (CaseReported.type, CaseAmended.type)


class Correction(Form):
    """What is named is replaced; what is named as none is taken back; what is left out stays as it is."""

    text: FreeText | None = None
    place: Line | None = None
    spot: Spot | None = None
    name: Line | None = None
    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None
    notify: bool | None = None
    guardian: Line | None = None


async def told_now(door: Door, case_id: UUID) -> dict[str, Any] | None:
    """The report as it stands, for the resident who corrects it; none: it was erased. On record."""
    async with door.service.worker.begin() as connection:
        refs = versions_of(await door.service.store.read_stream(connection, case_id))
        opened = await particulars.read(
            connection,
            door.service.vault,
            refs[-1:],
            actor=particulars.RESIDENT,
            role=particulars.RESIDENT,
            purpose=PURPOSE,
        )
    return opened.get(refs[-1]) if refs else None


async def correct(door: Door, case_id: UUID, form: Correction, key: str, traceparent: str | None) -> Outcome:
    """Keep the report as it is to be read from now on, and drop the contact that it replaces.

    Raises:
        ProblemError: there would be no words left.
    """
    changed = form.model_dump(include=form.model_fields_set)
    if "text" in changed and not changed["text"]:
        raise unprocessable("text", "can't be taken back", "Write anew what is the matter, or have the case erased.")
    before = await told_now(door, case_id) or {}
    after = {name: value for name, value in {**before, **changed}.items() if value is not None}
    ref = new_id()
    sealed = door.service.vault.seal(ref, {**after, "corrects": True})
    command = AmendReport(Amendment.CORRECTION, ref)
    content = form.model_dump_json(exclude_unset=True)
    outcome = await carry_out(door, case_id, command, key, traceparent, content, [sealed])
    async with door.service.worker.begin() as connection:
        recorded = await door.service.store.read_stream(connection, case_id)
        await forget_replaced(connection, door.service.vault, versions_of(recorded))
    return outcome


def versions_of(recorded: Collection[Recorded]) -> Sequence[UUID]:
    """The rows that each hold the whole report, the earliest first."""
    events = [one.event() for one in recorded if one.type in _REPORTS]
    return [
        event.particulars
        for event in events
        if isinstance(event, CaseReported)
        or (isinstance(event, CaseAmended) and event.amendment is Amendment.CORRECTION)
    ]


async def forget_replaced(connection: AsyncConnection, vault: Vault, versions: Sequence[UUID]) -> None:
    """Take out of every version but the last how and where its resident was reached; again does nothing."""
    await particulars.reseal(connection, vault, versions[:-1], _without_replaced)


def _without_replaced(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in REPLACED}
