"""What a resident and whoever has their case write to each other, told to whoever holds the receipt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from services.chassis import particulars
from services.chassis.eventstore import Outcome
from services.chassis.forms import Form, FreeText
from services.chassis.ids import made_at, new_id
from services.contracts.cases import Amendment, CaseAmended, CaseAppealed, CaseReopeningAsked
from services.contracts.event import Event
from services.intake.carrying_out import carry_out
from services.intake.domain.commands import AmendReport
from services.intake.door import Door
from services.intake.explanations import Texts
from services.intake.read_models.case_status import StatusRow


class Message(Form):
    """A word to whoever has the case."""

    text: FreeText


class Said(BaseModel):
    """`who` is the name at sign-in of whoever wrote for the staff."""

    at: datetime
    by: Literal["resident", "staff"]
    who: str | None
    text: str


class Conversation(BaseModel):
    """`waits`: something was written to the resident that can't be fetched just now."""

    said: list[Said]
    """The earliest first."""
    waits: bool


async def write(door: Door, case_id: UUID, form: Message, key: str, traceparent: str | None) -> Outcome:
    message = new_id()
    command = AmendReport(Amendment.MESSAGE, message)
    sealed = door.service.vault.seal(message, {"message": form.text})
    return await carry_out(door, case_id, command, key, traceparent, form.text, [sealed])


async def conversation_of(door: Door, row: StatusRow, told: Texts | None) -> Conversation:
    """`told` is what mediation holds for the resident; none: it could not be asked."""
    own = await _own(door, row.case_id) if row.wrote_at else []
    theirs = [
        Said(at=made_at(ref), by="staff", who=content.get("by"), text=content["message"])
        for ref, content in (told or {}).items()
        if "message" in content
    ]
    said = sorted([*own, *theirs], key=lambda one: one.at)
    return Conversation(said=said, waits=told is None and row.written_to_at is not None)


async def _own(door: Door, case_id: UUID) -> list[Said]:
    async with door.service.worker.begin() as connection:
        recorded = await door.service.store.read_stream(connection, case_id)
        refs = [ref for one in recorded if (ref := _ref(one.event()))]
        opened = await particulars.read(
            connection,
            door.service.vault,
            refs,
            actor=particulars.RESIDENT,
            role=particulars.RESIDENT,
            purpose=particulars.BY_RECEIPT,
        )
    return [Said(at=made_at(ref), by="resident", who=None, text=_text(opened[ref])) for ref in refs if ref in opened]


def _ref(event: Event) -> UUID | None:
    match event:
        case CaseAmended(amendment=Amendment.MESSAGE) | CaseReopeningAsked() | CaseAppealed():
            return event.particulars
        case _:
            return None


def _text(content: dict[str, Any]) -> str:
    """A message, why it is not solved, or why the resident appeals."""
    names: Sequence[str] = ("message", "appeal", "text")
    return next((str(content[name]) for name in names if content.get(name)), "")
