"""Alive and ready differ: what is away is waited for, what has ended is not."""

import asyncio
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import chain

import pytest
from structlog.testing import capture_logs

from deploy.local.home import PROJECT
from services.mediation.app import mediation
from services.mediation.read_models.feeds import READ_MODELS
from services.mediation.settings import MediationSettings
from tests.conftest import Databases
from tests.services import migrated, running, settings_for


async def test_without_kafka_a_service_lives_and_is_not_ready(postgres: Databases) -> None:
    async with (
        migrated(postgres, "mediation", chain(*READ_MODELS.values())) as dsns,
        running(mediation(settings_for(MediationSettings, dsns))) as client,
    ):
        alive = await client.get("/api/mediation/livez")
        ready = await client.get("/api/mediation/readyz")
    assert alive.status_code == 200
    assert ready.status_code == 503
    assert "consumer mediation-cases" in ready.json()["waiting_for"]


_SERVING = """
import asyncio
from contextlib import asynccontextmanager
from fastapi import FastAPI
from services.chassis import service
from services.chassis.service import serve
from services.mediation.settings import MediationSettings
from tests.conftest import free_port

@asynccontextmanager
async def lifespan(app):
    print("open", flush=True)
    yield
    print("closed in order", flush=True)

fields = {name: "x" for name in ("application_dsn", "worker_dsn", "kafka", "staff_public_key", "service_key")}
settings = MediationSettings(port=free_port(), fingerprint_key="x", particulars_keys="x", **fields)
serve(FastAPI(lifespan=lifespan), settings, "test")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_service_in_order(number: signal.Signals) -> None:
    """Or its consumers would keep their places at Kafka after it is gone."""
    with subprocess.Popen([sys.executable, "-c", _SERVING], stdout=subprocess.PIPE, text=True, cwd=PROJECT) as serving:
        assert serving.stdout is not None
        assert serving.stdout.readline() == "open\n"
        serving.send_signal(number)
        assert serving.stdout.read() == "closed in order\n"
        assert serving.wait(20) == 0


@pytest.mark.parametrize("name", ["group-committer", "relay", "background", "consumer mediation-cases"])
async def test_a_task_that_ended_makes_the_service_dead_and_fail(postgres: Databases, name: str) -> None:
    failed: list[str] = []
    async with migrated(postgres, "mediation", chain(*READ_MODELS.values())) as dsns:
        app = mediation(settings_for(MediationSettings, dsns))
        app.state.fail = lambda: failed.append(name)
        others = asyncio.all_tasks()
        with capture_logs() as noted:
            async with running(app) as client:
                [task] = [task for task in asyncio.all_tasks() - others if task.get_name() == name]
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                alive = await client.get("/api/mediation/livez")
    assert alive.status_code == 503
    assert alive.json()["ended"] == [name]
    assert failed == [name], "and not of those that end with it"
    assert [note["task"] for note in noted if note["log_level"] == "error" and "task" in note] == [name]


def test_a_service_that_fails_ends_in_order_and_says_that_it_failed() -> None:
    failing = _SERVING.replace("    yield\n", "    asyncio.get_running_loop().call_soon(app.state.fail)\n    yield\n")
    with subprocess.Popen([sys.executable, "-c", failing], stdout=subprocess.PIPE, text=True, cwd=PROJECT) as serving:
        assert serving.stdout is not None
        assert serving.stdout.read() == "open\nclosed in order\n"
        assert serving.wait(20) == 1


def test_a_service_that_fails_and_can_t_end_in_order_ends_nevertheless() -> None:
    """A request may wait for a task that is no more."""
    stuck = _SERVING.replace(
        "    yield\n",
        "    service.END_SECONDS = 0.1\n    app.state.fail()\n    yield\n    await asyncio.Event().wait()\n",
    )
    with subprocess.Popen([sys.executable, "-c", stuck], stdout=subprocess.PIPE, text=True, cwd=PROJECT) as serving:
        assert serving.stdout is not None
        assert serving.stdout.read() == "open\n"
        assert serving.wait(20) == 1
