"""Handing a case to a unit, and the unit's answers, whoever takes them down."""

from uuid import UUID

from pydantic import BaseModel

from services.chassis.areas import up_from
from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.forms import Form, FreeText
from services.chassis.ids import new_id
from services.chassis.problems import unprocessable
from services.contracts.cases import ReturnReason
from services.contracts.event import Code
from services.mediation.desk import Desk, Reached
from services.mediation.domain.commands import AcceptDispatch, DispatchCase, FinishDispatch, ReturnDispatch
from services.mediation.read_models.units import units_for
from services.mediation.unit_links import UnitLinks


class Handover(Form):
    unit: Code
    shared: FreeText | None = None
    """What the unit has to know, and nothing that it need not."""


class HandedOver(BaseModel):
    """`link` is for the unit alone: whoever has it can answer for the unit, for thirty days."""

    case_id: UUID
    version: int
    link: str


class Acceptance(Form):
    unit: Code


class Return(Form):
    unit: Code
    reason: ReturnReason
    note: FreeText | None = None


class Completion(Form):
    unit: Code
    note: FreeText | None = None


async def dispatch(desk: Desk, case_id: UUID, form: Handover) -> HandedOver:
    """Hand the case to a unit; you stay its tracker and the resident's contact."""
    circumstances = await desk.circumstances(case_id, now())
    home = await desk.home_of(case_id)
    async with scoped(desk.parts.application, up_from(home.area)) as connection:
        known = {unit.unit for unit in await units_for(connection, home.area)}
    if form.unit not in known:
        raise unprocessable(
            "unit",
            "is no unit that takes cases from there",
            "Take one that GET /api/mediation/v1/units lists for the area, or register it first.",
        )
    shared = new_id() if form.shared else None
    sealed = [desk.parts.vault.seal(shared, {"shared": form.shared})] if shared else []
    command = DispatchCase(desk.actor, form.unit, shared, circumstances)
    reached = await desk.carry_out(case_id, command, form, sealed)
    link = UnitLinks(desk.parts).issue(case_id, form.unit, now())
    return HandedOver(case_id=case_id, version=reached.version, link=link)


async def accept(desk: Desk, case_id: UUID, form: Acceptance) -> Reached:
    """Take down that the unit takes the work on."""
    return await desk.carry_out(case_id, AcceptDispatch(form.unit), form)


async def give_back(desk: Desk, case_id: UUID, form: Return) -> Reached:
    """Take down that the unit gives the case back, and why."""
    note = new_id() if form.note else None
    sealed = [desk.parts.vault.seal(note, {"note": form.note})] if note else []
    return await desk.carry_out(case_id, ReturnDispatch(form.unit, form.reason, note), form, sealed)


async def finish(desk: Desk, case_id: UUID, form: Completion) -> Reached:
    """Take down that the unit has done its work; explain and resolve the case next."""
    note = new_id() if form.note else None
    sealed = [desk.parts.vault.seal(note, {"note": form.note})] if note else []
    return await desk.carry_out(case_id, FinishDispatch(form.unit, note), form, sealed)
