"""Communities' keys: what another program shows when it reports for its community."""

import hmac
import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis.auth import Forbidden, Unauthenticated
from services.chassis.clock import now
from services.chassis.fingerprints import Fingerprints

_REMEMBERED_SECONDS = 5.0
"""For so long a revoked key may still be taken."""


class Scope(StrEnum):
    REPORT = "report"
    HISTORY = "history"
    """May bring imported reports, with the time at which they happened."""
    EVENTS = "events"
    """May read the events of its community, at reporting."""
    WEBHOOKS = "webhooks"
    """May have its own address told of them, at reporting."""


@dataclass(frozen=True, slots=True)
class Credential:
    """The community that a key speaks for."""

    key_id: str
    community: UUID
    area: str
    clock: ZoneInfo
    scopes: frozenset[str]

    def require(self, scope: Scope) -> None:
        """Raises Forbidden."""
        if scope not in self.scopes:
            raise Forbidden([f"a key with the scope {scope}"])


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """What may be told of a key: never the key."""

    key_id: str
    scopes: list[Scope]
    created_at: datetime
    last_used_on: date | None
    """Nothing finer is kept, and nothing of where from."""
    ends_at: datetime | None
    """Since another took its place."""
    replaces: str | None
    """The key whose place it took."""
    revoked_at: datetime | None


class KeyEnded(Exception):
    """A key that was revoked or has ended is not replaced."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    until: float
    ends_at: datetime | None
    digest: bytes
    credential: Credential


class Credentials:
    """Issues keys and checks them. Only a keyed hash of a key is stored."""

    def __init__(self, worker: AsyncEngine, credentials: Fingerprints) -> None:
        self._worker = worker
        self._fingerprints = credentials
        self._remembered: dict[str, _Remembered] = {}

    async def issue(
        self,
        connection: AsyncConnection,
        community: UUID,
        area: str,
        time_zone: str,
        scopes: Collection[Scope],
        replaces: str | None = None,
    ) -> str:
        """A new key, shown this once: `dk_<id>_<secret>`."""
        key_id, secret = secrets.token_hex(6), secrets.token_hex(24)
        await connection.exec_driver_sql(
            "INSERT INTO community_key (key_id, community, area, time_zone, digest, scopes, replaces)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            (key_id, community, area, time_zone, self._digest(secret), sorted(scopes), replaces),
        )
        return f"dk_{key_id}_{secret}"

    async def replace(self, community: UUID, key_id: str, ends_at: datetime) -> "Replaced | None":
        """A new key of the same scopes beside the old one, which holds until `ends_at`, or until it ended before.

        None: the community has no such key.

        Raises:
            KeyEnded: see there.
        """
        async with self._worker.begin() as connection:
            found = await connection.exec_driver_sql(
                "SELECT area, time_zone, scopes, revoked_at IS NULL AND coalesce(ends_at > $3, true) AS holds,"
                " least(ends_at, $4) AS ends_at FROM community_key WHERE community = $1 AND key_id = $2 FOR UPDATE",
                (community, key_id, now(), ends_at),
            )
            old = found.one_or_none()
            if old is None:
                return None
            if not old.holds:
                raise KeyEnded
            scopes = [Scope(scope) for scope in old.scopes]
            key = await self.issue(connection, community, old.area, old.time_zone, scopes, key_id)
            await connection.exec_driver_sql(
                "UPDATE community_key SET ends_at = $2 WHERE key_id = $1", (key_id, old.ends_at)
            )
        self._remembered.pop(key_id, None)
        return Replaced(key, scopes, old.ends_at)

    async def revoke(self, community: UUID, key_id: str) -> bool:
        """Take a key back; whether the community has it. Again changes nothing."""
        async with self._worker.begin() as connection:
            revoked = await connection.exec_driver_sql(
                "UPDATE community_key SET revoked_at = coalesce(revoked_at, clock_timestamp())"
                " WHERE community = $1 AND key_id = $2",
                (community, key_id),
            )
        self._remembered.pop(key_id, None)
        return revoked.rowcount == 1

    async def check(self, key: str) -> Credential:
        """Whom the key speaks for.

        Raises:
            Unauthenticated: it is not a key of ours, or was revoked, or has ended.
        """
        prefix, _, rest = key.partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix != "dk" or not key_id or not secret or not key.isascii():
            raise Unauthenticated
        digest = self._digest(secret)
        known = self._remembered.get(key_id)
        if known is None or time.monotonic() > known.until:
            known = await self._look_up(key_id, digest)
        if known.ends_at is not None and now() >= known.ends_at:
            raise Unauthenticated
        if not hmac.compare_digest(known.digest, digest):
            raise Unauthenticated
        return known.credential

    async def _look_up(self, key_id: str, digest: bytes) -> _Remembered:
        async with self._worker.begin() as connection:
            found = await connection.exec_driver_sql(
                "SELECT community, area, time_zone, digest, scopes, last_used_on, ends_at FROM community_key"
                " WHERE key_id = $1 AND revoked_at IS NULL",
                (key_id,),
            )
            row = found.one_or_none()
            if row is None or not hmac.compare_digest(bytes(row.digest), digest):
                self._remembered.pop(key_id, None)
                raise Unauthenticated
            today = now().date()
            # One write a day, not one a request.
            if row.last_used_on != today:
                await connection.exec_driver_sql(
                    "UPDATE community_key SET last_used_on = $2 WHERE key_id = $1", (key_id, today)
                )
        scopes: Sequence[str] = row.scopes
        credential = Credential(key_id, row.community, row.area, ZoneInfo(row.time_zone), frozenset(scopes))
        entry = _Remembered(time.monotonic() + _REMEMBERED_SECONDS, row.ends_at, digest, credential)
        self._remembered[key_id] = entry
        return entry

    def _digest(self, secret: str) -> bytes:
        return self._fingerprints.digest("community key", secret.encode(), 32)


@dataclass(frozen=True, slots=True)
class Replaced:
    """A new key, shown this once, and when the old one ends."""

    key: str
    scopes: list[Scope]
    ends_at: datetime


async def has_key(connection: AsyncConnection, community: UUID) -> bool:
    found = await connection.exec_driver_sql("SELECT 1 FROM community_key WHERE community = $1 LIMIT 1", (community,))
    return found.first() is not None


async def keys_of(connection: AsyncConnection, community: UUID) -> list[IssuedKey]:
    """Those in the connection's scope, the newest first."""
    rows = await connection.exec_driver_sql(
        "SELECT key_id, scopes, created_at, last_used_on, ends_at, replaces, revoked_at FROM community_key"
        " WHERE community = $1 ORDER BY created_at DESC",
        (community,),
    )
    return [
        IssuedKey(
            row.key_id,
            [Scope(scope) for scope in row.scopes],
            row.created_at,
            row.last_used_on,
            row.ends_at,
            row.replaces,
            row.revoked_at,
        )
        for row in rows
    ]
