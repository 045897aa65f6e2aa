"""The stand-in for PostgreSQL answers as PostgreSQL does: what services said to it in a schedule is said to both.

A schedule without faults is run on the stand-ins, and every word of every session is written down: what was asked, in
which transaction, beside which others, and what was answered. The same words, in the same order, then go to a real
PostgreSQL with the services' own tables, and each answer must be the same.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.postgres import Dsns
from services.chassis import timers
from services.chassis.database import engine
from services.chassis.eventstore import EVENT_COLUMNS
from services.chassis.timers import Standing
from tests.conftest import Databases
from tests.services import migrated
from tests.simulation.services import MODELS, NAMES
from tests.simulation.tables import Call
from tests.simulation.writing_down import SEEDS, read

SESSIONS = 120
RECORDED_AT = 8
"""Its place in `EVENT_COLUMNS`."""
OWN_TO_GIVE = {timers.LOOK: Standing._fields.index("agreed")}
"""Columns with the server's own time, by statement."""
ANSWER_SECONDS = 20.0


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, list[Call]]]:
    """What was said to each database, by seed; written down in a process of its own, whose clock is the schedule's."""
    folder = tmp_path_factory.mktemp("scripts")
    run([sys.executable, "-m", "tests.simulation.writing_down", folder], check=True, cwd=Path(__file__).parents[2])
    return {seed: read(folder, seed) for seed in SEEDS}


@dataclass(slots=True)
class Sessions:
    """One real session for each of the script's."""

    pools: dict[str, AsyncEngine]
    open: dict[int, AsyncConnection] = field(default_factory=dict[int, AsyncConnection])

    async def say(self, call: Call) -> Sequence[Any] | None:
        """Raises TimeoutError: the real one waits for another, and the stand-in did not."""
        connection = self.open.get(call.session)
        if connection is None and call.word == "close":
            return None
        if connection is None:
            connection = self.open[call.session] = await self.pools[call.role].connect()
        async with asyncio.timeout(ANSWER_SECONDS):
            match call.word:
                case "begin":
                    pass
                case "commit":
                    await connection.commit()
                case "rollback":
                    await connection.rollback()
                case "close":
                    await self.open.pop(call.session).close()
                case "savepoint":
                    await connection.exec_driver_sql("SAVEPOINT part")
                case "release":
                    await connection.exec_driver_sql("RELEASE SAVEPOINT part")
                case "back":
                    await connection.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
                case _:
                    told: list[Any] | None = None
                    for parameters in call.parameters:
                        result = await connection.exec_driver_sql(call.statement, tuple(parameters))
                        told = list(map(tuple, result)) if result.returns_rows else None
                    return told
        return None

    async def close(self) -> None:
        for connection in self.open.values():
            await connection.close()


@pytest.fixture
async def databases(postgres: Databases) -> AsyncGenerator[dict[str, Dsns]]:
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(migrated(postgres, name, MODELS[name])) for name in NAMES}


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_answer_is_postgresqls(
    scripts: dict[int, dict[str, list[Call]]], databases: dict[str, Dsns], seed: int
) -> None:
    for name in NAMES:
        dsns = databases[name]
        pools = {
            "application": engine(dsns.application, "conformance", SESSIONS),
            "worker": engine(dsns.worker, "conformance", SESSIONS),
        }
        sessions = Sessions(pools)
        try:
            for nth, call in enumerate(scripts[seed][name]):
                told = await sessions.say(call)
                if call.told is None:  # nobody reads the answer
                    continue
                own = OWN_TO_GIVE.get(call.statement, RECORDED_AT if EVENT_COLUMNS in call.statement else None)
                assert plain(told or (), own) == plain(call.told, own), f"{name}, word {nth}: {call.statement}"
        finally:
            await sessions.close()
            for pool in pools.values():
                await pool.dispose()


def plain(rows: Iterable[Sequence[Any]], own: int | None) -> list[str]:
    """Rows in no order, without the column that is the server's `own` to give: its time."""
    return sorted(repr([_plain(value) for nth, value in enumerate(row) if nth != own]) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value


def test_the_scripts_hold_every_kind_of_word(scripts: dict[int, dict[str, list[Call]]]) -> None:
    calls = [call for script in scripts.values() for name in NAMES for call in script[name]]
    assert {"begin", "statement", "commit", "rollback"} <= {call.word for call in calls}
    assert len({call.statement for call in calls}) > 60
