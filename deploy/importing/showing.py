"""How an import looks while it runs: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deploy.importing.ledger import Counts

LINE_SECONDS = 5.0


class Show:
    """Told of counts and of what is waited for, as often as they change."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._began = time.monotonic()
        self._first_rows: int | None = None
        self._next_line = 0.0
        self._waiting: str | None = None
        self._bar: Progress | None = None
        self._task = TaskID(0)

    @contextmanager
    def live(self) -> Generator[None]:
        if not self._console.is_terminal:
            yield
            return
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=self._console, transient=True) as self._bar:
            self._task = self._bar.add_task("", total=self._total)
            yield

    def counted(self, counts: Counts) -> None:
        if self._first_rows is None:
            self._first_rows = counts.rows
        now = time.monotonic()
        rate = (counts.rows - self._first_rows) / max(now - self._began, 0.001)
        told = f"{rate:,.0f} rows/s · {in_words(counts)}"
        if self._bar:
            waiting = f" · [yellow]{self._waiting}[/]" if self._waiting else ""
            self._bar.update(self._task, completed=counts.rows, description=told + waiting)
        elif now >= self._next_line:
            self._next_line = now + LINE_SECONDS
            self._console.print(f"{counts.rows:,} of {self._total:,} · {told}", soft_wrap=True, highlight=False)

    def waiting(self, what: str | None) -> None:
        """What is waited for; each new thing is told once."""
        if what and what != self._waiting and not self._bar:
            self._console.print(what, soft_wrap=True, highlight=False)
        self._waiting = what


def in_words(counts: Counts) -> str:
    named = [
        (counts.accepted, "accepted"),
        (counts.duplicate, "known before"),
        (counts.conflict, "conflicts"),
        (counts.rejected, "rejected"),
        (counts.resolved, "resolved"),
        (counts.unresolved, "not resolved"),
    ]
    return " · ".join(f"{number:,} {name}" for number, name in named if number or name == "accepted")
