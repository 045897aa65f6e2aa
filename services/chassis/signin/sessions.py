"""Who is signed in to one service's pages: a row for each, found by the digest of what the cookie holds."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis.auth import Staff
from services.chassis.clock import now

SHIFT = timedelta(hours=12)
"""A session ends after this, whatever happens: roles and areas are as old as the sign-in."""
IDLE = timedelta(hours=2)
"""It ends after this long unused."""
_TOUCH = timedelta(minutes=1)
"""Its last use is not written more often than this."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in. `csrf` goes into this session's forms and no other's."""

    staff: Staff
    csrf: str


class Sessions:
    """The sessions of one service; another service's cookie means nothing here."""

    def __init__(self, service: str, worker: AsyncEngine) -> None:
        self.cookie = f"__Host-doorstep-{service}"
        self._worker = worker

    async def begin(self, staff: Staff) -> str:
        """Keep a new session; what its cookie holds is nowhere else. Rows whose time is over go on this occasion."""
        key, at = secrets.token_urlsafe(32), now()
        async with self._worker.begin() as connection:
            await connection.exec_driver_sql(
                "DELETE FROM session WHERE expires_at <= $1 OR last_used_at <= $2", (at, at - IDLE)
            )
            await connection.exec_driver_sql(
                "INSERT INTO session (digest, subject, roles, areas, csrf, expires_at, last_used_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                (
                    _digest(key),
                    staff.id,
                    sorted(staff.roles),
                    list(staff.areas),
                    secrets.token_urlsafe(32),
                    at + SHIFT,
                    at,
                ),
            )
        return key

    async def find(self, key: str) -> Session | None:
        """The session of a cookie, unless it is over."""
        if not key:
            return None
        at = now()
        async with self._worker.begin() as connection:
            found = await connection.exec_driver_sql(
                "SELECT subject, roles, areas, csrf, last_used_at FROM session"
                " WHERE digest = $1 AND expires_at > $2 AND last_used_at > $3",
                (_digest(key), at, at - IDLE),
            )
            if (row := found.one_or_none()) is None:
                return None
            if row.last_used_at < at - _TOUCH:
                await connection.exec_driver_sql(
                    "UPDATE session SET last_used_at = $2 WHERE digest = $1", (_digest(key), at)
                )
        return Session(Staff(row.subject, frozenset(row.roles), tuple(row.areas)), row.csrf)

    async def end(self, key: str) -> None:
        async with self._worker.begin() as connection:
            await connection.exec_driver_sql("DELETE FROM session WHERE digest = $1", (_digest(key),))


def _digest(key: str) -> bytes:
    """A digest is enough: the key is 256 random bits."""
    return hashlib.sha256(key.encode()).digest()
