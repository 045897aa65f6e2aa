"""Schedules beside everything else that is tested: they only take the time in which the processors wait."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

ROOT = Path(__file__).parents[2]
SEEDS: Mapping[str, Sequence[str]] = {
    "test_every_schedule_is_as_it_must_be": ["2000", "--twice-each", "10"],
    "test_every_further_schedule_is_as_it_must_be": ["2000-10000", "--twice-each", "10"],
}
"""By the test that waits for them; without it they are not begun."""


def simulation(*arguments: str) -> "Popen[str]":
    """`python -m tests.simulation`, giving way to whoever else has work."""
    command = ["nice", "-n", "10", sys.executable, "-W", "ignore", "-m", "tests.simulation", *arguments]
    return Popen(command, cwd=ROOT, stdout=PIPE, stderr=STDOUT, text=True)


def said(process: "Popen[str]") -> str:
    """All that it told, once it has ended."""
    told, _ = process.communicate()
    return told
