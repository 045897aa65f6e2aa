"""Mediation's part of the copy that a resident may take of their case.

Notes of sessions are sealed to the mediator who made them, and what a unit said to the tracker may speak of others:
neither is in it, and it says so.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.chassis import particulars
from services.chassis.copies import PURPOSE, AskedCopy, Happened, happened
from services.chassis.service import Service
from services.chassis.web.languages import translator
from services.contracts.cases import (
    CaseDeclined,
    CaseDispatchDone,
    CaseDispatched,
    CaseDispatchReturned,
    CaseMediated,
    CaseMessageWritten,
    CaseResolved,
)
from services.contracts.deadlines import Deadline
from services.contracts.event import Event
from services.mediation.explaining import explain
from services.mediation.read_models.places import homes_of

SESSION_NOTES, UNIT_WORDS = "session-notes", "unit-words"
"""What may be held and is not in the copy."""


class Date(BaseModel):
    """A date that was given, and why it is that date, in the language that was asked for."""

    rule: str
    due_at: datetime
    why: list[str]


class MediationCopy(BaseModel):
    """`written`: what was explained and written to the resident, and what a unit was told of the case."""

    events: list[Happened]
    written: list[dict[str, Any]]
    dates: list[Date]
    left_out: list[str]


async def copy_of(parts: Service, asked: AskedCopy) -> MediationCopy:
    """That it was taken is recorded before it is answered."""
    async with parts.worker.begin() as connection:
        recorded = await parts.store.read_stream(connection, asked.case_id)
        events = [one.event() for one in recorded]
        home = (await homes_of(connection, [asked.case_id])).get(asked.case_id)
        opened = await particulars.read(
            connection,
            parts.vault,
            _refs(events),
            actor=particulars.RESIDENT,
            role=particulars.RESIDENT,
            purpose=PURPOSE,
        )
    language, zone = translator(asked.language, "mediation"), (home and home.clock) or UTC
    dates: Sequence[Deadline] = [one for event in events for one in getattr(event, "deadlines", ())]
    return MediationCopy(
        events=[happened(one) for one in recorded],
        written=[opened[ref] for ref in sorted(opened)],
        dates=[Date(rule=one.rule, due_at=one.due_at, why=explain(one, language, zone)) for one in dates],
        left_out=_left_out(events),
    )


def _refs(events: Sequence[Event]) -> list[UUID]:
    refs: list[UUID | None] = []
    for event in events:
        match event:
            case CaseResolved() | CaseDeclined():
                refs.append(event.explanation)
            case CaseMessageWritten():
                refs.append(event.message)
            case CaseDispatched():
                refs.append(event.shared)
            case _:
                pass
    return [ref for ref in refs if ref]


def _left_out(events: Sequence[Event]) -> list[str]:
    sessions = any(isinstance(event, CaseMediated) and event.note for event in events)
    units = any(isinstance(event, CaseDispatchReturned | CaseDispatchDone) and event.note for event in events)
    return [*([SESSION_NOTES] if sessions else []), *([UNIT_WORDS] if units else [])]
