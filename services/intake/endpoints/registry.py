"""Areas, communities and their keys, and what can be reported at all."""

from functools import cache
from typing import Annotated, Self, TypeVar
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Path, Request, Response
from pydantic import AfterValidator, BaseModel, Field, model_validator

from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, UnknownStream, handle
from services.chassis.database import scoped
from services.chassis.forms import Form, without_nul
from services.chassis.ids import new_id
from services.chassis.problems import unprocessable
from services.contracts.cases import Kind
from services.contracts.event import AreaPath, Code
from services.contracts.registry import Building, Latitude, Longitude, Name, TimeZone, area_stream, community_stream
from services.intake.address import at_address, poster_address
from services.intake.categories import categories
from services.intake.credentials import IssuedKey, Scope, has_key, keys_of
from services.intake.domain.commands import CloseCommunity, LocateCommunity, RegisterArea, RegisterCommunity
from services.intake.domain.registry import AREAS, COMMUNITIES
from services.intake.door import Door
from services.intake.endpoints.door import Operator, TheDoor, after_position
from services.intake.known import Community
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


KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
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


class KeyForm(Form):
    scopes: list[Scope] = Field(default=[Scope.REPORT], min_length=1)


class NewKey(BaseModel):
    """Shown this once."""

    api_key: str
    scopes: list[Scope]


class Keys(BaseModel):
    keys: list[IssuedKey]


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
    spot = None if form.latitude is None or form.longitude is None else (form.latitude, form.longitude)
    command = LocateCommunity(community_id, spot, tuple(dict.fromkeys(form.buildings)))
    await _changed(door, operator, command, response)


@router.post("/communities/{community_id}:close", status_code=204, operation_id="close_community")
async def close_community(door: TheDoor, operator: Operator, community_id: UUID, response: Response) -> None:
    """Nothing can be reported to it any more, within seconds. Its cases go on; its keys are revoked one by one."""
    await _changed(door, operator, CloseCommunity(community_id), response)


@router.post("/communities/{community_id}/keys", status_code=201, operation_id="issue_key")
async def issue_key(door: TheDoor, operator: Operator, community_id: UUID, form: KeyForm) -> NewKey:
    """Another key, for another program or in place of a lost one. `history` may bring imported reports."""
    community = await _within_reach(door, operator, community_id)
    async with door.service.worker.begin() as connection:
        key = await door.credentials.issue(connection, community.id, community.area, community.time_zone, form.scopes)
    return NewKey(api_key=key, scopes=form.scopes)


@router.get("/communities/{community_id}/keys", operation_id="read_keys")
async def read_keys(door: TheDoor, operator: Operator, community_id: UUID) -> Keys:
    """A community's keys, without their secrets: when they were made, last used and revoked."""
    await _within_reach(door, operator, community_id)
    async with scoped(door.service.application, operator.areas) as connection:
        return Keys(keys=await keys_of(connection, community_id))


@router.post("/communities/{community_id}/keys/{key_id}:revoke", status_code=204, operation_id="revoke_key")
async def revoke_key(door: TheDoor, operator: Operator, community_id: UUID, key_id: KeyId) -> None:
    """Take a key back. Within seconds nobody can report with it; again changes nothing."""
    await _within_reach(door, operator, community_id)
    if not await door.credentials.revoke(community_id, key_id):
        raise UnknownStream


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


async def _changed(door: Door, operator: Staff, command: LocateCommunity | CloseCommunity, response: Response) -> None:
    community = await _within_reach(door, operator, command.community)
    content = repr(command).encode()
    intent = Intent(
        stream=community.id,
        command=command,
        key=str(new_id()),
        fingerprint=door.service.fingerprints.digest("registration", content),
        actor=operator.id,
        at=now(),
        area=community.area,
    )
    http.reached(response, door.service.name, await handle(door.service.store, COMMUNITIES, intent))
    door.communities.forget(community.id)


async def _within_reach(door: Door, operator: Staff, community_id: UUID) -> Community:
    community = await door.communities.find(community_id)
    if community is None or not operator.may_see(community.area):
        raise UnknownStream
    return community


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
