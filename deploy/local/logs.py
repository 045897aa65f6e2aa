"""One log file for each part: opened to append, kept below a size, its end read back for people."""

import os
import shutil
from pathlib import Path
from typing import IO

LIMIT_BYTES = 16 * 1024 * 1024


def open_log(path: Path) -> IO[bytes]:
    """Append-only, so that cutting it short under a running writer leaves no hole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab", buffering=0)


def bound(folder: Path, limit: int = LIMIT_BYTES) -> None:
    """Move what is in an overgrown log to `<name>.1`; the writer goes on in the same, now empty, file."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > limit:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def tail(path: Path, lines: int = 8) -> list[str]:
    """The last lines."""
    if not path.exists():
        return []
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 16_384))
        return [line for line in log.read().decode(errors="replace").splitlines() if line.strip()][-lines:]
