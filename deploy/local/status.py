"""How each part of the stack is, written by the supervisor and read by every command."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

Phase = Literal["waiting", "starting", "ready", "failed", "stopping", "stopped"]


@dataclass(slots=True)
class PartStatus:
    """`failures` counts in a row, `restarts` since the stack was started; `since` is in seconds since the epoch."""

    name: str
    phase: Phase
    since: float
    pid: int | None = None
    failures: int = 0
    restarts: int = 0
    note: str = ""


@dataclass(slots=True)
class StackStatus:
    """The whole stack; `supervisor` is its process id."""

    supervisor: int
    gateway_port: int
    started: float
    parts: list[PartStatus]

    def is_ready(self) -> bool:
        return all(part.phase == "ready" for part in self.parts)

    def failing(self) -> list[PartStatus]:
        """The parts that have failed three times in a row: waiting longer helps nobody."""
        return [part for part in self.parts if part.failures >= 3]


def write(path: Path, status: StackStatus) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(status)))
    draft.replace(path)


def read(path: Path) -> StackStatus | None:
    """The status as last written; None when none was."""
    try:
        kept = cast("dict[str, Any]", json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    kept["parts"] = [PartStatus(**part) for part in kept["parts"]]
    return StackStatus(**kept)
