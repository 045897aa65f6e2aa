"""Ten thousand reports from ten keys at once, five hundred bad lines among them, into a real intake process."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import httpx
import orjson
import psutil
import pytest

from deploy.local.gateway import asks
from deploy.local.kafka import create_topics
from deploy.local.postgres import Dsns
from services.chassis.database import engine
from services.contracts.registry import community_stream
from services.contracts.topics import PARTITIONS, TOPICS
from services.intake.read_models.feeds import READ_MODELS
from tests.conftest import Databases, free_port, kafka_of_its_own, running
from tests.services import lines, migrated, random_key, service_key, staff, staff_key

KEYS = 10
GOOD_OF_EACH = 1000
BAD_OF_EACH = 50
BAD = (
    b"{broken",
    b"[]",
    b"\xff\xfe",
    orjson.dumps({"kind": "fault", "category": "water-leak", "text": "No reference."}),
    orjson.dumps({"reference": "R-1", "kind": "fault", "category": "flying-saucers", "text": "Of no category."}),
    b'{"reference": "R-2", "kind": "fault", "category": "water-leak", "text": "' + b"x" * 6000 + b'"}',
)

AGAIN = 4
"""The same is sent so many times more: by the second, the pools and buffers of ten senders at once are there."""
GROWTH = 160 * 2**20
"""What ten at once may take at the peak beside a process that took a thousand lines of one before."""
LEVEL = 24 * 2**20
"""What twenty thousand lines more may add to that; kept, they and their answers would be more than twice as much."""


@dataclass(frozen=True, slots=True)
class Process:
    """An intake as it is served, and what it takes of memory."""

    url: str
    pid: int
    dsns: Dsns

    def memory(self) -> int:
        """Bytes in memory now."""
        return psutil.Process(self.pid).memory_info().rss

    def peak(self) -> int:
        """The most that it ever had."""
        [line] = [one for one in Path(f"/proc/{self.pid}/status").read_text().splitlines() if one.startswith("VmHWM")]
        return int(line.split()[1]) * 1024


@pytest.fixture
async def process(postgres: Databases, tmp_path: Path) -> AsyncGenerator[Process]:
    port = free_port()
    with kafka_of_its_own(tmp_path) as kafka:
        await create_topics(kafka.bootstrap, TOPICS, PARTITIONS)
        async with migrated(postgres, "intake", chain(*READ_MODELS.values())) as dsns:
            told = {
                "ENV": "local",
                "PORT": str(port),
                "APPLICATION_DSN": dsns.application,
                "WORKER_DSN": dsns.worker,
                "KAFKA": kafka.bootstrap,
                "STAFF_PUBLIC_KEY": staff_key().public,
                "SERVICE_KEY": service_key(),
                "FINGERPRINT_KEY": random_key(),
                "PARTICULARS_KEYS": f"1:{random_key()}",
                "RECEIPT_KEY": random_key(),
                "CREDENTIAL_KEY": random_key(),
                "ATTACHMENTS": f"file:{tmp_path}",
            }
            variables = [f"DOORSTEP_{name}={value}" for name, value in told.items()]
            command = ["env", *variables, sys.executable, "-m", "services.intake"]

            def ready() -> bool:
                return asks(port, "/api/intake/readyz") == 200

            with running(command, ready, tmp_path / "intake.log") as server:
                yield Process(f"http://127.0.0.1:{port}", server.pid, dsns)


def body(nth: int) -> tuple[bytes, list[str]]:
    """The lines of one key, bad ones spread among them, and what each is to be told."""
    told = [orjson.dumps(_report(nth, number)) for number in range(GOOD_OF_EACH)]
    expected = ["accepted"] * GOOD_OF_EACH
    for number in range(BAD_OF_EACH):
        at = number * (GOOD_OF_EACH // BAD_OF_EACH)
        told.insert(at, BAD[number % len(BAD)])
        expected.insert(at, "rejected")
    return b"\n".join(told), expected


def _report(nth: int, number: int) -> dict[str, str]:
    text = f"A pipe has burst in yard {number}. " + "It has been running since the morning. " * 20
    return {"reference": f"{nth}-{number}", "kind": "fault", "category": "water-leak", "text": text, "place": "Gate 3"}


async def send(client: httpx.AsyncClient, key: str, content: bytes) -> Sequence[str]:
    """What each line is told, in order."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    answer = await client.post("/api/intake/v1/reports:bulk", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    answers = lines(answer)
    assert [one["line"] for one in answers] == list(range(1, len(answers) + 1))
    assert all(one["faults"] for one in answers if one["status"] == "rejected")
    return [one["status"] for one in answers]


async def test_each_line_is_answered_the_sums_are_exact_and_memory_stays_level(process: Process) -> None:
    async with httpx.AsyncClient(base_url=process.url, timeout=120, trust_env=False) as client:
        keys: list[str] = []
        for nth in range(KEYS):
            place = {"area": f"/place-{nth}/", "name": f"Place {nth}", "time_zone": "Asia/Shanghai"}
            answer = await client.post("/api/intake/v1/communities", json=place, headers=staff("operator"))
            keys.append(answer.json()["api_key"])
        warm, _ = body(KEYS)
        await send(client, keys[0], warm)
        bodies = [body(nth) for nth in range(KEYS)]
        before = process.memory()

        first = await asyncio.gather(
            *(send(client, key, content) for key, (content, _) in zip(keys, bodies, strict=True))
        )
        assert first == [expected for _, expected in bodies]
        assert Counter(chain(*first)) == {"accepted": KEYS * GOOD_OF_EACH, "rejected": KEYS * BAD_OF_EACH}
        after = process.memory()
        assert process.peak() - before < GROWTH

        levels: list[int] = []
        for _ in range(AGAIN):
            again = await asyncio.gather(
                *(send(client, key, content) for key, (content, _) in zip(keys, bodies, strict=True))
            )
            assert Counter(chain(*again)) == {"duplicate": KEYS * GOOD_OF_EACH, "rejected": KEYS * BAD_OF_EACH}
            levels.append(process.memory())
        print("MB:", before >> 20, after >> 20, *(level >> 20 for level in levels), "peak", process.peak() >> 20)
        assert levels[-1] - levels[1] < LEVEL

    worker = engine(process.dsns.worker, "test", connections=1)
    async with worker.connect() as connection:
        stored = await connection.exec_driver_sql(
            "SELECT data->>'community' AS community, count(*) AS reports, count(DISTINCT data->>'reference') AS named"
            " FROM event WHERE type = 'case.reported' GROUP BY 1"
        )
        counted = {row.community: (row.reports, row.named) for row in stored}
    await worker.dispose()
    expected = {str(community_stream(f"/place-{nth}/")): (GOOD_OF_EACH, GOOD_OF_EACH) for nth in range(KEYS)}
    warmed = str(community_stream("/place-0/"))
    assert counted == {**expected, warmed: (2 * GOOD_OF_EACH, 2 * GOOD_OF_EACH)}
