"""The cases of a community that anybody may read of, asked for by people whom nobody knows.

The connection's scope is the community's area, so that nothing of another one, and nothing that lies a level above, can
be found, whatever is asked for.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.read_models.case_status import TABLE, TOLD_TO_ANYBODY, StatusRow

_C = TABLE.c
_changed_at = func.greatest(
    _C.reported_at,
    _C.acknowledged_at,
    _C.dispatched_at,
    _C.resolved_at,
    _C.reopening_asked_at,
    _C.reopened_at,
    _C.confirmed_at,
    _C.closed_at,
    _C.withdrawn_at,
)
"""The last change that is told; what is null counts for nothing."""


async def these(
    connection: AsyncConnection, community: UUID, categories: Collection[str], case_ids: Sequence[UUID]
) -> list[StatusRow]:
    """Those of the cases that are there, the newest first."""
    query = _of(community, categories).where(_C.case_id.in_(case_ids))
    found = await connection.execute(query.order_by(_C.reported_at.desc(), _C.case_id.desc()))
    return [StatusRow(*row) for row in found]


async def reported_between(
    connection: AsyncConnection, community: UUID, categories: Collection[str], since: datetime, until: datetime
) -> AsyncGenerator[StatusRow]:
    """The newest first. Whoever has enough stops reading."""
    query = _of(community, categories).where(_C.reported_at.between(since, until))
    found = await connection.stream(query.order_by(_C.reported_at.desc(), _C.case_id.desc()))
    try:
        async for row in found:
            yield StatusRow(*row)
    finally:
        await found.close()


async def changed_between(
    connection: AsyncConnection,
    community: UUID,
    categories: Collection[str],
    since: datetime,
    until: datetime,
    most: int,
) -> list[StatusRow]:
    """Those with a change in that time, or before it and after it; the one that changed last stands first."""
    query = _of(community, categories).where(_C.reported_at <= until, _changed_at >= since)
    found = await connection.execute(query.order_by(_changed_at.desc(), _C.case_id.desc()).limit(most))
    return [StatusRow(*row) for row in found]


def _of(community: UUID, categories: Collection[str]) -> Select[*tuple[object, ...]]:
    return select(TABLE).where(_C.community == community, TOLD_TO_ANYBODY, _C.category.in_(categories))
