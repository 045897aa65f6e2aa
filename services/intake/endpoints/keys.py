"""Communities' keys: made, replaced, told of, taken back; and what a system shows where its key is not known."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from services.chassis.auth import SYSTEM_TOKEN_SECONDS, Forbidden, Staff, System
from services.chassis.clock import now
from services.chassis.commands import UnknownStream
from services.chassis.database import scoped
from services.chassis.forms import Form
from services.chassis.problems import ProblemError
from services.chassis.web.marked import marked
from services.intake.credentials import IssuedKey, KeyEnded, Scope, keys_of
from services.intake.door import Door
from services.intake.endpoints.door import CommunitySystem, Operator, TheDoor
from services.intake.known import Community, NoSuchCommunity

router = APIRouter()

KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]

LONGEST_OVERLAP = timedelta(days=90)
ELSEWHERE = frozenset({Scope.EVENTS, Scope.WEBHOOKS})
"""What a key opens at other services, which know no keys."""


class KeyForm(Form):
    scopes: list[Scope] = Field(default=[Scope.REPORT], min_length=1)


class NewKey(BaseModel):
    """Shown this once."""

    api_key: str
    scopes: list[Scope]


class Overlap(Form):
    overlap_hours: int = Field(default=24, ge=0, le=LONGEST_OVERLAP // timedelta(hours=1))
    """For so long the old key holds beside the new one; 0 ends it at once."""


class ReplacingKey(NewKey):
    old_ends_at: datetime


class Keys(BaseModel):
    keys: list[IssuedKey]


class AccessToken(BaseModel):
    """As OAuth 2.0 writes it (RFC 6749, section 5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the kind of token, no secret
    expires_in: int
    scope: str


@router.post("/communities/{community_id}/keys", status_code=201, operation_id="issue_key")
async def issue_key(door: TheDoor, operator: Operator, community_id: UUID, form: KeyForm) -> NewKey:
    """Another key, for another program or in place of a lost one. `history` may bring imported reports, `events` may
    read the community's events, `webhooks` may have an address told of them."""
    community = await within_reach(door, operator, community_id)
    async with door.service.worker.begin() as connection:
        key = await door.credentials.issue(connection, community.id, community.area, community.time_zone, form.scopes)
    return NewKey(api_key=key, scopes=form.scopes)


@router.get("/communities/{community_id}/keys", operation_id="read_keys")
async def read_keys(door: TheDoor, operator: Operator, community_id: UUID) -> Keys:
    """A community's keys, without their secrets: when they were made, last used and revoked, and when they end."""
    await within_reach(door, operator, community_id)
    async with scoped(door.service.application, operator.areas) as connection:
        return Keys(keys=await keys_of(connection, community_id))


@router.post("/communities/{community_id}/keys/{key_id}:replace", status_code=201, operation_id="replace_key")
async def replace_key(
    door: TheDoor, operator: Operator, community_id: UUID, key_id: KeyId, form: Overlap
) -> ReplacingKey:
    """A new key with the same scopes; the old one holds beside it until `old_ends_at`, so that nothing stands still.

    Replaced again, it ends when it was told before, or sooner.
    """
    await within_reach(door, operator, community_id)
    ends_at = now() + timedelta(hours=form.overlap_hours)
    try:
        replaced = await door.credentials.replace(community_id, key_id, ends_at)
    except KeyEnded:
        raise ProblemError(
            409,
            "key-ended",
            marked("This key holds no longer"),
            marked("Issue a new one, with the scopes that it needs."),
        ) from None
    if replaced is None:
        raise UnknownStream
    return ReplacingKey(api_key=replaced.key, scopes=replaced.scopes, old_ends_at=replaced.ends_at)


@router.post("/communities/{community_id}/keys/{key_id}:revoke", status_code=204, operation_id="revoke_key")
async def revoke_key(door: TheDoor, operator: Operator, community_id: UUID, key_id: KeyId) -> None:
    """Take a key back. Within seconds nobody can report with it; again changes nothing."""
    await within_reach(door, operator, community_id)
    if not await door.credentials.revoke(community_id, key_id):
        raise UnknownStream


@router.post("/keys:token", operation_id="token_for_key")
async def token_for_key(door: TheDoor, system: CommunitySystem) -> AccessToken:
    """For ten minutes a token in place of the key, for what other services have for a community's system.

    The key itself is shown to intake alone.
    """
    scopes = ELSEWHERE.intersection(system.scopes)
    if not scopes:
        raise Forbidden([f"a key with the scope {scope}" for scope in ELSEWHERE])
    token = door.system_tokens.issue(System(system.community, system.area, frozenset(scopes)))
    return AccessToken(access_token=token, expires_in=SYSTEM_TOKEN_SECONDS, scope=" ".join(sorted(scopes)))


async def within_reach(door: Door, operator: Staff, community_id: UUID) -> Community:
    """The community, if it lies in the operator's areas; raises NoSuchCommunity."""
    community = await door.communities.find(community_id)
    if community is None or not operator.may_see(community.area):
        raise NoSuchCommunity
    return community
