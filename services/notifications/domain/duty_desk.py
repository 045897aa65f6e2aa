"""The duty desk of an area: at most one cadre sits there; an empty one is answered for by the next above."""

from dataclasses import dataclass

from services.contracts.duty import DutyLeft, DutyTaken
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class Unmanned:
    pass


@dataclass(frozen=True, slots=True)
class Manned:
    cadre: str


DutyDesk = Unmanned | Manned


def evolve(desk: DutyDesk, event: Event) -> DutyDesk:
    match event:
        case DutyTaken():
            return Manned(event.cadre)
        case DutyLeft():
            return Unmanned()
        case _:
            return desk


def desks_above(level: str) -> list[str]:
    """The areas whose desks answer for `level`: its own, then each above it, up to the root."""
    parts = level.strip("/").split("/") if level != "/" else []
    return ["/" + "".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts), -1, -1)]
