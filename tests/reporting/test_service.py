"""The whole service on real Kafka: what is published is counted, faults become a pattern, and the page says so."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer

from services.chassis import kafka as clients
from services.contracts.cases import CaseReported, Channel, Kind, Urgency
from services.contracts.catalogue import TOPIC_OF_TYPE
from services.contracts.envelope import Recorded, from_record, to_headers
from services.contracts.patterns import PatternFound
from services.contracts.registry import community_stream
from services.contracts.topics import PATTERNS
from services.reporting.app import reporting
from services.reporting.read_models.following import READ_MODELS
from services.reporting.settings import ReportingSettings
from tests.conftest import Databases
from tests.reporting.bureau import happened, registered
from tests.services import migrated, running, settings_for, staff

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)


def leak(nth: int, area: str) -> Recorded:
    event = CaseReported(
        community=community_stream(area),
        kind=Kind.FAULT,
        category="water-leak",
        urgency=Urgency.URGENT,
        channel=Channel.WEB,
        reported_on=date(2026, 3, 2),
        particulars=uuid4(),
    )
    return happened(event, uuid4(), area=area, at=BEGIN + timedelta(minutes=nth))


async def publish(bootstrap: str, events: list[Recorded]) -> None:
    producer: Any = clients.producer(bootstrap, "test")
    await producer.start()
    try:
        for one in events:
            key = str(one.stream_id).encode()
            await producer.send_and_wait(TOPIC_OF_TYPE[one.type], one.data, key=key, headers=to_headers(one))
    finally:
        await producer.stop()


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await found():  # noqa: ASYNC110 - a database and a broker set no event
            await asyncio.sleep(0.05)


async def pattern_of(bootstrap: str, area: str) -> PatternFound:
    consumer: Any = AIOKafkaConsumer(PATTERNS, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            async for record in consumer:
                recorded = from_record(record.headers, record.value)
                event = recorded.event()
                if recorded.area == area and isinstance(event, PatternFound):
                    return event
    finally:
        await consumer.stop()
    raise AssertionError("unreachable: the stream of records does not end")


async def test_what_is_published_is_counted_and_a_pattern_is_found(postgres: Databases, kafka: str) -> None:
    area = f"/nyc/{uuid4().hex[:8]}01/"
    supervisor = staff("supervisor", area)
    async with migrated(postgres, "reporting", READ_MODELS) as dsns:
        app = reporting(settings_for(ReportingSettings, dsns, kafka))
        async with running(app) as client:
            leaks = [leak(nth, area) for nth in range(9)]
            await publish(kafka, registered([area]) + leaks)

            async def counted() -> bool:
                answer = await client.get("/api/reporting/v1/indicators", headers=supervisor)
                told = answer.json()
                reported = next(one["value"] for one in told["indicators"] if one["name"] == "reported")
                return reported == 9 and not told["provisional"]

            await until(counted)
            last = leaks[-1]
            answer = await client.get(
                "/api/reporting/v1/indicators",
                headers=supervisor | {"Doorstep-Position": f"intake:{last.stream_id}:1"},
            )
            assert "Doorstep-Behind" not in answer.headers

            found = await pattern_of(kafka, area)
            assert (found.category, found.cases) == ("water-leak", 9)
            assert (found.since, found.until) == (BEGIN, BEGIN + timedelta(minutes=8))

            async def settled() -> bool:
                board = await client.get("/board", headers=supervisor)
                assert "Council District 1" in board.text
                return "Provisional." not in board.text  # the pattern itself has to be counted too

            await until(settled)
            ready = await client.get("/api/reporting/readyz")
            assert ready.status_code == 200
