"""Schedules, none of them bad; the same from anywhere; and planted bugs, all of them caught."""

import sys
from subprocess import Popen

import pytest

from tests.simulation.beside import said, simulation
from tests.simulation.mutants import MUTANTS


def test_every_planted_bug_is_caught() -> None:
    told = said(simulation("--mutants", "2000"))
    assert all(f"{name}: caught" in told for name in MUTANTS), told


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    first, second = (said(simulation("=11")) for _ in range(2))
    assert first == second
    assert "As it must be." in first


def test_every_schedule_is_as_it_must_be(schedules: dict[str, "Popen[str]"], request: pytest.FixtureRequest) -> None:
    _none_is_bad(schedules[request.node.name])


@pytest.mark.long
def test_every_further_schedule_is_as_it_must_be(
    schedules: dict[str, "Popen[str]"], request: pytest.FixtureRequest
) -> None:
    _none_is_bad(schedules[request.node.name])


def _none_is_bad(process: "Popen[str]") -> None:
    told = said(process)
    sys.stdout.write(told)
    assert "never happened" not in told, told
    assert process.returncode == 0, told
