"""B3: `reports:bulk`, durable, against `COPY` into the event table with its indexes.

The endpoint is called in process, so its client's time counts against it; validation, sealing and hashing included.
"""

import asyncio
import csv
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import cycle, islice

import asyncpg
import orjson

from services.chassis.ids import new_id
from services.contracts.cases import CaseReported, Channel, Kind, Urgency
from services.contracts.registry import community_stream
from tests.bench.measure import Measured, Result, measured
from tests.bench.servers import Servers
from tests.intake.door import AREA, opened_door
from tests.reporting.constituents import SAMPLE, WHOLE

NUMBER = 40_000
REQUESTS = 8

_COLUMNS = (
    *("position", "occurred_at", "recorded_at", "stream_id", "version", "schema_version", "type", "area", "actor"),
    *("command_key", "fingerprint", "data"),
)


async def run(servers: Servers) -> Result:
    lines = _lines()
    async with opened_door(servers.databases) as door:
        owner = door.service.worker.url
        copied = await _copy(servers, str(owner.database), len(lines))

        async def send(part: Sequence[bytes]) -> None:
            answer = await door.bulk(b"\n".join(part))
            assert answer.content.count(b'"accepted"') == len(part)

        await send(lines[:1000])
        lines = lines[1000:]
        share = len(lines) // REQUESTS
        with measured(share * REQUESTS, servers.pids) as bulk:
            await asyncio.gather(*(send(lines[nth * share : (nth + 1) * share]) for nth in range(REQUESTS)))
        async with door.service.worker.connect() as connection:
            sizes = await connection.exec_driver_sql(
                "SELECT (pg_total_relation_size('event') + pg_total_relation_size('command'))"
                " / (SELECT position FROM log)"
            )
            per_event: int = sizes.scalar_one()
    note = f"a report's event takes {per_event:,} bytes with its command row and their indexes; B12 allows 750"
    return Result("B3", "reports:bulk, durable", "COPY into the event table", bulk, copied, target=0.25, notes=[note])


def _lines() -> list[bytes]:
    """Real rows as the import sends them."""
    with gzip.open(WHOLE, "rt") if WHOLE.exists() else SAMPLE.open() as file:
        rows = list(islice(cycle(csv.DictReader(file)), NUMBER))
    return [
        orjson.dumps(
            {
                "reference": f"{row['unique_key']}-{nth}",
                "kind": "need",
                "category": "other",
                "imported": True,
                "occurred_on": row["opendate"],
                "row": row,
            }
        )
        for nth, row in enumerate(rows)
    ]


async def _copy(servers: Servers, database: str, number: int) -> Measured:
    """The same number of events, encoded beforehand, into a table like the event table with its indexes."""
    connection = await asyncpg.connect(servers.databases.server.admin_dsn.rsplit("/", 1)[0] + f"/{database}")
    await connection.execute("CREATE TABLE copied (LIKE event INCLUDING INDEXES)")
    at = datetime.now(UTC)
    body = CaseReported(
        community=community_stream(AREA),
        reference="R-1",
        kind=Kind.NEED,
        category="other",
        urgency=Urgency.ORDINARY,
        channel=Channel.SYSTEM,
        reported_on=at.date(),
        imported=True,
        particulars=new_id(),
    ).model_dump_json(exclude_defaults=True)
    rows = [
        (nth, at, at, new_id(), 1, 1, "case.reported", AREA, "community-system", "k" * 22, b"f" * 16, body)
        for nth in range(number)
    ]
    with measured(number, servers.pids) as copied:
        await connection.copy_records_to_table("copied", records=rows, columns=_COLUMNS)
    await connection.execute("DROP TABLE copied")
    await connection.close()
    return copied
