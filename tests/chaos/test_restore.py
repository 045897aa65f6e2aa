"""A backup under load, its databases destroyed, a restore to the past: what happened since comes back."""

import asyncio
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from uuid import UUID

import httpx
import pytest

from deploy.local.state import SERVICES
from services.chassis.clock import now
from tests.chaos.conftest import Row, alerts_of, at_rest, logs_of, reported, rows, under_load
from tests.chaos.load import Load
from tests.e2e.conftest import Stack

pytestmark = pytest.mark.chaos

CASES = 60
"""Reported between one thing that happens and the next."""
ERASED = 5


async def test_back_to_a_time_and_all_events_since(stack: Stack, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    async with under_load(stack, 1) as load:
        await reported(load, CASES)
        said = await asyncio.to_thread(stack.doorstep, "backup", backup)
        assert f"Backup in {backup}" in said
        cases = await reported(load, CASES)
        to = now()
        cases = await reported(load, CASES)
        erased = [*cases[:ERASED], *cases[-ERASED:]]
        await erase(load, erased)
        cases = await reported(load, CASES)
    await at_rest(stack)
    before, alerts = await logs_of(stack), await alerts_of(stack)
    stack.doorstep("down")
    shutil.rmtree(stack.home.postgres)

    said = stack.doorstep("restore", backup, "--to", to.isoformat())
    assert f"Restored to {to.isoformat()}" in said
    assert "communities' keys" in said
    stack.doorstep("up")
    await at_rest(stack)
    assert "differs" not in stack.doorstep("verify")

    await assert_logs_are_back(stack, before)
    assert alerts.items() <= (await alerts_of(stack)).items()
    await assert_erased(stack, erased)
    taken = await rows(stack, "intake", "SELECT stream_id::text FROM event WHERE type = 'case.reported'")
    assert {case for (case,) in taken} >= set(cases)
    for service in SERVICES:
        [(told,)] = await rows(stack, service, "SELECT to_time FROM restored")
        assert told == to
    kept = await rows(stack, "intake", "SELECT count(*) FROM particulars WHERE stream_id = $1", UUID(cases[ERASED]))
    assert kept == [(1,)], "what was told before the time and not erased is there"


async def test_services_to_different_times(stack: Stack, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    await asyncio.to_thread(stack.doorstep, "backup", backup)
    times: list[datetime] = []
    async with under_load(stack, 2) as load:
        for _ in range(3):
            await reported(load, CASES)
            times.append(now())
        erased = (await reported(load, CASES))[:ERASED]
        await erase(load, erased)
        await reported(load, CASES)
    await at_rest(stack)
    before, alerts = await logs_of(stack), await alerts_of(stack)

    stack.doorstep("restore", backup, "--to", times[0].isoformat(), "--only", "mediation")
    stack.doorstep("restore", backup, "--to", times[1].isoformat(), "--only", "intake", "--only", "reporting")
    stack.doorstep("restore", backup, "--to", times[2].isoformat(), "--only", "notifications")
    stack.doorstep("up")
    await at_rest(stack)
    assert "differs" not in stack.doorstep("verify")

    await assert_logs_are_back(stack, before)
    assert alerts.items() <= (await alerts_of(stack)).items()
    await assert_erased(stack, erased)


async def test_a_restore_that_can_not_be_whole_changes_nothing(stack: Stack, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    await asyncio.to_thread(stack.doorstep, "backup", backup)
    await at_rest(stack)
    before = await logs_of(stack)
    early = stack.doorstep("restore", backup, "--to", "2020-01-01", code=1)
    assert "reaches back to" in early

    log = stack.home.kafka / "log"
    stack.doorstep("down")
    log.rename(log.with_name("away"))
    without_kafka = stack.doorstep("restore", backup, code=1)
    assert "There is no log of Kafka" in without_kafka
    log.with_name("away").rename(log)

    altered = backup / "base.tar.gz"
    altered.write_bytes(altered.read_bytes()[:-1] + b"!")
    not_whole = stack.doorstep("restore", backup, code=1)
    assert "base.tar.gz was altered" in not_whole

    stack.doorstep("up")
    after = await logs_of(stack)
    assert {service: log[: len(before[service])] for service, log in after.items()} == before
    assert not stack.home.restoring.exists()


async def erase(load: Load, cases: Sequence[str]) -> None:
    """By intake's own interface and the operator's word."""
    for case in cases:
        headers = {"Authorization": f"Bearer {load.stack.token('operator')}", "Idempotency-Key": token_hex(16)}
        answer = await load.http.post(f"/api/intake/v1/cases/{case}/erase", headers=headers)
        answer.raise_for_status()


async def assert_logs_are_back(stack: Stack, before: dict[str, Sequence[Row]]) -> None:
    """All that was there is there, as it was; time went on, so there may be more."""
    for service, log in (await logs_of(stack)).items():
        assert log[: len(before[service])] == before[service], service
        assert [row[0] for row in log] == list(range(1, len(log) + 1)), service


async def assert_erased(stack: Stack, cases: Sequence[str]) -> None:
    ids = [UUID(case) for case in cases]
    for service in ("intake", "mediation"):
        left = await rows(stack, service, "SELECT ref FROM particulars WHERE stream_id = ANY($1::uuid[])", ids)
        assert left == [], service
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False, timeout=30.0) as http:
        headers = {"Authorization": f"Bearer {stack.token('cadre')}"}
        for case in cases:
            path = f"/api/intake/v1/cases/{case}/report"
            answer = await http.get(path, params={"purpose": "triage"}, headers=headers)
            assert answer.json()["particulars"] == []
