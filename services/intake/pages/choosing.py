"""Which communities are shown to choose from: all of a few, or of many those below one area, or with a word in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.chassis.areas import up_from
from services.intake.read_models.places import CommunityRow

FEW = 60
"""So many are shown at once."""


@dataclass(frozen=True, slots=True)
class Branch:
    """An area to look into; `many` is how many communities lie there."""

    path: str
    name: str
    many: int


@dataclass(frozen=True, slots=True)
class Group:
    """Communities of one area, under its name."""

    name: str
    rows: Sequence[CommunityRow]


@dataclass(frozen=True, slots=True)
class Choice:
    """`trail` leads to the area that is looked into; `more` were found and are not shown."""

    trail: Sequence[Branch] = ()
    branches: Sequence[Branch] = ()
    groups: Sequence[Group] = ()
    more: int = 0

    @property
    def rows(self) -> Sequence[CommunityRow]:
        """Those that are shown, in the order in which they are."""
        return [row for group in self.groups for row in group.rows]


def areas_of(rows: Sequence[CommunityRow]) -> set[str]:
    """Every area above a community; their names are shown and searched."""
    return {area for parent in {_parent(row.path) for row in rows} for area in up_from(parent)} - {"/"}


def choice_of(
    rows: Sequence[CommunityRow], names: Mapping[str, str], within: str = "", find: str = "", few: int = FEW
) -> Choice:
    """`within` is the path of an area, `find` some letters of a name; what fits nothing is as if it were not said."""
    inside = [row for row in rows if row.path.startswith(within)] if within else list(rows)
    if not inside:
        within, inside = "", list(rows)
    found = [row for row in inside if _has(row, names, find)] if find else inside
    trail = _trail(within, rows, names)
    if len(found) <= few:
        return Choice(trail, (), _groups(found, names))
    if find:
        return Choice(trail, (), _groups(found[:FEW], names), more=len(found) - FEW)
    top = _common(found)
    here = [row for row in found if _parent(row.path) == top]
    below = groupby((row for row in found if _parent(row.path) != top), lambda row: _step(row.path, top))
    branches = [Branch(path, names.get(path, path), len(list(some))) for path, some in below]
    return Choice(trail, branches, _groups(here[:FEW], names), more=max(len(here) - FEW, 0))


def _has(row: CommunityRow, names: Mapping[str, str], find: str) -> bool:
    """Each word of it, in the name of the community or of an area above."""
    told = " ".join((row.name, *(names.get(area, "") for area in up_from(_parent(row.path))))).casefold()
    return all(word in told for word in find.casefold().split())


def _groups(rows: Sequence[CommunityRow], names: Mapping[str, str]) -> list[Group]:
    ordered = sorted(rows, key=lambda row: (_parent(row.path), row.name))
    return [
        Group(names.get(parent, parent.strip("/")), list(some))
        for parent, some in groupby(ordered, lambda row: _parent(row.path))
    ]


def _trail(within: str, rows: Sequence[CommunityRow], names: Mapping[str, str]) -> list[Branch]:
    areas = [area for area in reversed(up_from(within)) if area != "/"] if within else []
    return [
        Branch(area, names.get(area, area), sum(1 for row in rows if row.path.startswith(area)))
        for area in areas
        if area in names
    ]


def _common(rows: Sequence[CommunityRow]) -> str:
    """The narrowest area that they all lie in."""
    return next(area for area in up_from(_parent(rows[0].path)) if all(row.path.startswith(area) for row in rows))


def _step(path: str, top: str) -> str:
    """The area just below `top` on the way to `path`."""
    return path[: path.index("/", len(top)) + 1]


def _parent(path: str) -> str:
    return path[: path.rstrip("/").rindex("/") + 1]
