"""Who is signed in to one service's pages: a row for each, found by the digest of what the cookie holds."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis.auth import Staff
from services.chassis.clock import now

SHIFT = timedelta(hours=12)
"""A session ends after this, whatever happens."""
IDLE = timedelta(hours=2)
"""It ends after this long unused."""
CONFIRM = timedelta(minutes=5)
"""After this its provider is asked again whether, and as what, somebody may be here."""
_TOUCH = timedelta(minutes=1)
"""Its last use is not written more often than this."""


class SignedOutSince(Exception):
    """Whoever comes signed out everywhere after they proved to the provider who they are: they have to do it again."""


class Tokens(BaseModel):
    """The provider's, of one sign-in. An ID token says there whose sign-in is to end; a refresh token is for asking."""

    id: str
    refresh: str = ""


@dataclass(frozen=True, slots=True)
class Proven:
    """What the provider said of somebody. `subject` and `session` are keyed digests of its names for them.

    `since` is when they last proved to it who they are.
    """

    subject: bytes
    session: bytes | None
    since: datetime
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Ending:
    """Whose sessions end: a digest of `subject` or of `session` at the provider. `token` counts once, until `until`."""

    token: bytes
    subject: bytes | None
    session: bytes | None
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in. `csrf` goes into this session's forms and no other's.

    `due` says that it is time to ask the provider again.
    """

    staff: Staff
    csrf: str
    due: bool


class Sessions:
    """The sessions of one service; another service's cookie means nothing here."""

    def __init__(self, service: str, worker: AsyncEngine) -> None:
        self.cookie = f"__Host-doorstep-{service}"
        self._worker = worker

    async def begin(self, staff: Staff, proven: Proven | None = None) -> str:
        """Keep a new session; what its cookie holds is nowhere else. Rows whose time is over go on this occasion.

        Raises:
            SignedOutSince: whoever it is, or their sign-in at the provider, was signed out meanwhile.
        """
        key, at = secrets.token_urlsafe(32), now()
        async with self._worker.begin() as connection:
            await _one_at_a_time(connection)
            await connection.exec_driver_sql(
                "DELETE FROM session WHERE expires_at <= $1 OR last_used_at <= $2", (at, at - IDLE)
            )
            await connection.exec_driver_sql("DELETE FROM signed_out WHERE until <= $1", (at,))
            if proven and await _is_over(connection, staff, proven):
                raise SignedOutSince
            await connection.exec_driver_sql(
                "INSERT INTO session (digest, subject, roles, areas, csrf, expires_at, last_used_at, confirmed_at,"
                " provider_subject, provider_session, sealed)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10)",
                (
                    _digest(key),
                    staff.id,
                    sorted(staff.roles),
                    list(staff.areas),
                    secrets.token_urlsafe(32),
                    at + SHIFT,
                    at,
                    proven.subject if proven else None,
                    proven.session if proven else None,
                    _seal(key, proven.tokens) if proven else None,
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
                "SELECT subject, roles, areas, csrf, last_used_at, confirmed_at, sealed FROM session"
                " WHERE digest = $1 AND expires_at > $2 AND last_used_at > $3",
                (_digest(key), at, at - IDLE),
            )
            if (row := found.one_or_none()) is None:
                return None
            if row.last_used_at < at - _TOUCH:
                await connection.exec_driver_sql(
                    "UPDATE session SET last_used_at = $2 WHERE digest = $1", (_digest(key), at)
                )
        due = bool(row.sealed) and row.confirmed_at < at - CONFIRM
        return Session(Staff(row.subject, frozenset(row.roles), tuple(row.areas)), row.csrf, due)

    async def claim(self, key: str) -> Tokens | None:
        """The tokens to ask the provider with: of all whose session is due, one alone is given them, and has to ask."""
        at = now()
        async with self._worker.begin() as connection:
            found = await connection.exec_driver_sql(
                "UPDATE session SET confirmed_at = $2 WHERE digest = $1 AND confirmed_at < $3 RETURNING sealed",
                (_digest(key), at, at - CONFIRM),
            )
            sealed = found.scalar_one_or_none()
        tokens = _opened(key, sealed) if sealed else None
        return tokens if tokens and tokens.refresh else None

    async def confirm(self, key: str, staff: Staff, tokens: Tokens) -> None:
        """Keep what the provider says of somebody now."""
        async with self._worker.begin() as connection:
            await connection.exec_driver_sql(
                "UPDATE session SET roles = $2, areas = $3, sealed = $4 WHERE digest = $1",
                (_digest(key), sorted(staff.roles), list(staff.areas), _seal(key, tokens)),
            )

    async def tokens(self, key: str) -> Tokens | None:
        """The provider's tokens of a session, if it came from one."""
        async with self._worker.connect() as connection:
            found = await connection.exec_driver_sql("SELECT sealed FROM session WHERE digest = $1", (_digest(key),))
            sealed = found.scalar_one_or_none()
        return _opened(key, sealed) if sealed else None

    async def end(self, key: str) -> None:
        async with self._worker.begin() as connection:
            await connection.exec_driver_sql("DELETE FROM session WHERE digest = $1", (_digest(key),))

    async def end_at_provider(self, ending: Ending) -> None:
        """End what the provider says has ended; a session of its own alone, if it names one. Told again, it is done."""
        column = "provider_session" if ending.session else "provider_subject"
        who = ending.session or ending.subject
        assert who is not None
        async with self._worker.begin() as connection:
            if await _told(connection, ending.token, who, ending.at, ending.until):
                await connection.exec_driver_sql(f"DELETE FROM session WHERE {column} = $1", (who,))

    async def end_everywhere(self, staff_id: str) -> None:
        """End every session of a member of staff; without new proof of who they are, no other begins for a shift."""
        at = now()
        async with self._worker.begin() as connection:
            await _told(connection, secrets.token_bytes(16), _by_name(staff_id), at, at + SHIFT)
            await connection.exec_driver_sql("DELETE FROM session WHERE subject = $1", (staff_id,))


async def _told(connection: AsyncConnection, token: bytes, who: bytes, at: datetime, until: datetime) -> bool:
    """Remember it; whether it was news."""
    await _one_at_a_time(connection)
    kept = await connection.exec_driver_sql(
        "INSERT INTO signed_out (token, who, at, until) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        (token, who, at, until),
    )
    return kept.rowcount == 1


async def _is_over(connection: AsyncConnection, staff: Staff, proven: Proven) -> bool:
    found = await connection.exec_driver_sql(
        "SELECT 1 FROM signed_out WHERE who = $1 OR (who = ANY($2) AND at > $3) LIMIT 1",
        (proven.session, [proven.subject, _by_name(staff.id)], proven.since),
    )
    return found.one_or_none() is not None


async def _one_at_a_time(connection: AsyncConnection) -> None:
    """Or a sign-in could begin beside the sign-out that was to end it, neither seeing the other."""
    await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('sign-in'))")


def _digest(key: str) -> bytes:
    """A digest is enough: the key is 256 random bits."""
    return hashlib.sha256(key.encode()).digest()


def _by_name(staff_id: str) -> bytes:
    """Nothing is hidden by it: the pseudonym stands beside it in every session."""
    return hashlib.sha256(b"staff " + staff_id.encode()).digest()


def _sealing(key: str) -> OctKey:
    return OctKey.import_key(hashlib.blake2b(key.encode(), digest_size=32, person=b"tokens").digest())


def _seal(key: str, tokens: Tokens) -> str:
    return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, tokens.model_dump_json(), _sealing(key))


def _opened(key: str, sealed: str) -> Tokens | None:
    try:
        opened = jwe.decrypt_compact(sealed, _sealing(key), algorithms=["dir", "A256GCM"])
        return Tokens.model_validate_json(opened.plaintext or b"")
    except (JoseError, ValidationError, ValueError, TypeError):
        return None
