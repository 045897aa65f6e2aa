"""How the day looks in a terminal: who does what, at which hour of the story, and what it caused, in milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.demo.day import Day, Scene
from deploy.demo.doors import Act
from deploy.local.people import PEOPLE


@dataclass(frozen=True, slots=True)
class Effect:
    """What was seen where, so many milliseconds after the request that caused it began."""

    milliseconds: int
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A case at the end of the day; `state`, `owner` and `level` as mediation tells them."""

    title: str
    case_id: str
    receipt: str
    state: str = "?"
    owner: str = ""
    level: str = ""


class Show:
    def __init__(self, console: Console, day: Day) -> None:
        self._console, self._day = console, day

    def begin(self) -> None:
        self._line(Text(self._day.notice, "italic"))

    def story(self, title: str) -> None:
        self._line(Text(f"\n{title}", "bold cyan"))

    def scene(self, scene: Scene) -> None:
        self._console.print()
        self._beside(Text(f"  {scene.clock}  ", "bold"), Text(scene.said))

    def act(self, act: Act) -> None:
        self._line(Text(f"         {act.asked}  {act.status}", "dim"))

    def effects(self, effects: Sequence[Effect]) -> None:
        for effect in sorted(effects, key=lambda one: one.milliseconds):
            told = Text("         ↳ ", "green")
            told.append(f"{effect.milliseconds:>5,} ms  ", "green").append(f"{effect.where:<13}  ", "cyan")
            self._beside(told, Text(effect.text))

    def failed(self, title: str, scene: str, message: str) -> None:
        self._line(Text(f"\n✗ {title} ({scene}): {message}", "bold red"))

    def broken_off(self) -> None:
        self._line(Text("\nBroken off. What was done stands; the next doorstep demo tells a new day.", "yellow"))

    def summary(self, url: str, cases: Sequence[Ended]) -> None:
        words = self._day.words
        if cases:
            self._line(Text(f"\n{words.summary}", "bold cyan"))
            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
            for heading in (words.case, words.state, words.owner, words.level):
                table.add_column(heading, overflow="fold")
            for case in cases:
                table.add_row(case.title, case.state, case.owner, case.level)
            self._console.print(table)
            self._line(Text(f"\n{words.receipts}", "bold cyan"))
            for case in cases:
                self._line(Text(f"  {case.title}\n    {case.receipt}\n    {url}/desk/cases/{case.case_id}"))
        self._line(Text(f"\n{words.open}", "bold cyan"))
        for page, said in words.pages.items():
            self._line(Text(f"  {url}{page}  {said}"))
        self._line(Text(f"\n{words.sign_in}", "bold cyan"))
        for person in PEOPLE:
            self._line(Text(f"  {person.id:<16} {person.area}"))

    def counted(self, text: str) -> None:
        self._line(Text(f"\n{text}"))

    def _beside(self, lead: Text, text: Text) -> None:
        """In a terminal the text wraps in a column of its own; elsewhere each is one line, to be searched."""
        if not self._console.is_terminal:
            self._line(lead.append_text(text))
            return
        grid = Table.grid()
        grid.add_column(no_wrap=True, width=lead.cell_len)
        grid.add_column()
        grid.add_row(lead, text)
        self._console.print(grid)

    def _line(self, text: Text) -> None:
        self._console.print(text, soft_wrap=not self._console.is_terminal, highlight=False)
