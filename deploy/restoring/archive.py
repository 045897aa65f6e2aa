"""PostgreSQL's archived log: a folder of segments, kept for as long as a backup may need them."""

import re
from pathlib import Path

BACKUPS_KEPT = 2
"""The newest, and the one before it for when the newest turns out to be damaged."""

_SEGMENT = re.compile(r"[0-9A-F]{24}")


def prune(folder: Path, kept: int = BACKUPS_KEPT) -> tuple[int, int]:
    """Remove what lies before the start of the backups kept; how many files, and how many bytes.

    PostgreSQL archives a `.backup` file for each backup, named by the segment that it begins in. Timelines overlap:
    after a restore a newer backup may begin in a lower segment, so what counts is the lowest one, on whatever timeline.
    """
    begun = sorted(path.name[:24] for path in folder.glob("*.backup") if _SEGMENT.match(path.name))
    if not begun:
        return 0, 0
    first = min(name[8:] for name in begun[-kept:])
    files = size = 0
    for path in folder.iterdir():
        if _SEGMENT.match(path.name) and path.name[8:24] < first:
            files, size = files + 1, size + path.stat().st_size
            path.unlink()
    return files, size
