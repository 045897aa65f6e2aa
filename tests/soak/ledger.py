"""What long runs have shown so far: one line of JSON for each schedule, added to for as long as the project lives."""

import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from os import SEEK_END
from pathlib import Path

import orjson

from deploy.local.home import PROJECT


@dataclass(frozen=True, slots=True)
class Run:
    """One schedule that a seed gave, or `schedules` of them, the last of which is `seed`.

    `faults` counts them by kind; `lost` is of the operations acknowledged.

    `wrong` tells what was found; a run in which something was is bad, whether or not anything was lost. `at` is when
    it ended, `code` the commit it ran on.
    """

    kind: str
    seed: int
    faults: Mapping[str, int]
    acknowledged: int
    lost: int
    seconds: float
    wrong: Sequence[str] = ()
    at: str = ""
    code: str = ""
    schedules: int = 1


@dataclass(slots=True)
class Sums:
    """Of all runs of one kind."""

    runs: int = 0
    bad: list[int] = field(default_factory=list[int])
    """Their seeds."""
    faults: Counter[str] = field(default_factory=Counter[str])
    acknowledged: int = 0
    lost: int = 0
    seconds: float = 0.0

    def add(self, run: Run) -> None:
        self.runs += run.schedules
        self.faults.update(run.faults)
        self.acknowledged += run.acknowledged
        self.lost += run.lost
        self.seconds += run.seconds
        if run.wrong or run.lost:
            self.bad.append(run.seed)


class Ledger:
    """A file of runs; it is only ever added to. What a crash cut off is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, run: Run) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b", buffering=0) as file:
            whole = file.tell() == 0 or (file.seek(-1, SEEK_END) and file.read(1) == b"\n")
            file.write((b"" if whole else b"\n") + orjson.dumps(run) + b"\n")

    def runs(self) -> Iterable[Run]:
        if not self.path.exists():
            return
        for line in self.path.read_bytes().splitlines():
            with suppress(orjson.JSONDecodeError):
                yield Run(**orjson.loads(line))

    def sums(self) -> dict[str, Sums]:
        """By kind of run."""
        sums: dict[str, Sums] = {}
        for run in self.runs():
            sums.setdefault(run.kind, Sums()).add(run)
        return sums

    def next_seed(self, kind: str) -> int:
        """Where this kind goes on."""
        return max((run.seed for run in self.runs() if run.kind == kind), default=0) + 1


def bound(bad: int, of: int) -> float | None:
    """What the share of bad ones is at most, with 95 % confidence, when none of so many was (the rule of three)."""
    return 3 / of if bad == 0 and of > 0 else None


def commit() -> str:
    """What is run, by its short name."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, check=False)
    return found.stdout.decode().strip()
