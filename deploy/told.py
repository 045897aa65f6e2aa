"""What clients were told: a history of their writes, a line of JSON each, which the checker holds against the logs."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import orjson

Outcome = Literal["ok", "failed", "unknown"]
"""`failed`: it was refused for good. `unknown`: no answer, or one that only asks to repeat; it may have been taken."""


@dataclass(frozen=True, slots=True)
class Told:
    """One request to write; a repeat under the same key is one more. `position`: the answer's `Doorstep-Position`."""

    what: str
    """`report`, or another name for what was asked."""
    key: str
    outcome: Outcome
    position: str = ""
    case: str = ""


class WrongHistory(ValueError):
    """A line of a history that can't be read; the message names it."""


def line(told: Told) -> bytes:
    return orjson.dumps({name: value for name, value in asdict(told).items() if value}) + b"\n"


def read(path: Path) -> list[Told]:
    """A history as `line` wrote it.

    Raises:
        OSError: there is no such file.
        WrongHistory: a line is not what it should be.
    """
    with path.open("rb") as file:
        return list(_told(path, file))


def _told(path: Path, lines: Iterable[bytes]) -> Iterable[Told]:
    for number, kept in enumerate(lines, 1):
        try:
            told = Told(**orjson.loads(kept))
        except (ValueError, TypeError):
            raise WrongHistory(f"{path}, line {number}: must be JSON with what, key, outcome, position, case") from None
        if told.outcome not in ("ok", "failed", "unknown"):
            raise WrongHistory(f"{path}, line {number}: outcome must be ok, failed or unknown")
        yield told
