"""B12: a warm start of the whole stack until it is ready, and the memory it then takes."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from deploy.local.home import PROJECT
from tests.bench.measure import Limits
from tests.bench.servers import Servers
from tests.conftest import free_port

START_LIMIT_SECONDS = 12
RUNNING_LIMIT_SECONDS = 2
MEMORY_LIMIT_MB = 1536


async def run(_servers: Servers) -> Limits:
    return await asyncio.to_thread(_measure)


def _measure() -> Limits:
    """On a home of its own; the servers of the other rows stay idle."""
    with tempfile.TemporaryDirectory(prefix="doorstep-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        stack = _Stack(Path(folder) / "home", free_port())
        try:
            stack.doorstep("up")
            stack.doorstep("down")
            warm = stack.doorstep("up")
            running = stack.doorstep("up")
            memory = stack.memory_mb()
        finally:
            stack.doorstep("down")
    return Limits(
        "B12",
        "the whole stack",
        (
            ("warm start", warm, START_LIMIT_SECONDS, "s"),
            ("up when running", running, RUNNING_LIMIT_SECONDS, "s"),
            ("memory", memory, MEMORY_LIMIT_MB, "MB"),
        ),
    )


class _Stack:
    def __init__(self, home: Path, port: int) -> None:
        self._home = home
        self._environment = os.environ | {"DOORSTEP_HOME": str(home), "DOORSTEP_GATEWAY_PORT": str(port)}

    def doorstep(self, command: str) -> float:
        """Run a command; how many seconds it took."""
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "deploy.cli", command],
            cwd=PROJECT,
            env=self._environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - began

    def memory_mb(self) -> float:
        """Of every process of the stack, what several share counted once (PSS)."""
        supervisor = psutil.Process(json.loads((self._home / "run" / "status.json").read_text())["supervisor"])
        processes = [supervisor, *supervisor.children(recursive=True)]
        return sum(process.memory_full_info().pss for process in processes) / 2**20
