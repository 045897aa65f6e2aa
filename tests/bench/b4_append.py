"""B4: sixteen callers through the committer, against sixteen connections that call a bare insert function."""

import asyncio
from datetime import UTC, date, datetime
from uuid import uuid4

import asyncpg

from services.chassis.database import engine
from services.chassis.eventstore import Append, EventStore, NewEvent
from services.chassis.ids import new_id
from services.contracts.cases import CaseReported, Channel, Kind, Urgency
from services.contracts.event import StreamKind
from tests.bench.measure import Measured, Result, measured
from tests.bench.servers import Servers

CALLERS = 16
EACH = 400

_BARE = """
CREATE TABLE bare_event (LIKE event INCLUDING INDEXES);
CREATE SEQUENCE bare_position;
CREATE FUNCTION bare_insert(stream uuid, body text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO bare_event (position, stream_id, version, type, schema_version, area, actor, command_key, fingerprint,
        occurred_at, recorded_at, data)
    VALUES (nextval('bare_position'), stream, 1, 'case.reported', 1, '/bench/', 'resident', '', '',
        clock_timestamp(), clock_timestamp(), body::json)
    RETURNING position
$$;
"""


def an_event() -> CaseReported:
    return CaseReported(
        community=uuid4(),
        kind=Kind.FAULT,
        category="water-leak",
        urgency=Urgency.ORDINARY,
        channel=Channel.WEB,
        reported_on=date(2026, 3, 1),
        particulars=uuid4(),
    )


async def run(servers: Servers) -> Result:
    dsns = await servers.chassis_database()
    body = an_event().model_dump_json()
    bare = await _bare(servers, dsns.owner, body)

    application, worker = engine(dsns.application, "bench"), engine(dsns.worker, "bench")
    async with EventStore("chassis", application, worker).open() as store:

        async def caller() -> None:
            for _ in range(EACH):
                event = NewEvent.of(an_event(), datetime.now(UTC))
                await store.append(
                    [Append(new_id(), StreamKind.CASE, "/bench/", 0, uuid4().hex, b"f" * 16, "resident", [event])]
                )

        await caller()
        with measured(CALLERS * EACH, servers.pids) as through_committer:
            await asyncio.gather(*(caller() for _ in range(CALLERS)))
    await application.dispose()
    await worker.dispose()
    return Result(
        "B4",
        "append, 16 callers through the committer",
        "a bare insert function on 16 connections",
        through_committer,
        bare,
        target=1.2,
    )


async def _bare(servers: Servers, owner_dsn: str, body: str) -> Measured:
    connections = [await asyncpg.connect(owner_dsn) for _ in range(CALLERS)]
    await connections[0].execute(_BARE)

    async def caller(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        for _ in range(EACH):
            await connection.fetchval("SELECT bare_insert($1, $2)", new_id(), body)

    await caller(connections[0])
    with measured(CALLERS * EACH, servers.pids) as bare:
        await asyncio.gather(*(caller(connection) for connection in connections))
    for connection in connections:
        await connection.close()
    return bare
