"""Areas and communities, and what can be reported at all."""

from functools import cache
from typing import Annotated, Self, TypeVar
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, Field, model_validator

from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.categories import categories
from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.database import scoped
from services.chassis.forms import Form, without_nul
from services.chassis.http import IdempotencyKey
from services.chassis.ids import new_id
from services.chassis.problems import unprocessable
from services.contracts.cases import Kind
from services.contracts.event import AreaPath, Code
from services.contracts.registry import Building, Latitude, Longitude, Name, TimeZone, area_stream, community_stream
from services.intake.address import at_address, poster_address
from services.intake.credentials import Scope, has_key
from services.intake.domain.commands import (
    CloseCommunity,
    LocateCommunity,
    RegisterArea,
    RegisterCommunity,
    ReopenCommunity,
)
from services.intake.domain.registry import AREAS, COMMUNITIES
from services.intake.door import Door
from services.intake.endpoints.door import Operator, TheDoor, after_position
from services.intake.endpoints.keys import within_reach
from services.intake.read_models.places import communities

router = APIRouter()

T = TypeVar("T")


@cache
def _time_zones() -> frozenset[str]:
    """Of places, and UTC; `localtime` is whatever the machine says, and `Factory` says nothing."""
    return frozenset(zone for zone in available_timezones() if "/" in zone) | {"UTC"}


def _known_zone(zone: str) -> str:
    if zone not in _time_zones():
        raise ValueError("is no time zone|Take a name of the IANA database, as Asia/Shanghai.")
    return zone


PlaceName = Annotated[Name, AfterValidator(without_nul)]


class AreaForm(Form):
    path: AreaPath
    name: PlaceName


class RegisteredArea(BaseModel):
    path: str


class CommunityForm(Form):
    area: AreaPath
    name: PlaceName
    time_zone: Annotated[TimeZone, AfterValidator(_known_zone)]


class LocationForm(Form):
    """Where it lies, for a map, and what the people there call its buildings; what is left out is taken away."""

    latitude: Latitude | None = None
    longitude: Longitude | None = None
    buildings: list[Annotated[Building, AfterValidator(without_nul)]] = Field(default=[], max_length=200)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("have one latitude and one longitude, or neither|Send both, or leave both out.")
        return self


class RegisteredCommunity(BaseModel):
    """`api_key` is shown once, when the community gets its first; another is made at its `keys`."""

    community_id: UUID
    area: str
    api_key: str | None = None
    scopes: list[Scope] = []


class StandingCommunity(BaseModel):
    community_id: UUID
    area: str
    closed: bool


class KnownCommunity(BaseModel):
    """`at` is the address that has it filled in already, and `poster` the page to print with a code of that address."""

    community_id: UUID
    area: str
    name: str
    at: str
    poster: str


class Communities(BaseModel):
    communities: list[KnownCommunity]


@router.post("/areas", status_code=201, operation_id="register_area")
async def register_area(door: TheDoor, operator: Operator, form: AreaForm, response: Response) -> RegisteredArea:
    """Add an area to the tree. The same again changes nothing."""
    _within(operator, form.path, "path")
    await _require_parent(door, form.path, "path")
    command = RegisterArea(form.path, form.name)
    intent = _intent(door, operator, area_stream(form.path), form.path, command)
    outcome = await handle(door.service.store, AREAS, intent)
    http.reached(response, door.service.name, outcome)
    return RegisteredArea(path=form.path)


@router.post("/communities", status_code=201, operation_id="register_community")
async def register_community(
    door: TheDoor, operator: Operator, form: CommunityForm, response: Response
) -> RegisteredCommunity:
    """Add a community, a leaf of the tree, and give it its first key. The same again answers 200, without a key."""
    _within(operator, form.area, "area")
    await _require_parent(door, form.area, "area")
    service, community = door.service, community_stream(form.area)
    command = RegisterCommunity(community, form.area, form.name, form.time_zone)
    outcome = await handle(service.store, COMMUNITIES, _intent(door, operator, community, form.area, command))
    http.reached(response, service.name, outcome)
    scopes = [Scope.REPORT]
    async with service.worker.begin() as connection:
        # Two that register at once must not both be given a first key.
        await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", (str(community),))
        if await has_key(connection, community):
            response.status_code = 200
            return RegisteredCommunity(community_id=community, area=form.area)
        key = await door.credentials.issue(connection, community, form.area, form.time_zone, scopes)
    return RegisteredCommunity(community_id=community, area=form.area, api_key=key, scopes=scopes)


@router.post("/communities/{community_id}:locate", status_code=204, operation_id="locate_community")
async def locate_community(
    door: TheDoor, operator: Operator, community_id: UUID, form: LocationForm, response: Response
) -> None:
    """Say where a community lies and which buildings it has. Anybody may know both; the last word holds."""
    await within_reach(door, operator, community_id)
    spot = None if form.latitude is None or form.longitude is None else (form.latitude, form.longitude)
    command = LocateCommunity(spot, tuple(dict.fromkeys(form.buildings)))
    intent = Intent(
        stream=community_id,
        command=command,
        key=str(new_id()),
        fingerprint=door.service.fingerprints.digest("community", repr(command).encode()),
        actor=operator.id,
        at=now(),
        scope=operator.areas,
    )
    outcome = await handle(door.service.store, COMMUNITIES, intent)
    door.communities.forget(community_id)
    http.reached(response, door.service.name, outcome)


@router.post("/communities/{community_id}:close", operation_id="close_community")
async def close_community(
    door: TheDoor, operator: Operator, community_id: UUID, key: IdempotencyKey, response: Response
) -> StandingCommunity:
    """From now on it takes no new reports. Its cases, receipts and keys go on; history may still be brought."""
    return await _standing(door, operator, community_id, CloseCommunity(), key, response)


@router.post("/communities/{community_id}:reopen", operation_id="reopen_community")
async def reopen_community(
    door: TheDoor, operator: Operator, community_id: UUID, key: IdempotencyKey, response: Response
) -> StandingCommunity:
    """It takes reports again."""
    return await _standing(door, operator, community_id, ReopenCommunity(), key, response)


@router.get("/communities", dependencies=[after_position], operation_id="read_communities")
async def read_communities(request: Request, door: TheDoor) -> Communities:
    """Every community that a report can be made to."""
    async with scoped(door.service.application, []) as connection:
        rows = await communities(connection)
    return Communities(
        communities=[
            KnownCommunity(
                community_id=row.community_id,
                area=row.path,
                name=row.name,
                at=at_address(request, row.path),
                poster=poster_address(request, row.path),
            )
            for row in rows
        ]
    )


@router.get("/categories", operation_id="read_categories")
async def read_categories() -> dict[Kind, dict[Code, str]]:
    """What a report can be about: names by code, by kind."""
    return categories()


async def _standing(
    door: Door,
    operator: Staff,
    community_id: UUID,
    command: CloseCommunity | ReopenCommunity,
    key: str,
    response: Response,
) -> StandingCommunity:
    community = await within_reach(door, operator, community_id)
    fingerprints, content = door.service.fingerprints, f"{community_id} {type(command).__name__}"
    intent = Intent(
        stream=community_id,
        command=command,
        key=fingerprints.key("community", f"{community_id} {key}".encode()),
        fingerprint=fingerprints.digest("community", content.encode()),
        actor=operator.id,
        at=now(),
        scope=operator.areas,
    )
    outcome = await handle(door.service.store, COMMUNITIES, intent)
    door.communities.forget(community_id)
    http.reached(response, door.service.name, outcome)
    return StandingCommunity(community_id=community_id, area=community.area, closed=isinstance(command, CloseCommunity))


def _within(operator: Staff, area: str, field: str) -> None:
    if not operator.may_see(area):
        raise unprocessable(field, "lies outside your areas", "Ask an operator of that area.")
    if area == "/":
        raise unprocessable(field, "is the root, which is always there", "Name an area below it.")


async def _require_parent(door: Door, area: str, field: str) -> None:
    parent = area[: area.rstrip("/").rindex("/") + 1]
    if parent == "/":
        return
    loaded, _ = await door.service.store.load([area_stream(parent)], [], None)
    if loaded[area_stream(parent)].area is None:
        raise unprocessable(field, f"lies in {parent}, which is not registered", "Register that area first.")


def _intent(door: Door, operator: Staff, stream: UUID, area: str, command: T) -> Intent[T]:
    """A registration is its own key: whoever sends the same again repeats it."""
    content = repr(command).encode()
    fingerprints = door.service.fingerprints
    return Intent(
        stream=stream,
        command=command,
        key=fingerprints.key("registration", content),
        fingerprint=fingerprints.digest("registration", content),
        actor=operator.id,
        at=now(),
        area=area,
    )
