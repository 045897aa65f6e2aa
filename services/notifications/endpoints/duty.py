"""The duty desks of areas: who sits there, who comes and who goes."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from services.chassis.areas import up_from
from services.chassis.auth import Forbidden, Staff
from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.duty_desks import seats_at
from services.chassis.forms import Instant
from services.chassis.http import behind
from services.chassis.problems import ProblemError
from services.chassis.service import Service
from services.contracts.duty import DutyPlace, duty_stream
from services.contracts.event import AreaPath, StaffId
from services.notifications.answering import ROSTER_KEEPERS
from services.notifications.domain.commands import LeaveDuty, TakeDuty
from services.notifications.domain.decider import DUTY
from services.notifications.endpoints.desk import Desk, Form, Parts, Reader, after_position, desk_for
from services.notifications.read_models.places import name_of
from services.notifications.read_models.turns import in_turn

router = APIRouter()

DutyDesk = Annotated[Desk, Depends(desk_for("cadre", *ROSTER_KEEPERS))]


class Leaving(Form):
    area: AreaPath
    cadre: StaffId | None = None
    """Yourself unless told; others only by a supervisor or an operator."""
    place: DutyPlace | None = None
    """The one that you have, unless told."""


class Shift(Leaving):
    place: DutyPlace | None = None
    """Who is told first unless told; `second` is told when the first does not answer."""
    until: Instant | None = None
    """When the shift ends, in a week at the latest; from then on the place is empty. Left out: it has no end."""


class ShiftReached(BaseModel):
    """The version of the desk after the command."""

    area: str
    cadre: str
    version: int


class OnDuty(BaseModel):
    """Somebody in a place of a desk."""

    cadre: str
    desk: str
    place: DutyPlace
    since: datetime
    until: datetime | None


class WhoAnswers(BaseModel):
    """Who is told of a new case in `area` now; `desk` is where that cadre sits: there, or up the tree."""

    area: str
    name: str
    cadre: str | None
    desk: str | None
    since: datetime | None
    until: datetime | None
    next: OnDuty | None
    """Who is told when that one does not answer in time."""


@router.post("/duty:take", dependencies=[after_position], operation_id="take_duty")
async def take(desk: DutyDesk, shift: Shift) -> ShiftReached:
    """Go on duty for an area, in place of whoever is; from now on its new cases alert you."""
    cadre = _whom(desk.staff, shift)
    await _place(desk.parts, desk.staff, desk.request, shift.area)
    command = TakeDuty(shift.area, cadre, now(), shift.place or DutyPlace.FIRST, shift.until)
    return await _carried_out(desk, shift, cadre, command)


@router.post("/duty:leave", dependencies=[after_position], operation_id="leave_duty")
async def leave(desk: DutyDesk, leaving: Leaving) -> ShiftReached:
    """Go off duty; until somebody comes, the next desk up the tree answers."""
    cadre = _whom(desk.staff, leaving)
    await _place(desk.parts, desk.staff, desk.request, leaving.area)
    return await _carried_out(desk, leaving, cadre, LeaveDuty(leaving.area, cadre, leaving.place))


@router.get("/duty", dependencies=[after_position], operation_id="read_duty")
async def read_duty(parts: Parts, staff: Reader, request: Request, area: AreaPath) -> WhoAnswers:
    """Who answers for an area at this moment, and who is next."""
    name = await _place(parts, staff, request, area)
    desks = up_from(area)
    # Whoever works under a desk may know who sits there, though it lies above their areas.
    async with scoped(parts.application, desks) as connection:
        turn = in_turn(area, await seats_at(connection, desks, now()))
    told = turn[0] if turn else None
    following = turn[1] if len(turn) > 1 else None
    return WhoAnswers(
        area=area,
        name=name,
        cadre=told.cadre if told else None,
        desk=told.desk if told else None,
        since=told.since if told else None,
        until=told.until if told else None,
        next=OnDuty.model_validate(following, from_attributes=True) if following else None,
    )


async def _carried_out(desk: Desk, asked: Leaving, cadre: str, command: TakeDuty | LeaveDuty) -> ShiftReached:
    request = f"{type(command).__name__} {cadre} {asked.model_dump_json()}"
    stream = duty_stream(asked.area)
    outcome = await desk.carry_out(DUTY, stream, command, request=request, begins_in=asked.area)
    return ShiftReached(area=asked.area, cadre=cadre, version=outcome.version)


def _whom(staff: Staff, shift: Leaving) -> str:
    if shift.cadre in (None, staff.id):
        return staff.id
    if not staff.roles.intersection(ROSTER_KEEPERS):
        raise Forbidden(ROSTER_KEEPERS)
    return shift.cadre


async def _place(parts: Service, staff: Staff, request: Request, area: str) -> str:
    """What the area is called; it must be there, and the caller's."""
    async with scoped(parts.application, staff.areas) as connection:
        name = await name_of(connection, area) if staff.may_see(area) else None
    if name is not None:
        return name
    if behind(request):
        raise ProblemError(
            503,
            "area-not-here-yet",
            "What you wrote has not arrived here yet",
            "Nothing was stored: send the same request again in a moment.",
            headers={"Retry-After": "2"},
        )
    raise ProblemError(
        404,
        "unknown-area",
        "There is no such area",
        "Check its path; it may lie outside your areas. If you have just registered it, send its Doorstep-Position.",
    )
