"""One measurement: operations, seconds, the processors' time they took, and the memory they reached."""

import os
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil


@dataclass(slots=True)
class Measured:
    """What some work cost. `cpu_seconds` covers this process and the servers that worked for it."""

    operations: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the table: the work, its baseline from the same run, and what their ratio should be."""

    row: str
    work: str
    baseline: str
    measured: Measured
    against: Measured
    target: float
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def ratio(self) -> float:
        return self.measured.rate / self.against.rate

    @property
    def met(self) -> bool:
        return self.ratio >= self.target


@dataclass(frozen=True, slots=True)
class Limits:
    """A row without a ratio: figures that must not exceed their limits."""

    row: str
    work: str
    figures: Sequence[tuple[str, float, float, str]]
    """Name, figure, limit, unit."""

    measured: Measured | None = None

    @property
    def met(self) -> bool:
        return all(figure <= limit for _, figure, limit, _ in self.figures)


@contextmanager
def measured(operations: int, servers: Sequence[int] = ()) -> Generator[Measured]:
    """Measure the block; `servers` are the pids whose trees worked for it."""
    result = Measured(operations=operations)
    before = cpu_seconds((os.getpid(), *servers))
    began = time.perf_counter()
    yield result
    result.seconds = time.perf_counter() - began
    result.cpu_seconds = cpu_seconds((os.getpid(), *servers)) - before
    result.peak_bytes = psutil.Process().memory_info().rss


def cpu_seconds(pids: Sequence[int]) -> float:
    """What these processes and their children have taken so far, each counted once."""
    members: set[psutil.Process] = set()
    for pid in pids:
        process = psutil.Process(pid)
        members |= {process, *process.children(recursive=True)}
    total = 0.0
    for member in members:
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
