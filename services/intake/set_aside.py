"""Reports whose reference came before with other content: kept, sealed, for people to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.eventstore import Sealed, StoreUnavailable
from services.chassis.particulars import Vault
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


KEEP = (
    "INSERT INTO set_aside (ref, case_id, community, area, reference, fingerprint, key_id, sealed)"
    " SELECT c.ref, c.case_id, $1, $2, c.reference, c.fingerprint, c.key_id, c.sealed"
    " FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::bytea[], $7::smallint[], $8::bytea[])"
    " AS c (ref, case_id, reference, fingerprint, key_id, sealed)"
    " WHERE NOT EXISTS (SELECT 1 FROM erased WHERE erased.case_id = c.case_id)"
    " ON CONFLICT (case_id, fingerprint) DO NOTHING"
)
HOLD = "SELECT pg_advisory_xact_lock(hashtextextended(id::text, 0)) FROM unnest($1::uuid[]) AS held (id)"


async def keep(service: Service, system: Credential, conflicts: Sequence[Aside]) -> None:
    """Keep each once, however often it comes, unless its case was erased.

    Raises:
        StoreUnavailable: none was kept.
    """
    sealed = [service.vault.seal_json(one.ref, one.content) for one in conflicts]
    try:
        async with service.worker.begin() as connection:
            await hold(connection, [one.case_id for one in conflicts])
            await connection.exec_driver_sql(
                KEEP,
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


async def hold(connection: AsyncConnection, case_ids: Sequence[UUID]) -> None:
    """Keep an erasure of these cases, and whatever would outlive it, apart until this transaction ends."""
    # In one order, so that two that hold several never wait for each other; and no append waits for either.
    await connection.exec_driver_sql(
        HOLD,
        (sorted(set(case_ids)),),
    )


async def conflicts_of(
    connection: AsyncConnection, areas: Sequence[str], after: UUID | None, limit: int
) -> list[Conflict]:
    """Those in these areas, oldest first."""
    rows = await connection.exec_driver_sql(
        "SELECT ref, case_id, community, reference, at FROM set_aside WHERE area ^@ ANY ($1::text[])"
        " AND ref > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid) ORDER BY ref LIMIT $3",
        (list(areas), after, limit),
    )
    return [Conflict(*row) for row in rows]


async def open_content(
    connection: AsyncConnection, vault: Vault, areas: Sequence[str], ref: UUID, *, actor: str, role: str, purpose: str
) -> dict[str, Any] | None:
    """The line as it came, if it is there; the look is recorded with those at its case.

    Raises:
        Unopenable: see particulars.
    """
    opened = await connection.exec_driver_sql(
        "SELECT case_id, key_id, sealed FROM set_aside WHERE ref = $1 AND area ^@ ANY ($2::text[])", (ref, list(areas))
    )
    row = opened.one_or_none()
    if row is None:
        return None
    await connection.exec_driver_sql(
        "INSERT INTO particulars_access (stream_id, ref, actor, role, purpose) VALUES ($1, $2, $3, $4, $5)",
        (row.case_id, ref, actor, role, purpose),
    )
    return vault.open(Sealed(ref, row.key_id, row.sealed))
