"""Restored databases made ready to serve: today's tables, their own events back, nothing that was erased."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import TopicPartition
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.chassis.database import engine
from services.chassis.eventstore import EVENT_COLUMNS, recorded_of
from services.chassis.held import Record
from services.chassis.history import reader, records_of
from services.chassis.take_back import Progress, TakeBack, TakenBack
from services.contracts.cases import CaseErased
from services.contracts.envelope import Recorded, Unreadable, from_record
from services.contracts.topics import PARTITIONS, TOPICS
from services.intake.erasure import erase_rows

PAGE = 5000

PLAIN = {
    "community_key": "communities' keys: those given out since don't work, those revoked since work again",
    "set_aside": "conflicting reports that wait for review",
    "attachment": "photos that residents added; those taken back since stay away",
    "particulars_access": "who looked at particulars, when and why",
    "delivery": "which messages had gone out; none that was due before this restore goes out again",
    "webhook": "whom to tell of events: those added since are gone, those removed since are back, some is told again",
    "late_cases": "the digest of cases that came too late to alert for each",
}
"""Tables that no log can tell anew: what was written to them since is gone."""

_OWN_ERASED = "SELECT stream_id FROM event WHERE type = $1"
_PLAIN_HERE = "SELECT t FROM unnest($1::text[]) AS t WHERE to_regclass(t) IS NOT NULL"
_SIGN_OUT = "DO $$ BEGIN IF to_regclass('session') IS NOT NULL THEN DELETE FROM session; END IF; END $$"
_COPIED = EVENT_COLUMNS.replace("position", "source_position", 1)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One service, ready to serve. `plain` names the tables whose later rows are gone."""

    taken: TakenBack
    plain: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the events are. `kafka` is none when its log is lost; `copy` reaches reporting's, if that stays."""

    kafka: str | None
    copy: str | None
    reached: Mapping[str, int]
    """Positions to which the logs are known to have come before."""
    progress: Mapping[str, Sequence[Progress]]
    """How far their consumers are known to have come before."""


async def prepare(
    dsns: Mapping[str, str], sources: Sources, to_time: datetime, told: Callable[[int], None]
) -> dict[str, Prepared]:
    """Make these services' databases ready, all or none; `dsns` are their owners'. `told` how many events were read.

    Raises:
        take_back.NotWhole, take_back.AnotherLog, Unreadable: they can't be made ready from these sources.
        KafkaError, TimeoutError: Kafka does not answer.
    """
    async with AsyncExitStack() as stack:
        connections: dict[str, AsyncConnection] = {}
        for service, dsn in dsns.items():
            owner = engine(dsn, "doorstep-restore", connections=1)
            stack.push_async_callback(owner.dispose)
            connections[service] = await stack.enter_async_context(owner.begin())
        taking = {service: await TakeBack.begin(connection, service) for service, connection in connections.items()}
        erased: set[UUID] = set()
        read = 0
        if sources.kafka is not None:
            async for page in _records(sources.kafka, TOPICS):
                erased |= _erased(page)
                for one in taking.values():
                    await one.offer(page)
                told(read := read + len(page))
        if sources.copy is not None:
            for service, one in taking.items():
                async for page in _copied(sources.copy, service, one.restored):
                    erased |= _erased(page)
                    await one.offer(page, on_kafka=False)
        if sources.kafka is not None:
            await _offer_handled(sources, taking)
        for connection in connections.values():
            erased.update((await connection.exec_driver_sql(_OWN_ERASED, (CaseErased.type,))).scalars())
        prepared: dict[str, Prepared] = {}
        for service, one in taking.items():
            connection = connections[service]
            reached = sources.reached.get(service, 0)
            lost = sources.kafka is None
            taken = await one.finish(to_time, reached=reached, erased=erased, kafka_is_lost=lost)
            await _forget(connection, service, erased)
            plain = await connection.exec_driver_sql(_PLAIN_HERE, (list(PLAIN),))
            prepared[service] = Prepared(taken, plain.scalars().all())
        return prepared


async def _forget(connection: AsyncConnection, service: str, erased: Iterable[UUID]) -> None:
    """What was erased goes before anything is served, and whoever was signed out since is not signed in again."""
    erase: Callable[[AsyncConnection, UUID], Awaitable[object]]
    erase = erase_rows if service == "intake" else particulars.erase
    for case in erased:
        await erase(connection, case)
    await connection.exec_driver_sql(_SIGN_OUT)


def _erased(page: Iterable[Recorded]) -> set[UUID]:
    return {event.stream_id for event in page if event.type == CaseErased.type}


async def _offer_handled(sources: Sources, taking: Mapping[str, TakeBack]) -> None:
    """What each consumer that causes commands is given, and how far it had come before."""
    assert sources.kafka is not None
    for service, one in taking.items():
        await one.went(sources.progress.get(service, ()))
        for consumer, topics in (await one.causing()).items():
            async for page in _records(sources.kafka, topics):
                await one.handled(consumer, page)


async def _records(bootstrap: str, topics: Sequence[str]) -> AsyncGenerator[list[Recorded]]:
    async with reader(bootstrap) as kafka:
        for partition in (TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)):
            async for records in records_of(kafka, partition, None, 2**62):
                yield list(_events(records))


def _events(records: Iterable[Record]) -> Iterable[Recorded]:
    for record in records:
        try:
            yield from_record(record.headers, record.value)
        except Unreadable:
            continue  # no event of ours; `doorstep reconcile` names it


async def _copied(dsn: str, source: str, after: int) -> AsyncGenerator[list[Recorded]]:
    """A service's events behind a position, out of reporting's copy."""
    copy: Any = await asyncpg.connect(dsn)
    try:
        while True:
            rows = await copy.fetch(
                f"SELECT {_COPIED} FROM public_event WHERE source = $1 AND source_position > $2"
                " ORDER BY source_position LIMIT $3",
                source,
                after,
                PAGE,
            )
            if not rows:
                return
            yield [recorded_of(source, tuple(row)) for row in rows]
            after = rows[-1]["source_position"]
    finally:
        await copy.close()
