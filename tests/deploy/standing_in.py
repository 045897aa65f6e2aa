"""Small programs that stand in for servers, and a supervisor to keep them."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import status
from deploy.local.backoff import Backoff
from deploy.local.status import PartStatus
from deploy.local.supervisor import Part, Process, Supervisor

_ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder where stand-ins write down, in order, what happened to them."""

    folder: Path

    @property
    def run(self) -> Path:
        return self.folder / "run"

    def happened(self) -> list[str]:
        told = self.folder / "happened"
        return told.read_text().split() if told.exists() else []

    def server(self, name: str, needs: tuple[str, ...] = (), stop_seconds: float = 10.0, deaf: bool = False) -> Process:
        """Says `NAME+` when it runs and `NAME-` when it is asked to stop; a deaf one takes no notice."""
        told = self.folder / "happened"
        on_stop = "" if deaf else f"echo {name}- >> {told}; exit 0"
        script = f"trap '{on_stop}' TERM; echo {name}+ >> {told}; while :; do sleep 0.02; done"
        return Process(
            name,
            ["sh", "-c", script],
            _ENVIRONMENT,
            needs=needs,
            answers=lambda: self._last_of(name) == f"{name}+",
            stop_seconds=stop_seconds,
        )

    def _last_of(self, name: str) -> str | None:
        """Of an earlier life's word only the last counts: it may have been told to stop since."""
        told = [word for word in self.happened() if word[:-1] == name]
        return told[-1] if told else None

    def program(self, name: str, script: str, needs: tuple[str, ...] = ()) -> Process:
        """Runs once, to its end."""
        return Process(name, ["sh", "-c", script], _ENVIRONMENT, needs=needs, once=True, folder=self.folder)

    def part(self, name: str) -> PartStatus:
        stack = status.read(self.run / "status.json")
        assert stack
        return next(part for part in stack.parts if part.name == name)

    def is_ready(self) -> bool:
        stack = status.read(self.run / "status.json")
        return stack is not None and stack.is_ready()


@asynccontextmanager
async def kept(stage: Stage, parts: Sequence[Part]) -> AsyncGenerator[None]:
    """A supervisor over these parts for the length of a block, with short waits between restarts."""
    supervisor = Supervisor(
        parts,
        run=stage.run,
        logs=stage.folder / "logs",
        gateway_port=0,
        supervisor=0,
        backoff=lambda: Backoff(first=0.01, last=0.05),
    )
    stop = asyncio.Event()
    running = asyncio.create_task(supervisor.run(stop))
    try:
        await until(lambda: status.read(stage.run / "status.json") is not None)
        yield
    finally:
        stop.set()
        await running


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        await asyncio.sleep(0.01)
