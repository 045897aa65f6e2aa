"""Alive and ready differ: what is away is waited for, what has ended is not."""

import asyncio
from contextlib import suppress
from itertools import chain

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


async def test_a_task_that_ended_makes_the_service_dead(postgres: Databases) -> None:
    async with (
        migrated(postgres, "mediation", chain(*READ_MODELS.values())) as dsns,
        running(mediation(settings_for(MediationSettings, dsns))) as client,
    ):
        [relay] = [task for task in asyncio.all_tasks() if task.get_name() == "relay"]
        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay
        alive = await client.get("/api/mediation/livez")
    assert alive.status_code == 503
    assert alive.json()["ended"] == ["relay"]
