"""Locks between processes, free as soon as their holder is gone, however it ended."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class Held(Exception):
    """Another process has it."""


@contextmanager
def awaited(path: Path) -> Generator[None]:
    """Hold the lock for the length of a block, once nobody else has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def held(path: Path) -> Generator[None]:
    """Hold the lock for the length of a block.

    Raises:
        Held: another process has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held from None
        yield


def is_held(path: Path) -> bool:
    """Whether some process has it now."""
    if not path.exists():
        return False
    try:
        with held(path):
            return False
    except Held:
        return True
