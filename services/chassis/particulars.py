"""What identifies people: sealed in one table of the service that took it, never opened without a record."""

import os
from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.eventstore import Sealed

_NONCE = 12

OPEN = "SELECT * FROM open_particulars($1::uuid[], $2, $3, $4)"
ERASE = "DELETE FROM particulars WHERE stream_id = $1"

SEALED = "SELECT ref, key_id, sealed FROM particulars WHERE ref = ANY($1::uuid[]) FOR UPDATE"
RESEAL = "UPDATE particulars SET key_id = $2, sealed = $3 WHERE ref = $1"

NOTE_LOOK = "INSERT INTO particulars_access (stream_id, ref, actor, role, purpose) VALUES ($1, $1, $2, $3, $4)"
"""Of a case itself, under its own id."""

RESIDENT, BY_RECEIPT = "resident", "receipt"
"""The role and the purpose of whoever reads their own case by its receipt."""

LOOKS = (
    "SELECT max(at) AS at, actor, role, purpose FROM particulars_access WHERE stream_id = $1"
    # Whoever looks at their own case has each page of it before them: that is not news to them.
    f" AND NOT (role = '{RESIDENT}' AND purpose = '{BY_RECEIPT}')"
    " GROUP BY actor, role, purpose, date_trunc('minute', at) ORDER BY 1 DESC LIMIT $2"
)
MOST_LOOKS = 500


class Unopenable(Exception):
    """The row was sealed under a key that this service does not have, or it was tampered with."""


class Look(NamedTuple):
    """Somebody opened a case, or what was written in it; what one person opens within a minute is one look."""

    at: datetime
    actor: str
    role: str
    purpose: str


class Vault:
    """AES-256-GCM with the row's id and key id as associated data, so that no row can pass for another."""

    def __init__(self, keys: str) -> None:
        """`keys` is `id:base64,…`; the last one seals, all open. So keys rotate.

        Raises:
            ValueError: they are not, and the message quotes none of them.
        """
        pairs = [pair.split(":", 1) for pair in keys.split(",")]
        try:
            self._ciphers = {int(key_id): AESGCM(b64decode(key)) for key_id, key in pairs}
        except ValueError:
            raise ValueError("DOORSTEP_PARTICULARS_KEYS must be id:base64,id:base64 with keys of 32 bytes") from None
        self._sealing = int(pairs[-1][0])

    def seal(self, ref: UUID, content: dict[str, Any]) -> Sealed:
        return self.seal_json(ref, orjson.dumps(content))

    def seal_json(self, ref: UUID, content: bytes) -> Sealed:
        """Seal what is already JSON."""
        return self.seal_bytes(ref, content)

    def seal_bytes(self, ref: UUID, content: bytes, part: bytes = b"") -> Sealed:
        """Seal anything. `part` keeps apart what is sealed under one `ref`."""
        nonce = os.urandom(_NONCE)
        body = nonce + self._ciphers[self._sealing].encrypt(nonce, content, _bound_to(ref, self._sealing) + part)
        return Sealed(ref, self._sealing, body)

    def open(self, sealed: Sealed) -> dict[str, Any]:
        """The particulars.

        Raises:
            Unopenable: see there.
        """
        return orjson.loads(self.open_bytes(sealed))

    def open_bytes(self, sealed: Sealed, part: bytes = b"") -> bytes:
        """What `seal_bytes` sealed.

        Raises:
            Unopenable: see there.
        """
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise Unopenable
        nonce, body = sealed.body[:_NONCE], sealed.body[_NONCE:]
        try:
            return cipher.decrypt(nonce, body, _bound_to(sealed.ref, sealed.key_id) + part)
        except InvalidTag:
            raise Unopenable from None


async def read(
    connection: AsyncConnection, vault: Vault, refs: Sequence[UUID], *, actor: str, role: str, purpose: str
) -> dict[UUID, dict[str, Any]]:
    """Open those of `refs` that the connection's scope may see, in their order; each look is recorded before anything
    is answered.

    Raises:
        Unopenable: see there.
    """
    rows = await connection.exec_driver_sql(OPEN, (list(refs), actor, role, purpose))
    found = {row.ref: Sealed(row.ref, row.key_id, row.sealed) for row in rows}
    return {ref: vault.open(found[ref]) for ref in refs if ref in found}


async def note_look(connection: AsyncConnection, case_id: UUID, *, actor: str, role: str, purpose: str) -> None:
    """Record that somebody opens a case, whether anything is written in it or not; before they are answered."""
    await connection.exec_driver_sql(NOTE_LOOK, (case_id, actor, role, purpose))


async def looks(connection: AsyncConnection, case_id: UUID) -> list[Look]:
    """Who opened the case here, the newest first."""
    found = await connection.exec_driver_sql(LOOKS, (case_id, MOST_LOOKS))
    return [Look(*row) for row in found]


async def reseal(
    connection: AsyncConnection, vault: Vault, refs: Sequence[UUID], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Change what is held under `refs` in place, where `change` makes something else of it. Nobody looks at it."""
    for row in (await connection.exec_driver_sql(SEALED, (list(refs),))).all():
        before = vault.open(Sealed(row.ref, row.key_id, row.sealed))
        after = change(before)
        if after != before:
            sealed = vault.seal(row.ref, after)
            await connection.exec_driver_sql(RESEAL, (sealed.ref, sealed.key_id, sealed.body))


async def erase(connection: AsyncConnection, stream_id: UUID) -> int:
    """Delete every particular of a case; how many there were. The caller appends `case.erased`."""
    deleted = await connection.exec_driver_sql(ERASE, (stream_id,))
    return deleted.rowcount


def _bound_to(ref: UUID, key_id: int) -> bytes:
    return ref.bytes + key_id.to_bytes(2)
