"""Which processes were started, told apart for good by id and start time, and how they are ended."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Recorded:
    """A started process, leader of its own group. An id alone may by now belong to a stranger."""

    name: str
    pid: int
    started: float
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 10.0

    @staticmethod
    def of(name: str, pid: int, stop_signal: int = signal.SIGTERM, stop_seconds: float = 10.0) -> "Recorded":
        """Of a process that runs now.

        Raises:
            psutil.NoSuchProcess: it has ended and was waited for.
        """
        return Recorded(name, pid, psutil.Process(pid).create_time(), stop_signal, stop_seconds)

    def process(self) -> psutil.Process | None:
        """The process, if it still runs."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < 0.1
        except psutil.NoSuchProcess:
            return None
        return found if same and not _has_ended(found) else None


def write(path: Path, recorded: Sequence[Recorded]) -> None:
    """Replace the record as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps([asdict(each) for each in recorded]))
    draft.replace(path)


def read(path: Path) -> list[Recorded]:
    """What was recorded last, in the order of starting; empty when nothing was."""
    if not path.exists():
        return []
    return [Recorded(**values) for values in json.loads(path.read_text())]


def end(recorded: Recorded) -> bool:
    """Ask the process to stop, wait, then end its whole group; says whether it was running."""
    process = recorded.process()
    if process is None:
        return False
    below = children(process)
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(recorded.stop_signal)
        process.send_signal(signal.SIGCONT)
    if not wait_until_gone([process], recorded.stop_seconds):
        kill_group(recorded.pid)
    kill(below)
    return True


def kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def kill(processes: Sequence[psutil.Process], patience: float = 0.0) -> None:
    """End what has not gone by itself within `patience` seconds."""
    wait_until_gone(processes, patience)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_until_gone(processes, 5)


def working_in(folder: Path, executable: Path) -> list[psutil.Process]:
    """Processes of this executable in this working folder: a killed server's children, whoever adopted them."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == str(folder) and Path(process.exe()) == executable:
                found.append(process)
    return found


def wait_until_gone(processes: Sequence[psutil.Process], seconds: float) -> bool:
    """Whether all have ended in time; one that only waits to be reaped by its parent has."""
    deadline = time.monotonic() + seconds
    while not all(map(_has_ended, processes)):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def children(process: psutil.Process) -> list[psutil.Process]:
    """All below it, of any depth."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
