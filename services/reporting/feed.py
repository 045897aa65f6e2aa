"""The public log as others may read it on: from a cursor, an area's events alone, and waiting for what comes."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis.database import scoped
from services.chassis.problems import ProblemError, unprocessable
from services.chassis.web.marked import marked
from services.reporting.public_log import PublicLog

MEDIA_TYPE = "application/cloudevents-batch+json"

STRIDE = 20_000
"""So many positions are looked through in one statement, whatever they hold of the area that is asked for."""
STRIDES = 25
"""In one request; a reader whose area had no events for so long comes back with a cursor further on."""
_OTHERS_SECONDS = 1.0
"""How often to look for what another process wrote into the log."""

HEAD = "SELECT position, (SELECT count(*) FROM restored) AS restored FROM public_log"
# What is reported of somebody who works for the community is not told to the community's own programs. It lies in the
# area above, out of their scope, but for a community that has none above it.
READ = """
SELECT position, source, stream_id, version, type, schema_version, area, occurred_at, recorded_at, data::text AS data
FROM public_event event
WHERE position > $1 AND position <= $2 AND area ^@ $3 AND ($4::text[] IS NULL OR type = ANY($4))
    AND ($5 OR NOT EXISTS (
        SELECT FROM public_event report WHERE report.stream_id = event.stream_id AND report.source = 'intake'
            AND report.version = 1 AND report.data ->> 'about_staff' = 'true'))
ORDER BY position LIMIT $6
"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position of the log as it counts since it was restored last, if ever: only then it means what it meant."""

    restored: int
    position: int

    def __str__(self) -> str:
        return f"{self.restored}-{self.position}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError."""
        restored, _, position = text.partition("-")
        return cls(int(restored), int(position))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events: of `area`, of these types or of all; `of_staff`: also of cases about staff."""

    areas: Sequence[str]
    area: str
    types: Sequence[str] | None
    of_staff: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Events in their order, and up to where the log was looked through."""

    events: Sequence[Any]
    upto: Cursor
    at_end: bool


async def head_of(connection: AsyncConnection) -> Cursor:
    row = (await connection.exec_driver_sql(HEAD)).one()
    return Cursor(row.restored, row.position)


async def stride(application: AsyncEngine, asked: Asked, after: Cursor, limit: int) -> Found:
    """The next events behind a cursor, at most `limit`, of at most `STRIDE` positions."""
    async with scoped(application, asked.areas) as connection:
        head = await head_of(connection)
        end = min(head.position, after.position + STRIDE)
        rows: list[Any] = []
        if after.position < end:
            types = None if asked.types is None else list(asked.types)
            arguments = (after.position, end, asked.area, types, asked.of_staff, limit)
            rows = list((await connection.exec_driver_sql(READ, arguments)).all())
    upto = rows[-1].position if len(rows) == limit else max(end, after.position)
    return Found(rows, Cursor(head.restored, upto), at_end=upto >= head.position)


class Feed:
    """Reads the log for whoever asks; who waits is let go when the service ends."""

    def __init__(self, application: AsyncEngine, log: PublicLog) -> None:
        self._application = application
        self._log = log
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        self._leaving.set()
        self._log.stir()

    async def begin(self, after: str) -> Cursor:
        """What a reader sends as `after`: `0`, `now`, or a cursor that they were given.

        Raises:
            ProblemError: 422, it is none of these; 410, the log was restored since, and its positions are others.
        """
        async with self._application.connect() as connection:
            head = await head_of(connection)
        if after == "now":
            return head
        if after == "0":
            return Cursor(head.restored, 0)
        try:
            cursor = Cursor.parse(after)
        except ValueError:
            raise unprocessable(
                "after", "is not a cursor", "Send 0, now, or the cursor of the last event that you have."
            ) from None
        if cursor.restored != head.restored or cursor.position > head.position:
            raise ProblemError(
                410,
                "cursor-gone",
                marked("This cursor holds no longer"),
                marked(
                    "The log was restored from a backup. Begin again with after=0; drop what you have by source and id."
                ),
            )
        return cursor

    async def read(self, asked: Asked, after: Cursor, limit: int, wait: float) -> Found:
        """The next events; if there are none yet, those that come within `wait` seconds."""
        deadline = asyncio.get_running_loop().time() + wait
        with self._log.watch() as grown:
            for _ in range(STRIDES):
                grown.clear()
                found = await stride(self._application, asked, after, limit)
                after = found.upto
                if found.events:
                    return found
                if found.at_end and not await self._grown(grown, after, deadline):
                    break
        return Found((), after, at_end=True)

    async def _grown(self, grown: asyncio.Event, after: Cursor, deadline: float) -> bool:
        """Whether the log grew before the deadline."""
        while not self._leaving.is_set():
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, _OTHERS_SECONDS)):
                    await grown.wait()
            async with self._application.connect() as connection:
                if (await head_of(connection)).position > after.position:
                    return True
            grown.clear()
        return False


def batch(found: Found) -> bytes:
    """The events as CloudEvents 1.0 in JSON batch format; their data as it was written."""
    return orjson.dumps([_cloud_event(row, found.upto.restored) for row in found.events])


def _cloud_event(row: Any, restored: int) -> dict[str, Any]:
    """`cursor`, `area`, `streamversion`, `recordedtime` and `schemaversion` are extensions, as on Kafka.

    Who acted, and under which key, is not told: it concerns those who do the work.
    """
    return {
        "specversion": "1.0",
        "id": f"{row.stream_id}:{row.version}",
        "source": row.source,
        "type": row.type,
        "subject": str(row.stream_id),
        "time": row.occurred_at,
        "datacontenttype": "application/json",
        "area": row.area,
        "streamversion": row.version,
        "recordedtime": row.recorded_at,
        "schemaversion": row.schema_version,
        "cursor": str(Cursor(restored, row.position)),
        "data": orjson.Fragment(row.data),
    }
