"""Which numbers of a table may be shown, so that no small one can be read or worked out.

A table is seen as a flow. Every cell is an arc between two nodes, and what flows into a node flows out of it: a
place's reported cases flow in, its open and its resolved ones flow out, and each of those columns flows on into
its total. Two tables that look alike to a reader differ by cycles of this flow, so a hidden cell is safe when it
lies on a cycle of hidden cells along which one more, or one less, contradicts nothing that is shown.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from heapq import heappop, heappush
from itertools import count

SMALL = 5
"""Numbers from one to below this are hidden. Zero is shown: it is about nobody."""


class Shown(Enum):
    EXACT = auto()
    FEW = auto()
    """Said to be fewer than five."""
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


def disclose(cells: Iterable[Cell]) -> dict[Hashable, Shown]:
    """How to show each cell. What is not small is hidden only where it has to be, the smallest first."""
    table = list(cells)
    shown = {cell.key: cell.given or _alone(cell) for cell in table}
    for cell in table:
        if shown[cell.key] is Shown.EXACT or not 0 < cell.value < SMALL:
            continue
        cycle = _cheapest_cycle(cell, table, shown)
        if cycle is None:
            return {cell.key: cell.given or Shown.UNTOLD for cell in table}
        for other in cycle:
            if shown[other.key] is Shown.EXACT:
                shown[other.key] = Shown.WITHHELD
    return shown


def _alone(cell: Cell) -> Shown:
    return Shown.FEW if 0 < cell.value < SMALL else Shown.EXACT


def _may_step(cell: Cell, shown: Shown, step: int) -> bool:
    """Whether a table with one more (or one less) in this cell would look the same, were the cell hidden."""
    match shown:
        case Shown.EXACT:
            return cell.given is None and cell.value + step >= SMALL and cell.value >= SMALL
        case Shown.WITHHELD:
            return cell.value + step >= SMALL
        case Shown.FEW:
            return 0 < cell.value + step < SMALL
        case Shown.UNTOLD:
            return cell.value + step >= 0


def _cheapest_cycle(cell: Cell, table: list[Cell], shown: Mapping[Hashable, Shown]) -> list[Cell] | None:
    """The cells of a cycle through `cell` whose hiding costs the least: what is hidden already costs nothing."""
    arcs: dict[Hashable, list[tuple[Hashable, int, Cell]]] = {}
    for other in table:
        if other is not cell:
            cost = other.value if shown[other.key] is Shown.EXACT else 0
            if _may_step(other, shown[other.key], 1):
                arcs.setdefault(other.tail, []).append((other.head, cost, other))
            if _may_step(other, shown[other.key], -1):
                arcs.setdefault(other.head, []).append((other.tail, cost, other))
    return min(_returns(cell, shown[cell.key], arcs), key=lambda found: found[0], default=(0, None))[1]


def _returns(
    cell: Cell, shown: Shown, arcs: Mapping[Hashable, list[tuple[Hashable, int, Cell]]]
) -> Iterator[tuple[int, list[Cell]]]:
    for step, begin, end in ((1, cell.head, cell.tail), (-1, cell.tail, cell.head)):
        if _may_step(cell, shown, step) and (found := _shortest(begin, end, arcs)):
            yield found


def _shortest(
    begin: Hashable, end: Hashable, arcs: Mapping[Hashable, list[tuple[Hashable, int, Cell]]]
) -> tuple[int, list[Cell]] | None:
    tie = count()
    waiting: list[tuple[int, int, Hashable, list[Cell]]] = [(0, next(tie), begin, [])]
    reached: set[Hashable] = set()
    while waiting:
        cost, _, node, path = heappop(waiting)
        if node == end:
            return cost, path
        if node in reached:
            continue
        reached.add(node)
        for head, more, cell in arcs.get(node, ()):
            if head not in reached:
                heappush(waiting, (cost + more, next(tie), head, [*path, cell]))
    return None
