"""What staff do with one case: what each act is told, and the command that it becomes."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from services.chassis.clock import now
from services.chassis.forms import Form, FreeText
from services.chassis.ids import new_id
from services.chassis.problems import unprocessable
from services.contracts.cases import (
    CaseOpened,
    DeclineReason,
    EscalationReason,
    Language,
    MediationPlace,
    MediationResult,
    Resolution,
)
from services.contracts.event import Event, StaffId
from services.mediation.desk import Desk, Reached
from services.mediation.domain.commands import (
    AcknowledgeCase,
    Answer,
    AssignCase,
    DeclineCase,
    EscalateCase,
    MergeCase,
    RecordMediation,
    ResolveCase,
    WriteMessage,
)
from services.mediation.domain.decider import CASES
from services.mediation.domain.errors import NotMergeable
from services.mediation.read_models.places import day_of

ASSIGNING = ("cadre", "supervisor")
MEDIATING = ("cadre", "mediator")
"""Who else than all caseworkers does these."""

ByPeople = Literal[Resolution.ON_THE_SPOT, Resolution.MEDIATED, Resolution.BY_UNIT, Resolution.EXPLAINED]
"""How people resolve; imported history has a way of its own."""


class Assignment(Form):
    owner: StaffId


class Acknowledgement(Form):
    pass


class Session(Form):
    result: MediationResult
    place: MediationPlace
    note: FreeText | None = None
    """For the mediator's own eyes."""


class Escalation(Form):
    reason: Literal[EscalationReason.ASKED_BY_STAFF, EscalationReason.OVERDUE] = EscalationReason.ASKED_BY_STAFF


class Merger(Form):
    into: UUID


class Solution(Form):
    resolution: ByPeople
    explanation: FreeText
    """For the resident, in `language`."""
    language: Language


class Message(Form):
    message: FreeText
    """For the resident, and kept with the case."""


class Refusal(Form):
    reason: DeclineReason
    explanation: FreeText
    """For the resident, in `language`: why, and what they can do instead."""
    language: Language


async def assign(desk: Desk, case_id: UUID, form: Assignment) -> Reached:
    """Give the case to somebody."""
    circumstances = await desk.circumstances(case_id, now())
    return await desk.carry_out(case_id, AssignCase(desk.actor, form.owner, circumstances), form)


async def acknowledge(desk: Desk, case_id: UUID, form: Acknowledgement) -> Reached:
    """Say that you have seen the case and answer for it; if it is nobody's, it becomes yours."""
    return await desk.carry_out(case_id, AcknowledgeCase(desk.actor), form)


async def mediate(desk: Desk, case_id: UUID, form: Session) -> Reached:
    """Tell of a mediation session that you held."""
    note = new_id() if form.note else None
    sealed = [desk.parts.vault.seal(note, {"note": form.note})] if note else []
    circumstances = await desk.circumstances(case_id, now())
    command = RecordMediation(desk.actor, form.result, form.place, note, circumstances)
    return await desk.carry_out(case_id, command, form, sealed)


async def escalate(desk: Desk, case_id: UUID, form: Escalation) -> Reached:
    """Raise the case one level up the tree of areas."""
    circumstances = await desk.circumstances(case_id, now())
    return await desk.carry_out(case_id, EscalateCase(desk.actor, form.reason, circumstances), form)


async def merge(desk: Desk, case_id: UUID, form: Merger) -> Reached:
    """Say that the case is the same trouble as another that is being worked on: both are answered together."""
    if form.into == case_id:
        raise NotMergeable
    home = await desk.home_of(case_id)
    loaded, _ = await desk.parts.store.load([form.into], [], desk.staff.areas)
    into = loaded[form.into]
    if into.area is None:
        raise unprocessable("into", "is of no case in your areas", "Send the id of the case that stays open.")
    if _is_about_staff(into.events) and not into.area.startswith(home.area):
        raise unprocessable(
            "into",
            "is about somebody on the staff, and all who see this case would read its explanation",
            "Work on each by itself.",
        )
    other = CASES.initial
    for event in into.events:
        other = CASES.evolve(other, event)
    return await desk.carry_out(case_id, MergeCase(desk.actor, form.into, other), form)


async def resolve(desk: Desk, case_id: UUID, form: Solution) -> Reached:
    """Solve the case and explain it to the resident."""
    circumstances = await desk.circumstances(case_id, now())
    explanation = new_id()
    today = day_of(circumstances.at, circumstances.rules.clock)
    answer = Answer(form.resolution, explanation, form.language, today)
    command = ResolveCase(desk.actor, answer, circumstances)
    sealed = desk.parts.vault.seal(explanation, {"explanation": form.explanation, "language": form.language})
    return await desk.carry_out(case_id, command, form, [sealed])


async def write(desk: Desk, case_id: UUID, form: Message) -> Reached:
    """Write to the resident, who reads it by their receipt; whoever left an address is told that there is news."""
    message = new_id()
    sealed = desk.parts.vault.seal(message, {"message": form.message, "by": desk.actor.id})
    return await desk.carry_out(case_id, WriteMessage(desk.actor, message), form, [sealed])


async def decline(desk: Desk, case_id: UUID, form: Refusal) -> Reached:
    """Take the case no further. You answer for that by name, and the resident may appeal to another person."""
    explanation = new_id()
    circumstances = await desk.circumstances(case_id, now())
    command = DeclineCase(desk.actor, form.reason, explanation, form.language, circumstances)
    sealed = desk.parts.vault.seal(explanation, {"explanation": form.explanation, "language": form.language})
    return await desk.carry_out(case_id, command, form, [sealed])


def _is_about_staff(events: Sequence[Event]) -> bool:
    return any(isinstance(event, CaseOpened) and event.about_staff for event in events)
