"""Communities on a map without a ground: where they lie to each other, north above, drawn from their coordinates."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.read_models.places import CommunityRow

WIDTH = 340
"""That of an old phone, so that there a thumb meets what it means."""
_TALLEST, _LOWEST = 460, 180
_MARGIN = 24
_APART = 46
"""A thumb wide; what lies closer is moved."""
_STEPS = 60
_METRES_A_DEGREE = 111_320
_LENGTHS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)


@dataclass(frozen=True, slots=True)
class Pin:
    """`nth` stands at its place and beside its name in the list."""

    nth: int
    community: UUID
    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Map:
    """`bar` is how long, on it, `metres` are."""

    height: int
    pins: Sequence[Pin]
    metres: int
    bar: float


def map_of(rows: Sequence[CommunityRow], spots: Mapping[UUID, tuple[float, float]]) -> Map | None:
    """Of those whose place is known, numbered as they stand in `rows`; none: there are not two of them."""
    placed = [(nth, row, spots[row.community_id]) for nth, row in enumerate(rows, 1) if row.community_id in spots]
    if len(placed) < 2:
        return None
    middle = sum(latitude for _, _, (latitude, _) in placed) / len(placed)
    narrower = math.cos(math.radians(middle))
    east = [longitude * narrower * _METRES_A_DEGREE for _, _, (_, longitude) in placed]
    north = [latitude * _METRES_A_DEGREE for _, _, (latitude, _) in placed]
    wide, tall = max(max(east) - min(east), 1.0), max(max(north) - min(north), 1.0)
    scale = min((WIDTH - 2 * _MARGIN) / wide, (_TALLEST - 2 * _MARGIN) / tall)
    height = round(min(max(tall * scale + 2 * _MARGIN, _LOWEST), _TALLEST))
    left, top = (WIDTH - wide * scale) / 2, (height - tall * scale) / 2
    points = [
        ((metres - min(east)) * scale + left, (max(north) - other) * scale + top)
        for metres, other in zip(east, north, strict=True)
    ]
    pins = [
        Pin(nth, row.community_id, row.name, round(x, 1), round(y, 1))
        for (nth, row, _), (x, y) in zip(placed, _spread(points, height), strict=True)
    ]
    metres = max((length for length in _LENGTHS if length * scale <= WIDTH / 3), default=_LENGTHS[0])
    return Map(height, pins, metres, round(min(metres * scale, WIDTH / 2), 1))


def _spread(points: Sequence[tuple[float, float]], height: float) -> list[tuple[float, float]]:
    """Move what lies on top of each other apart, a little at a time, and keep all on the map."""
    moved = [list(point) for point in points]
    for _ in range(_STEPS):
        still = True
        for one in range(len(moved)):
            for other in range(one + 1, len(moved)):
                across, down = moved[other][0] - moved[one][0], moved[other][1] - moved[one][1]
                apart = math.hypot(across, down)
                if apart >= _APART:
                    continue
                still = False
                # Two at the very same place go apart each in a direction of its own.
                turn = math.atan2(down, across) if apart > 0.1 else 2.4 * other
                push = (_APART - apart) / 2
                moved[one][0] -= push * math.cos(turn)
                moved[one][1] -= push * math.sin(turn)
                moved[other][0] += push * math.cos(turn)
                moved[other][1] += push * math.sin(turn)
        for point in moved:
            point[0] = min(max(point[0], _MARGIN), WIDTH - _MARGIN)
            point[1] = min(max(point[1], _MARGIN), height - _MARGIN)
        if still:
            break
    return [(x, y) for x, y in moved]
