"""Keeps parts running: starts each when what it needs is ready, again when it dies, and stops them in reverse."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.local import logs, processes, status
from deploy.local.backoff import Backoff
from deploy.local.processes import Recorded
from deploy.local.status import PartStatus, Phase, StackStatus

_POLL_SECONDS = 0.05
_BOUND_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Step:
    """Something done once, in this process."""

    name: str
    do: Callable[[], Awaitable[None]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Process:
    """A program that runs for as long as the stack; with `once`, until it has succeeded."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    needs: tuple[str, ...] = ()
    folder: Path | None = None
    prepare: Callable[[], None] = lambda: None
    """Called in a thread before every start."""
    answers: Callable[[], bool] = lambda: True
    """Called in a thread until it says that the program is ready."""
    once: bool = False
    unneeded: Callable[[], bool] = lambda: False
    """With `once`: whether it need not run this time."""
    succeeded: Callable[[], None] = lambda: None
    """With `once`: called when it has."""
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 10.0


Part = Step | Process


@dataclass(eq=False, slots=True)
class _Child:
    popen: "subprocess.Popen[bytes]"
    record: Recorded
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Parts by name; `run` returns when all are stopped."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        run: Path,
        logs: Path,
        gateway_port: int,
        supervisor: int,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._parts = parts
        self._run, self._logs, self._backoff = run, logs, backoff
        now = time.time()
        self._status = {part.name: PartStatus(part.name, "waiting", now) for part in parts}
        self._stack = StackStatus(supervisor, gateway_port, now, list(self._status.values()))
        self._ready = {part.name: asyncio.Event() for part in parts}
        self._stopped = {part.name: asyncio.Event() for part in parts}
        self._children: dict[str, _Child] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the parts until `stop` is set, then stop them, each after those that need it."""
        self._run.mkdir(parents=True, exist_ok=True)
        self._end_leftovers()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        self._write()
        keepers = [asyncio.create_task(self._keep(part)) for part in self._parts]
        keepers.append(asyncio.create_task(self._bound_logs()))
        # A keeper fails only by a defect of its own: then the stack stops rather than run unwatched.
        keeping = asyncio.gather(*keepers)
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([keeping, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            keeping.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            await asyncio.gather(*(self._stop(part) for part in self._parts))
            loop.remove_signal_handler(signal.SIGCHLD)
        with suppress(asyncio.CancelledError):
            await keeping

    async def _keep(self, part: Part) -> None:
        for need in part.needs:
            self._tell(part, "waiting", f"for {need}")
            await self._ready[need].wait()
        backoff = self._backoff()
        while True:
            began = time.monotonic()
            self._tell(part, "starting")
            why = await (self._do(part) if isinstance(part, Step) else self._live(part))
            if why is None:
                return
            delay = backoff.after(time.monotonic() - began)
            known = self._status[part.name]
            known.restarts += 1
            known.failures = backoff.failures
            self._tell(part, "failed", f"{why}; again in {delay:g} s")
            await asyncio.sleep(delay)

    async def _do(self, step: Step) -> str | None:
        try:
            await step.do()
        except Exception as error:  # whatever a step meets is shown and tried again: nobody else is there to see it
            return f"{type(error).__name__}: {error}"
        self._announce(step)
        return None

    async def _live(self, part: Process) -> str | None:
        """One life of a program; why it ended, or None when it had only to succeed and did."""
        try:
            if part.once and part.unneeded():
                self._announce(part)
                return None
            await asyncio.to_thread(part.prepare)
            child = self._spawn(part)
        except subprocess.CalledProcessError as error:
            return f"{Path(error.cmd[0]).name} failed: {str(error.stderr).strip()[-300:]}"
        except Exception as error:  # as above
            return f"{type(error).__name__}: {error}"
        watching = None if part.once else asyncio.create_task(self._watch(part, child))
        try:
            await child.ended.wait()
        finally:
            if watching:
                watching.cancel()
        del self._children[part.name]
        self._record()
        code = child.popen.returncode
        if part.once and code == 0:
            part.succeeded()
            self._announce(part)
            return None
        return f"ended by signal {-code}" if code < 0 else f"ended with code {code}"

    async def _watch(self, part: Process, child: _Child) -> None:
        while not await asyncio.to_thread(part.answers):  # noqa: ASYNC110 - it is outside that answers
            await asyncio.sleep(_POLL_SECONDS)
        if not child.ended.is_set():
            self._status[part.name].failures = 0
            self._announce(part)

    def _spawn(self, part: Process) -> _Child:
        with logs.open_log(self._logs / f"{part.name}.log") as log:
            popen = subprocess.Popen(  # noqa: S603
                part.command,
                env=part.environment,
                cwd=part.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        child = _Child(popen, Recorded.of(part.name, popen.pid, part.stop_signal, part.stop_seconds))
        self._children[part.name] = child
        self._status[part.name].pid = popen.pid
        self._record()
        self._reap()
        self._write()
        return child

    def _reap(self) -> None:
        for child in self._children.values():
            if child.popen.poll() is not None:
                child.ended.set()

    async def _stop(self, part: Part) -> None:
        for other in self._parts:
            if part.name in other.needs:
                await self._stopped[other.name].wait()
        if child := self._children.get(part.name):
            self._tell(part, "stopping")
            await self._end(child)
            del self._children[part.name]
            self._record()
        self._tell(part, "stopped")
        self._stopped[part.name].set()

    async def _end(self, child: _Child) -> None:
        below = [] if child.ended.is_set() else processes.children(psutil.Process(child.record.pid))
        with suppress(ProcessLookupError):
            child.popen.send_signal(child.record.stop_signal)
            child.popen.send_signal(signal.SIGCONT)
        try:
            await asyncio.wait_for(child.ended.wait(), child.record.stop_seconds)
        except TimeoutError:
            processes.kill_group(child.record.pid)
            await child.ended.wait()
        await asyncio.to_thread(processes.kill, below)

    def _end_leftovers(self) -> None:
        """End what a supervisor that was itself killed has left running."""
        for recorded in reversed(processes.read(self._run / "processes.json")):
            processes.end(recorded)

    async def _bound_logs(self) -> None:
        while True:
            await asyncio.to_thread(logs.bound, self._logs)
            await asyncio.sleep(_BOUND_SECONDS)

    def _announce(self, part: Part) -> None:
        self._ready[part.name].set()
        self._tell(part, "ready")

    def _tell(self, part: Part, phase: Phase, note: str = "") -> None:
        known = self._status[part.name]
        known.phase, known.since, known.note = phase, time.time(), note
        if phase in ("failed", "stopped") or part.name not in self._children:
            known.pid = None
        self._write()

    def _write(self) -> None:
        status.write(self._run / "status.json", self._stack)

    def _record(self) -> None:
        processes.write(self._run / "processes.json", [child.record for child in self._children.values()])
