"""Reports whose reference came before with other content: kept, sealed, for people to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.eventstore import StoreUnavailable
from services.chassis.passing import passes
from services.chassis.service import Service
from services.intake.credentials import Credential


@dataclass(frozen=True, slots=True)
class Aside:
    """`content` is the line as it came, JSON; `case_id` is the case that its reference belongs to."""

    ref: UUID
    case_id: UUID
    reference: str
    fingerprint: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Conflict:
    ref: UUID
    case_id: UUID
    community: UUID
    reference: str
    at: datetime


async def keep(service: Service, system: Credential, conflicts: Sequence[Aside]) -> None:
    """Keep each once, however often it comes.

    Raises:
        StoreUnavailable: none was kept.
    """
    sealed = [service.vault.seal_json(one.ref, one.content) for one in conflicts]
    try:
        async with service.worker.begin() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO set_aside (ref, case_id, community, area, reference, fingerprint, key_id, sealed)"
                " SELECT c.ref, c.case_id, $1, $2, c.reference, c.fingerprint, c.key_id, c.sealed"
                " FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::bytea[], $7::smallint[], $8::bytea[])"
                " AS c (ref, case_id, reference, fingerprint, key_id, sealed)"
                " ON CONFLICT (case_id, fingerprint) DO NOTHING",
                (
                    system.community,
                    system.area,
                    [one.ref for one in conflicts],
                    [one.case_id for one in conflicts],
                    [one.reference for one in conflicts],
                    [one.fingerprint for one in conflicts],
                    [one.key_id for one in sealed],
                    [one.body for one in sealed],
                ),
            )
    except Exception as error:
        if passes(error):
            raise StoreUnavailable from error
        raise


async def conflicts_of(connection: AsyncConnection, after: UUID | None, limit: int) -> list[Conflict]:
    """Those in the connection's scope, oldest first."""
    rows = await connection.exec_driver_sql(
        "SELECT ref, case_id, community, reference, at FROM set_aside"
        " WHERE ref > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid) ORDER BY ref LIMIT $2",
        (after, limit),
    )
    return [Conflict(*row) for row in rows]
