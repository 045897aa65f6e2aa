"""One seeded scheduler: time that nobody waits for, and turns in an order that the seed gives."""

import asyncio
import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

EPOCH = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""When every schedule begins: a Monday morning in Shanghai."""


class NothingLeft(Exception):
    """Everybody waits, and nothing will ever happen again."""


class Process:
    """What a kill -9 ends: the tasks begun in it never get another turn, and none of their clean-up runs."""

    __slots__ = ("_waiting", "alive", "clock_ahead", "frozen", "name", "on_end", "tasks")

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen = False
        self._waiting: list[asyncio.Handle] = []
        self.clock_ahead = timedelta()
        self.tasks: list[asyncio.Task[Any]] = []
        self.on_end: list[Callable[[], None]] = []
        """What its peers notice: connections that end."""

    def start(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        context = copy_context()
        context.run(PROCESS.set, self)
        task = asyncio.get_running_loop().create_task(work, name=name, context=context)
        self.tasks.append(task)
        return task

    def kill(self) -> None:
        self.alive = False
        noticing, self.on_end = self.on_end, []
        for noticed in noticing:
            noticed()

    def freeze(self) -> None:
        """As SIGSTOP does: whatever its turn would be waits."""
        self.frozen = True

    def put_off(self, handle: asyncio.Handle) -> None:
        self._waiting.append(handle)

    def thaw(self) -> None:
        """As SIGCONT does."""
        self.frozen = False
        loop: Any = asyncio.get_running_loop()
        loop._ready.extend(self._waiting)
        self._waiting.clear()


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class Scheduler(asyncio.BaseEventLoop):
    """An event loop whose clock stands still while anybody can run, and whose next turn is drawn by the seed."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.draw = random.Random(seed)
        self._now = 0.0
        self.day_ends = math.inf
        """From then on no more of the day passes: nothing falls due that was not; waits go on."""
        self._pick = self.draw.random
        self.turns = 0
        self.set_exception_handler(_unheard)

    def time(self) -> float:
        return self._now

    def wall_clock(self) -> datetime:
        """The time that servers agree upon; a process's own clock may differ."""
        return EPOCH + timedelta(seconds=min(self._now, self.day_ends))

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        """There are no threads: what would block is done at once."""
        del executor
        done: asyncio.Future[T] = self.create_future()
        done.set_result(func(*args))
        return done

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def _run_once(self) -> None:
        """Turn after turn, until somebody stops the loop."""
        ready, pick = self._ready, self._pick
        while not self._stopping:
            if not ready:
                self._pass_time()
            waiting = len(ready)
            if waiting > 1:
                ready.rotate(-int(pick() * waiting))
            handle = ready.popleft()
            if handle._cancelled:
                continue
            process = handle._context.get(PROCESS)
            if process is not None:
                if not process.alive:
                    continue
                if process.frozen:
                    process.put_off(handle)
                    continue
            self.turns += 1
            handle._run()

    def _pass_time(self) -> None:
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not scheduled:
            raise NothingLeft
        self._now = max(self._now, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if not handle._cancelled:
                self._ready.append(handle)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """The heap lets go of it when its time comes."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector."""

    def _process_events(self, event_list: object) -> None:
        """There are none but our own."""


def _unheard(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """Tasks of dead processes are never awaited, and that is as it should be."""
