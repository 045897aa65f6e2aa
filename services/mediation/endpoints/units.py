"""The outside units that cases are handed to."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.chassis import http
from services.chassis.areas import up_from
from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.database import scoped
from services.chassis.forms import Form
from services.chassis.problems import ProblemError
from services.contracts.event import AreaPath, Code
from services.contracts.registry import Name, unit_stream
from services.mediation.desk import Desk
from services.mediation.domain.unit import UNITS, RegisterUnit
from services.mediation.endpoints.desk import Parts, Reader, after_position, desk_for
from services.mediation.read_models.units import units_for

router = APIRouter()

RegisteringDesk = Annotated[Desk, Depends(desk_for("supervisor", "operator"))]


class UnitForm(Form):
    area: AreaPath
    """It takes cases of this area and below."""
    name: Name


class Unit(BaseModel):
    unit: str
    area: str
    name: str


@router.put("/units/{unit}", operation_id="register_unit")
async def register(desk: RegisteringDesk, unit: Code, form: UnitForm) -> Unit:
    """Register an outside unit, or give it another name."""
    if not desk.staff.may_see(form.area):
        raise ProblemError(
            404, "unknown-area", "There is no such area", "Check its path; it may lie outside your areas."
        )
    request = f"RegisterUnit {unit} {form.model_dump_json()}"
    intent = Intent(
        stream=unit_stream(unit),
        command=RegisterUnit(unit, form.area, form.name),
        key=desk.parts.fingerprints.key("unit", f"{desk.staff.id} {desk.key}".encode()),
        fingerprint=desk.parts.fingerprints.digest("unit", request.encode()),
        actor=desk.staff.id,
        at=now(),
        area=form.area,
        traceparent=desk.traceparent,
    )
    outcome = await handle(desk.parts.store, UNITS, intent)
    http.reached(desk.response, desk.parts.name, outcome)
    return Unit(unit=unit, area=form.area, name=form.name)


@router.get("/units", dependencies=[after_position], operation_id="list_units")
async def list_units(parts: Parts, staff: Reader, area: AreaPath) -> list[Unit]:
    """The units that take cases of an area, the nearest first."""
    if not staff.may_see(area):
        return []
    # Whoever works in an area may know the units above it.
    async with scoped(parts.application, up_from(area)) as connection:
        return [Unit(unit=row.unit, area=row.area, name=row.name) for row in await units_for(connection, area)]
