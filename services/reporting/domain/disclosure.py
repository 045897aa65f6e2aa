"""Which numbers of a table may be shown, so that no small one can be read or worked out.

A table is seen as a flow. Every cell is an arc between two nodes, and what flows into a node flows out of it: a
place's reported cases flow in, its open and its resolved ones flow out, and each of those columns flows on into
its total. What is not told is a cell too: who knows all others of a node knows it. Two tables that look alike to a
reader differ by cycles of this flow, so a hidden cell is safe when it lies on a cycle of hidden cells along which one
more, or one less, contradicts nothing that is shown.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from heapq import heappop, heappush
from itertools import count

SMALL = 5
"""Numbers from one to below this are hidden. Zero is about nobody, and hidden only to protect one of these."""


class Shown(Enum):
    EXACT = auto()
    FEW = auto()
    """Said to be fewer than five, as a zero is that protects such a number: who reads it can't tell them apart."""
    WITHHELD = auto()
    """At least five, but a small one could be worked out from it."""
    UNTOLD = auto()
    """Nothing is said about it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """`value` cases flow from `tail` to `head`; a cell that adds up to no other flows from a node to itself."""

    key: Hashable
    value: int
    tail: Hashable
    head: Hashable
    given: Shown | None = None
    """How it is shown, where that is decided elsewhere."""
    protected: bool = True
    """Whether a small number in it is hidden; where not, it only ties others to each other."""


@dataclass(slots=True, eq=False)
class _Step:
    """From a node along a cell (one more in it), or against it (one less), to the node `to`."""

    cell: Cell
    by: int
    to: Hashable
    cost: int | None = None
    """Of hiding the cell so that the step is not seen; none: it always is."""


_Steps = Mapping[Hashable, Sequence[_Step]]
"""By the node that they begin at."""

_SAYING_NOTHING = 1_000_000
"""What it costs to leave a cell untold, more than to withhold any number: it is done where nothing else helps."""


def disclose(cells: Iterable[Cell]) -> dict[Hashable, Shown]:
    """How to show each cell. What is not small is hidden only where it has to be, the smallest first."""
    table = list(cells)
    shown = {cell.key: cell.given or _alone(cell) for cell in table}
    both_ways = {cell.key: (_Step(cell, 1, cell.head), _Step(cell, -1, cell.tail)) for cell in table}
    steps: dict[Hashable, list[_Step]] = {}
    for along, against in both_ways.values():
        steps.setdefault(against.to, []).append(along)
        steps.setdefault(along.to, []).append(against)
        along.cost, against.cost = _cost(along, shown), _cost(against, shown)
    safe: set[Hashable] = set()
    for cell in table:
        if cell.key in safe or shown[cell.key] is Shown.EXACT or not (cell.protected and 0 < cell.value < SMALL):
            continue
        cycle = _cheapest_cycle(both_ways[cell.key], steps)
        if cycle is None:
            return {cell.key: cell.given or Shown.UNTOLD for cell in table}
        for step in cycle:
            key = step.cell.key
            shown[key] = _unseen(step, shown) or Shown.UNTOLD
            safe.add(key)
            for changed in both_ways[key]:
                changed.cost = _cost(changed, shown)
    return shown


def _alone(cell: Cell) -> Shown:
    return Shown.FEW if 0 < cell.value < SMALL else Shown.EXACT


def _unseen(step: _Step, shown: Mapping[Hashable, Shown]) -> Shown | None:
    """How the cell has to be shown so that a table after the step would look the same; none: that can't be."""
    cell, after = step.cell, step.cell.value + step.by
    how = shown[cell.key]
    if how is Shown.EXACT and cell.given is None:
        how = Shown.FEW if cell.value < SMALL else Shown.WITHHELD
    match how:
        case Shown.FEW if 0 < after < SMALL:
            return how
        case Shown.WITHHELD if after >= SMALL:
            return how
        case Shown.UNTOLD if after >= 0:
            return how
        case _:
            return Shown.UNTOLD if cell.given is None and after >= 0 else None


def _cost(step: _Step, shown: Mapping[Hashable, Shown]) -> int | None:
    """What is hidden already costs nothing."""
    how = _unseen(step, shown)
    if how is None:
        return None
    if how is shown[step.cell.key]:
        return 0
    return max(step.cell.value, 1) + (_SAYING_NOTHING if how is Shown.UNTOLD else 0)


def _cheapest_cycle(both_ways: Iterable[_Step], steps: _Steps) -> list[_Step] | None:
    """The steps of a cycle through a cell whose hiding costs the least: it begins with one of these."""
    cheapest: tuple[int, list[_Step]] | None = None
    along, against = both_ways
    for first, end in ((along, against.to), (against, along.to)):
        found = _shortest(first, end, steps)
        if found and (cheapest is None or found[0] < cheapest[0]):
            cheapest = found
    return cheapest and cheapest[1]


def _shortest(first: _Step, end: Hashable, steps: _Steps) -> tuple[int, list[_Step]] | None:
    """The steps to `end` that cost the least, and what they cost."""
    if first.cost is None:
        return None
    tie = count()
    waiting: list[tuple[int, int, _Step, Hashable]] = [(first.cost, next(tie), first, None)]
    came: dict[Hashable, tuple[_Step, Hashable]] = {}
    while waiting:
        cost, _, step, before = heappop(waiting)
        if step.to in came:
            continue
        came[step.to] = step, before
        if step.to == end:
            way = [step]
            while before is not None:
                step, before = came[before]
                way.append(step)
            return cost, way
        for onward in steps.get(step.to, ()):
            if onward.cost is not None and onward.to not in came and onward.cell is not first.cell:
                heappush(waiting, (cost + onward.cost, next(tie), onward, step.to))
    return None
