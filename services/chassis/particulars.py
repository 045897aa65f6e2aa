"""What identifies people: sealed in one table of the service that took it, never opened without a record."""

import os
from base64 import b64decode
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.eventstore import Sealed

_NONCE = 12

OPEN = "SELECT * FROM open_particulars($1::uuid[], $2, $3, $4)"
ERASE = "DELETE FROM particulars WHERE stream_id = $1"


class Unopenable(Exception):
    """The row was sealed under a key that this service does not have, or it was tampered with."""


class Vault:
    """AES-256-GCM with the row's id and key id as associated data, so that no row can pass for another."""

    def __init__(self, keys: str) -> None:
        """`keys` is `id:base64,…`; the last one seals, all open. So keys rotate."""
        pairs = [pair.split(":", 1) for pair in keys.split(",")]
        self._ciphers = {int(key_id): AESGCM(b64decode(key)) for key_id, key in pairs}
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
    """Open those of `refs` that the connection's scope may see; each look is recorded before anything is answered.

    Raises:
        Unopenable: see there.
    """
    rows = await connection.exec_driver_sql(OPEN, (list(refs), actor, role, purpose))
    return {row.ref: vault.open(Sealed(row.ref, row.key_id, row.sealed)) for row in rows}


async def erase(connection: AsyncConnection, stream_id: UUID) -> int:
    """Delete every particular of a case; how many there were. The caller appends `case.erased`."""
    deleted = await connection.exec_driver_sql(ERASE, (stream_id,))
    return deleted.rowcount


def _bound_to(ref: UUID, key_id: int) -> bytes:
    return ref.bytes + key_id.to_bytes(2)
