"""Single servers of a stopped stack, run for the length of a block and found again if this process dies."""

import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local import logs, processes
from deploy.local.environment import inherited
from deploy.local.home import Home
from deploy.local.processes import Recorded

START_SECONDS = 60.0
_POLL_SECONDS = 0.05


class NotServing(Exception):
    """A server ended, or does not answer; the message says which, and its last words."""


@contextmanager
def serving(
    home: Home, name: str, command: Sequence[str], answers: Callable[[], bool], stop_signal: int
) -> Generator["subprocess.Popen[bytes]"]:
    """A server that answers; ended with the block. `doorstep up` and `down` end what a killed process leaves.

    Raises:
        NotServing: it does not start.
    """
    home.run.mkdir(parents=True, exist_ok=True)
    record = home.run / "processes.json"
    with logs.open_log(log_of(home, name)) as log:
        popen = subprocess.Popen(  # noqa: S603
            command, env=inherited(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    started = Recorded.of(name, popen.pid, stop_signal, 60.0)
    processes.write(record, [*processes.read(record), started])
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            require_alive(home, name, popen)
            if time.monotonic() > deadline:
                raise NotServing(f"{name} does not answer after {START_SECONDS:.0f} s. Its log: {log_of(home, name)}")
            time.sleep(_POLL_SECONDS)
        yield popen
    finally:
        if popen.poll() is None:
            processes.end(started)
            popen.wait()
        processes.write(record, [each for each in processes.read(record) if each.pid != started.pid])


def require_alive(home: Home, name: str, popen: "subprocess.Popen[bytes]") -> None:
    """Raises NotServing with the server's last words when it has ended."""
    if popen.poll() is not None:
        said = "\n".join(logs.tail(log_of(home, name)))
        raise NotServing(f"{name} ended with code {popen.returncode}:\n{said}")


def log_of(home: Home, name: str) -> Path:
    return home.logs / f"restoring-{name}.log"
