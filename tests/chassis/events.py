"""Events for consumers under test, and a handler whose effects can be counted in the database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.postgres import Dsns
from services.chassis.held import KeptRecord
from services.chassis.taken import Taken
from services.contracts.envelope import Recorded, to_headers
from services.contracts.topics import CASES

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def withdrawn(stream: UUID, version: int) -> Recorded:
    return Recorded(
        source="intake",
        stream_id=stream,
        version=version,
        position=version,
        type="case.withdrawn",
        schema_version=1,
        area="/lakeside/",
        data=b"{}",
        occurred_at=AT,
        recorded_at=AT,
        command_key=f"{stream}:{version}",
        fingerprint=b"a fingerprint",
        actor="resident",
    )


def record(recorded: Recorded) -> KeptRecord:
    key = str(recorded.stream_id).encode()
    return KeptRecord(CASES, 0, 0, int(AT.timestamp() * 1000), key, to_headers(recorded), recorded.data)


async def effects_table(database: Dsns) -> None:
    """Every effect is a row: one too many or one too few is seen."""
    owner = await asyncpg.connect(database.owner)
    await owner.execute(
        "CREATE TABLE effect (nth bigint GENERATED ALWAYS AS IDENTITY, stream_id uuid, version integer);"
        "GRANT SELECT, INSERT ON effect TO chassis_worker"
    )
    await owner.close()


async def remembering(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
    await connection.exec_driver_sql(
        "INSERT INTO effect (stream_id, version) SELECT * FROM unnest($1::uuid[], $2::integer[])",
        ([t.recorded.stream_id for t in taken], [t.recorded.version for t in taken]),
    )


async def effects(worker: AsyncEngine, stream: UUID) -> list[int]:
    """The versions of a stream that took effect, in the order they did."""
    async with worker.connect() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT version FROM effect WHERE stream_id = $1 ORDER BY nth", (stream,)
        )
        return [row.version for row in rows]
