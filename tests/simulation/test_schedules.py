"""Two thousand schedules, none of them bad; the same from anywhere; and planted bugs, all of them caught."""

import os
import sys
from collections.abc import Generator
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

import pytest

from tests.simulation.mutants import MUTANTS

ROOT = Path(__file__).parents[2]
SCHEDULES = int(os.environ.get("DOORSTEP_SCHEDULES", "2000"))
LIMIT_SECONDS = 1500


def simulation(*arguments: str) -> "Popen[str]":
    """Behind everything else that runs, since it only takes the processor's time."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.simulation", *arguments]
    return Popen(command, cwd=ROOT, stdout=PIPE, stderr=STDOUT, text=True, preexec_fn=lambda: os.nice(10) and None)


@pytest.fixture(scope="session", autouse=True)
def schedules(request: pytest.FixtureRequest) -> Generator["Popen[str] | None"]:
    """Begun with the first test of this folder, waited for by the last."""
    wanted = any(item.name == "test_every_schedule_is_as_it_must_be" for item in request.session.items)
    process = simulation(str(SCHEDULES)) if wanted else None
    yield process
    if process is not None and process.poll() is None:
        process.terminate()
        process.wait()


def said(process: "Popen[str]") -> str:
    told, _ = process.communicate(timeout=LIMIT_SECONDS)
    return told


def test_every_planted_bug_is_caught() -> None:
    told = said(simulation("--mutants", "2000"))
    assert all(f"{name}: caught" in told for name in MUTANTS), told


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    first, second = (said(simulation("=11")) for _ in range(2))
    assert first == second
    assert "As it must be." in first


def test_every_schedule_is_as_it_must_be(schedules: "Popen[str]") -> None:
    told = said(schedules)
    sys.stdout.write(told)
    assert schedules.returncode == 0, told
