"""What was told in a report, corrected by whoever holds its receipt.

What happened and where it is stays readable as it was told before, since people may have acted on it; how the resident
is reached, what they are called and where they stood is replaced, since what was taken back may be held no longer.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.chassis.commands import ATTEMPTS
from services.chassis.eventstore import Outcome, StaleVersion
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


class Told(NamedTuple):
    """The report as it stood at a version of its stream; `content` is none when it was erased."""

    version: int
    content: dict[str, Any] | None


async def told_now(door: Door, case_id: UUID) -> Told:
    """The report as it stands, for the resident who corrects it. On record."""
    async with door.service.worker.begin() as connection:
        recorded = await door.service.store.read_stream(connection, case_id)
        refs = versions_of(recorded)
        opened = await particulars.read(
            connection,
            door.service.vault,
            refs[-1:],
            actor=particulars.RESIDENT,
            role=particulars.RESIDENT,
            purpose=PURPOSE,
        )
    return Told(recorded[-1].version if recorded else 0, opened.get(refs[-1]) if refs else None)


async def correct(door: Door, case_id: UUID, form: Correction, key: str, traceparent: str | None) -> Outcome:
    """Keep the report as it is to be read from now on, and drop the contact that it replaces.

    Raises:
        ProblemError: there would be no words left.
        StaleVersion: something else came to the case each time that it was tried.
    """
    changed = form.model_dump(include=form.model_fields_set)
    if "text" in changed and not changed["text"]:
        raise unprocessable("text", "can't be taken back", "Write anew what is the matter, or have the case erased.")
    content = form.model_dump_json(exclude_unset=True)
    outcome = await _keep(door, case_id, changed, key, traceparent, content)
    async with door.service.worker.begin() as connection:
        recorded = await door.service.store.read_stream(connection, case_id)
        await forget_replaced(connection, door.service.vault, versions_of(recorded))
    return outcome


async def _keep(
    door: Door, case_id: UUID, changed: Mapping[str, Any], key: str, traceparent: str | None, content: str
) -> Outcome:
    """Whatever came meanwhile is read first: a report built on an older one would hold again what was taken back."""

    async def upon(told: Told) -> Outcome:
        after = {name: value for name, value in {**(told.content or {}), **changed}.items() if value is not None}
        ref = new_id()
        sealed = door.service.vault.seal(ref, {**after, "corrects": True})
        command = AmendReport(Amendment.CORRECTION, ref)
        return await carry_out(door, case_id, command, key, traceparent, content, [sealed], expected=told.version)

    for _ in range(ATTEMPTS - 1):
        with suppress(StaleVersion):
            return await upon(await told_now(door, case_id))
    return await upon(await told_now(door, case_id))


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
