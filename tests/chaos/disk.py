"""Small disks that can be filled to the last byte: tmpfs, which only root may mount."""

import errno
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

MEGABYTE = 1024 * 1024


class NoDisk(Exception):
    """This machine lets nobody mount one; the message is its own."""


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Generator[Path]:
    """A disk of that size at `folder` for the length of a block.

    Raises:
        NoDisk: see there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise NoDisk(made.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(disk: Path) -> Generator[None]:
    """Nothing more can be written there for the length of a block."""
    ballast = disk / "ballast"
    try:
        fill(ballast)
        yield
    finally:
        ballast.unlink()


def fill(ballast: Path) -> None:
    """Take whatever is left of the disk; again, if something was freed meanwhile."""
    for piece in (MEGABYTE, 4096, 1):
        with ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
