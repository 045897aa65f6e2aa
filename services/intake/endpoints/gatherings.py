"""Gatherings: announced and held by staff; read, signed up for and off again by anybody."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from pydantic import AwareDatetime, BaseModel

from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.forms import Form
from services.chassis.http import IdempotencyKey, Position, TraceParent, staff_with
from services.contracts.gatherings import GatheringKind
from services.intake import gatherings
from services.intake.endpoints.door import TheDoor, after_position
from services.intake.gatherings import (
    ANNOUNCING,
    AnnouncementForm,
    AttendanceForm,
    PlanForm,
    SignedUp,
    SignUpForm,
    found,
)
from services.intake.read_models.gatherings import GatheringRow, State, gatherings_of
from services.intake.read_models.places import communities

router = APIRouter(prefix="/gatherings")

Announcer = Annotated[Staff, Depends(staff_with(*ANNOUNCING))]


class Gathering(BaseModel):
    gathering_id: UUID
    community: UUID
    kind: GatheringKind
    title: str
    place: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    time_zone: str
    state: State
    seats: int | None
    seats_left: int | None
    """None: there is room for whoever comes."""
    attendance: int | None
    """How many came, once it was held."""
    changes: int
    """How often it was changed or cancelled since it was announced."""


class Gatherings(BaseModel):
    gatherings: list[Gathering]


class Announced(BaseModel):
    gathering_id: UUID


class Cancellation(Form):
    pass


@router.get("", dependencies=[after_position], operation_id="read_gatherings")
async def read_gatherings(door: TheDoor, community: UUID | None = None, past: bool = False) -> Gatherings:
    """Those that are ahead, the next one first; with `past` those that are over, the last one first."""
    async with scoped(door.service.application, []) as connection:
        wanted = [community] if community else [row.community_id for row in await communities(connection)]
        rows = await gatherings_of(connection, wanted, now(), past=past)
    return Gatherings(gatherings=[_told(row) for row in rows])


@router.post("", status_code=201, operation_id="announce_gathering")
async def announce(
    door: TheDoor,
    staff: Announcer,
    form: AnnouncementForm,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> Announced:
    """Announce a lecture, a bench meeting or a council meeting. Everybody reads it."""
    gathering_id, position = await gatherings.announce(door, staff, form, key, traceparent)
    return Announced(gathering_id=_reached(response, position, gathering_id))


@router.get("/{gathering_id}", dependencies=[after_position], operation_id="read_gathering")
async def read_gathering(door: TheDoor, gathering_id: UUID) -> Gathering:
    """One of them."""
    return _told(await found(door, gathering_id))


@router.post("/{gathering_id}/change", operation_id="change_gathering")
async def change(
    door: TheDoor,
    staff: Announcer,
    gathering_id: UUID,
    form: PlanForm,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> Announced:
    """All that can change, as it is from now on."""
    position = await gatherings.change(door, staff, gathering_id, form, key, traceparent)
    return Announced(gathering_id=_reached(response, position, gathering_id))


@router.post("/{gathering_id}/cancel", operation_id="cancel_gathering")
async def cancel(
    door: TheDoor,
    staff: Announcer,
    gathering_id: UUID,
    form: Cancellation,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> Announced:
    """It does not take place; it stays on the list and in calendars, and says so."""
    position = await gatherings.cancel(door, staff, gathering_id, form, key, traceparent)
    return Announced(gathering_id=_reached(response, position, gathering_id))


@router.post("/{gathering_id}/hold", operation_id="hold_gathering")
async def hold(
    door: TheDoor,
    staff: Announcer,
    gathering_id: UUID,
    form: AttendanceForm,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> Announced:
    """It took place, and so many came; said again, the number is put right."""
    position = await gatherings.hold(door, staff, gathering_id, form, key, traceparent)
    return Announced(gathering_id=_reached(response, position, gathering_id))


@router.post("/{gathering_id}/sign-up", status_code=201, operation_id="sign_up")
async def sign_up(
    door: TheDoor,
    gathering_id: UUID,
    form: SignUpForm,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> SignedUp:
    """Come, alone or with others; nobody need say who they are."""
    signed_up, position = await gatherings.sign_up(door, gathering_id, form, key, traceparent)
    response.headers[http.POSITION] = str(position)
    return signed_up


@router.post("/{gathering_id}/sign-off", operation_id="sign_off")
async def sign_off(
    door: TheDoor,
    gathering_id: UUID,
    traceparent: TraceParent,
    response: Response,
    doorstep_sign_up: Annotated[str, Header(description="The seven words given when signing up.")] = "",
) -> Announced:
    """Not come after all. What was left to be reached by is erased."""
    position = await gatherings.sign_off(door, gathering_id, doorstep_sign_up, traceparent)
    return Announced(gathering_id=_reached(response, position, gathering_id))


def _reached(response: Response, position: Position, gathering_id: UUID) -> UUID:
    response.headers[http.POSITION] = str(position)
    return gathering_id


def _told(row: GatheringRow) -> Gathering:
    return Gathering(
        gathering_id=row.gathering_id,
        community=row.community,
        kind=GatheringKind(row.kind),
        title=row.title,
        place=row.place,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        time_zone=row.time_zone,
        state=State(row.state),
        seats=row.seats,
        seats_left=row.seats_left,
        attendance=row.attendance,
        changes=row.sequence,
    )
