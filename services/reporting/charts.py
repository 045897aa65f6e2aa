"""Lines for the eye: values by month as points of an SVG, with gaps where nothing may be shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.chassis.web.languages import Language

Values = Sequence[int | None]
Scale = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Line:
    """`runs` are polylines; a lone month is a run of one point, drawn as a dot."""

    name: str
    label: str
    runs: Sequence[str]
    dots: Sequence[tuple[float, float]]
    end: tuple[float, float] | None
    """The last point."""
    label_at: float
    """The height of its label, moved away from its neighbours'."""


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    width: int
    height: int
    lines: Sequence[Line]
    months: Sequence[Tick]
    levels: Sequence[Tick]
    right: float
    """Where the lines end and their labels begin."""
    left: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    label: str
    values: Values


LABEL_HEIGHT = 15.0


def chart(
    months: Sequence[date],
    series: Sequence[Series],
    width: int,
    height: int,
    label_width: float,
    most_months: int,
    language: Language,
) -> Chart:
    """All series on one scale from zero, labelled at their ends; at most `most_months` names of months below."""
    top = _round_up(max((value for one in series for value in one.values if value is not None), default=0))
    left, right, upper, bottom = 4.0, width - label_width, 14.0, height - 22.0
    across = (right - left) / max(len(months) - 1, 1)

    def x(nth: int) -> float:
        return round(left + nth * across, 1)

    def y(value: int) -> float:
        return round(bottom - (bottom - upper) * value / top, 1)

    lines = [_line(one, x, y, left) for one in series]
    return Chart(
        width=width,
        height=height,
        lines=_apart(lines, upper - 6, bottom),
        months=[Tick(x(nth), name) for nth, name in _named(months, most_months, language)],
        levels=[Tick(y(level), language.number(level)) for level in (top, top // 2) if level],
        right=right,
        left=left,
        bottom=bottom,
    )


def sparkline(values: Values, top: int, width: int = 240, height: int = 48) -> Line:
    """One thin line on a scale from zero to `top`, so that lines side by side can be compared."""
    right, upper, bottom = width - 4.0, 6.0, height - 6.0
    across = (right - 4.0) / max(len(values) - 1, 1)
    return _line(
        Series("trend", "", values),
        lambda nth: round(4.0 + nth * across, 1),
        lambda value: round(bottom - (bottom - upper) * value / max(top, 1), 1),
        4.0,
    )


def _line(series: Series, x: Scale, y: Scale, left: float) -> Line:
    runs: list[list[tuple[float, float]]] = [[]]
    for nth, value in enumerate(series.values):
        if value is not None:
            runs[-1].append((x(nth), y(value)))
        elif runs[-1]:
            runs.append([])
    points = [point for run in runs for point in run]
    return Line(
        name=series.name,
        label=series.label,
        runs=[" ".join(f"{across},{down}" for across, down in run) for run in runs if len(run) > 1],
        dots=[run[0] for run in runs if len(run) == 1],
        end=points[-1] if points else None,
        label_at=points[-1][1] if points else left,
    )


def _apart(lines: Sequence[Line], upper: float, bottom: float) -> list[Line]:
    """Labels moved so far that none lies on another, from the top down, and back up from the bottom."""
    ordered = sorted(lines, key=lambda line: line.label_at)
    heights: list[float] = []
    for line in ordered:
        heights.append(max(line.label_at, heights[-1] + LABEL_HEIGHT if heights else upper))
    for nth in range(len(heights) - 1, -1, -1):
        limit = heights[nth + 1] - LABEL_HEIGHT if nth + 1 < len(heights) else bottom
        heights[nth] = min(heights[nth], limit)
    return [replace(line, label_at=height) for line, height in zip(ordered, heights, strict=True)]


def _named(months: Sequence[date], most: int, language: Language) -> list[tuple[int, str]]:
    """Which months get a name: Januaries, by their year, in a long row; otherwise every so many."""
    januaries = [(nth, str(month.year)) for nth, month in enumerate(months) if month.month == 1]
    if len(months) > 24 and 0 < len(januaries) <= most:
        return januaries
    every = -(-len(months) // most) if months else 1
    return [(nth, language.short_month(month)) for nth, month in enumerate(months) if nth % every == 0]


def _round_up(value: int) -> int:
    """To the next of 2, 4, 6, 8, 10 in its own power of ten, so that a scale ends at a round number."""
    if value <= 2:
        return 2
    power = 10 ** (len(str(value)) - 1)
    step = max(power * 2, 2) if value > 2 * power else max(power // 5, 2)
    return -(-value // step) * step
