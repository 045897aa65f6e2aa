"""Planted bugs, all of them caught; the same story from anywhere; and schedules, none of them bad.

The schedules come last: they alone keep every processor at work, whatever else still runs or does not.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.mutants import MUTANTS

ROOT = Path(__file__).parents[2]


def test_every_planted_bug_is_caught() -> None:
    told = _simulated("--mutants", "2000").stdout
    assert all(f"{name}: caught" in told for name in MUTANTS), told


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    first, second = (_simulated("=11").stdout for _ in range(2))
    assert first == second
    assert "As it must be." in first


def test_every_schedule_is_as_it_must_be() -> None:
    _none_is_bad("2000")


@pytest.mark.long
@pytest.mark.parametrize("seeds", ["2000-4000", "4000-6000", "6000-8000", "8000-10000"])
def test_every_further_schedule_is_as_it_must_be(seeds: str) -> None:
    """In pieces: other files wait behind a process's last two tests, even when others have nothing left to do."""
    _none_is_bad(seeds)


def _none_is_bad(seeds: str) -> None:
    ended = _simulated(seeds, "--twice-each", "10")
    sys.stdout.write(ended.stdout)
    assert "never happened" not in ended.stdout, ended.stdout
    assert ended.returncode == 0, ended.stdout


def _simulated(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """`python -m tests.simulation`, giving way to whoever else has work: mostly servers are waited for elsewhere."""
    command = ["nice", "-n", "10", sys.executable, "-W", "ignore", "-m", "tests.simulation", *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
