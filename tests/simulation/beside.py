"""Schedules beside everything else that is tested: they only take the time in which the processors wait."""

import os
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

ROOT = Path(__file__).parents[2]
SCHEDULES = int(os.environ.get("DOORSTEP_SCHEDULES", "2000"))
LIMIT_SECONDS = 1500
TEST = "test_every_schedule_is_as_it_must_be"
"""Waits for them; without it none are begun."""


def simulation(*arguments: str) -> "Popen[str]":
    """`python -m tests.simulation`, giving way to whoever else has work."""
    command = ["nice", "-n", "10", sys.executable, "-W", "ignore", "-m", "tests.simulation", *arguments]
    return Popen(command, cwd=ROOT, stdout=PIPE, stderr=STDOUT, text=True)


def said(process: "Popen[str]") -> str:
    """All that it told, once it has ended."""
    told, _ = process.communicate(timeout=LIMIT_SECONDS)
    return told
