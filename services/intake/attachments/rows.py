"""What intake's database is told of photos, and asked: each statement by its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS = "ref, at, bytes, width, height"


@dataclass(frozen=True, slots=True)
class Photo:
    """`bytes`, `width` and `height` are of the picture as it is kept."""

    ref: UUID
    at: datetime
    bytes: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Owner:
    """What a photo belongs to: a case, or a draft until `expires_at`."""

    stream_id: UUID | None = None
    area: str | None = None
    draft: UUID | None = None
    expires_at: datetime | None = None

    @property
    def id(self) -> UUID:
        found = self.stream_id or self.draft
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Stored:
    """A photo with where its pictures lie."""

    photo: Photo
    fingerprint: bytes
    key_id: int
    names: tuple[str, str]
    """The photo's, and its thumbnail's."""


OF = f"SELECT {_COLUMNS} FROM attachment WHERE stream_id = $1 OR draft = $1 ORDER BY ref"
SAME = f"SELECT {_COLUMNS} FROM attachment WHERE (stream_id = $1 OR draft = $1) AND fingerprint = $2"
OF_CASE = f"SELECT {_COLUMNS} FROM attachment WHERE stream_id = $1 AND area ^@ ANY ($2::text[]) ORDER BY ref"
KEEP = (
    "INSERT INTO attachment (ref, at, bytes, width, height, fingerprint, key_id, photo, thumbnail,"
    " stream_id, area, draft, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
)
AWAITED = "UPDATE attachment SET expires_at = greatest(expires_at, $2) WHERE draft = $1"
SENDING = "UPDATE attachment SET sent_as = $2, expires_at = greatest(expires_at, $3) WHERE draft = $1"
SENT = (
    "SELECT DISTINCT c.stream_id FROM attachment a JOIN command c ON c.key = a.sent_as"
    " WHERE a.draft IS NOT NULL AND c.refusal IS NULL"
)
TAKE = (
    "UPDATE attachment a SET stream_id = s.stream_id, area = s.area, draft = NULL, expires_at = NULL, sent_as = NULL"
    " FROM command c JOIN stream s ON s.stream_id = c.stream_id"
    " WHERE a.draft IS NOT NULL AND c.key = a.sent_as AND c.refusal IS NULL AND s.stream_id = ANY ($1::uuid[])"
    "  AND NOT EXISTS (SELECT FROM erased e WHERE e.case_id = s.stream_id)"
    "  AND NOT EXISTS (SELECT FROM attachment o WHERE o.stream_id = s.stream_id AND o.fingerprint = a.fingerprint)"
)
IS_ERASED = "SELECT EXISTS (SELECT FROM erased WHERE case_id = $1)"
IN_DRAFTS = "SELECT coalesce(sum(bytes), 0)::bigint FROM attachment WHERE draft IS NOT NULL"
_DOOM_AT_ONCE = (
    "WITH gone AS (DELETE FROM attachment WHERE {} RETURNING photo, thumbnail)"
    " INSERT INTO doomed_blob (name, due_at) SELECT unnest(ARRAY[photo, thumbnail]), 'epoch' FROM gone"
)
ERASE = _DOOM_AT_ONCE.format("stream_id = $1")
NAMED = "SELECT photo FROM attachment WHERE (stream_id = $1 OR draft = $1) AND ref = $2"
REMOVE = _DOOM_AT_ONCE.format("(stream_id = $1 OR draft = $1) AND ref = $2")
FORGET = _DOOM_AT_ONCE.format("photo IN (SELECT unnest($1::text[]))")
EXPIRE = _DOOM_AT_ONCE.format("draft IS NOT NULL AND expires_at <= $1")
DOOM = "INSERT INTO doomed_blob (name, due_at) SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING"
SPARE = "DELETE FROM doomed_blob WHERE name = ANY ($1::text[])"
DUE = "SELECT name FROM doomed_blob WHERE due_at <= $1 ORDER BY due_at LIMIT 200 FOR UPDATE SKIP LOCKED"
OWN = "SELECT key_id, photo, thumbnail FROM attachment WHERE ref = $1"
OPEN = "SELECT * FROM open_attachment($1, $2, $3, $4, $5)"


async def of(connection: AsyncConnection, owner: UUID) -> list[Photo]:
    """Those of a case or a draft, the earliest first."""
    return [Photo(*row) for row in await connection.exec_driver_sql(OF, (owner,))]


async def same(connection: AsyncConnection, owner: UUID, fingerprint: bytes) -> Photo | None:
    row = (await connection.exec_driver_sql(SAME, (owner, fingerprint))).one_or_none()
    return Photo(*row) if row else None


async def of_case(connection: AsyncConnection, case_id: UUID, areas: Sequence[str]) -> list[Photo]:
    """Those of a case in these areas, the earliest first."""
    return [Photo(*row) for row in await connection.exec_driver_sql(OF_CASE, (case_id, list(areas)))]


async def keep(connection: AsyncConnection, owner: Owner, stored: Stored) -> bool:
    """False: a sweep has taken the pictures meanwhile. With the row they are no longer doomed."""
    spared = await connection.exec_driver_sql(SPARE, (list(stored.names),))
    if spared.rowcount < len(set(stored.names)):
        return False
    photo = stored.photo
    await connection.exec_driver_sql(
        KEEP,
        (
            *(photo.ref, photo.at, photo.bytes, photo.width, photo.height),
            *(stored.fingerprint, stored.key_id, *stored.names),
            *(owner.stream_id, owner.area, owner.draft, owner.expires_at),
        ),
    )
    if owner.draft is not None:
        await connection.exec_driver_sql(AWAITED, (owner.draft, owner.expires_at))
    return True


async def erase(connection: AsyncConnection, case_id: UUID) -> int:
    """Delete the photos of a case; the pictures go with the next sweep."""
    return (await connection.exec_driver_sql(ERASE, (case_id,))).rowcount
