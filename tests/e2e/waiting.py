"""Waiting for what a running stack does by itself."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LIMIT_SECONDS = 60.0
"""When to give up; nothing takes so long, but on a machine that is busy."""
LOOK_SECONDS = 0.1


def until(found: Callable[[], T | None], what: str = "it") -> T:
    """What is found, once it is there; `None` is not yet."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while (answer := found()) is None:
        assert time.monotonic() < deadline, f"{what} did not come in time"
        time.sleep(LOOK_SECONDS)
    return answer
