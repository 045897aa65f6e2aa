"""The webhooks as they lie in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.eventstore import Sealed
from services.reporting.reading import Reader

_TOLD = (
    "webhook_id, area, url, types, position, created_at, told_at, failures, failing_since, last_failure, disabled_at,"
    " old_until"
)
OF_READER = f"SELECT {_TOLD} FROM webhook WHERE $1::uuid IS NULL OR community = $1 ORDER BY created_at, webhook_id"
ONE = f"SELECT {_TOLD} FROM webhook WHERE webhook_id = $1 AND ($2::uuid IS NULL OR community = $2)"
ADD = (
    "INSERT INTO webhook (webhook_id, area, community, url, types, key_id, sealed, position)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
)
REMOVE = "DELETE FROM webhook WHERE webhook_id = $1"
SIGN_ANEW = (
    "UPDATE webhook SET old_key_id = key_id, old_sealed = sealed, old_until = $4, key_id = $2, sealed = $3"
    " WHERE webhook_id = $1"
)
RESUME = (
    "UPDATE webhook SET disabled_at = NULL, failures = 0, failing_since = NULL, next_attempt_at = $2"
    " WHERE webhook_id = $1"
)

DUE = (
    "SELECT webhook_id, webhook.position, log.position AS head FROM webhook, public_log log"
    " WHERE disabled_at IS NULL AND next_attempt_at <= $1 AND webhook.position < log.position ORDER BY webhook_id"
)
SERVED = (
    "SELECT area, url, types, position, key_id, sealed, old_key_id, old_sealed, old_until"
    " FROM webhook WHERE webhook_id = $1 AND disabled_at IS NULL"
)
ADVANCE = "UPDATE webhook SET position = $2 WHERE webhook_id = $1 AND position < $2"
TOLD = (
    "UPDATE webhook SET position = $2, told_at = $3, failures = 0, failing_since = NULL, last_failure = NULL,"
    " next_attempt_at = $3 WHERE webhook_id = $1 AND position < $2 AND disabled_at IS NULL"
)
FAILING = "SELECT failures, failing_since FROM webhook WHERE webhook_id = $1 AND disabled_at IS NULL"
FAILED = (
    "UPDATE webhook SET failures = failures + 1, failing_since = coalesce(failing_since, $2), last_failure = $3,"
    " next_attempt_at = $4, disabled_at = $5 WHERE webhook_id = $1 AND disabled_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Webhook:
    """What its owner is told of it: never its secret."""

    webhook_id: UUID
    area: str
    url: str
    types: Sequence[str] | None
    position: int
    created_at: datetime
    told_at: datetime | None
    failures: int
    failing_since: datetime | None
    last_failure: str | None
    disabled_at: datetime | None
    old_until: datetime | None


async def webhooks_of(connection: AsyncConnection, reader: Reader) -> list[Webhook]:
    """Those in the connection's scope; of a system its own community's."""
    rows = await connection.exec_driver_sql(OF_READER, (reader.community,))
    return [Webhook(*row) for row in rows]


async def webhook_of(connection: AsyncConnection, reader: Reader, webhook_id: UUID) -> Webhook | None:
    row = (await connection.exec_driver_sql(ONE, (webhook_id, reader.community))).one_or_none()
    return Webhook(*row) if row else None


def secrets_of(webhook_id: UUID, row: Any, at: datetime) -> list[Sealed]:
    """What signs, the newest first: the old secret signs beside the new one for as long as was told."""
    sealed = [Sealed(webhook_id, row.key_id, bytes(row.sealed))]
    if row.old_until is not None and at < row.old_until:
        sealed.append(Sealed(webhook_id, row.old_key_id, bytes(row.old_sealed)))
    return sealed
