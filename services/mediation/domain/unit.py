"""The rule of an outside unit: registered once; it may get another name, but no other place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from services.chassis.decider import Decider, Refused
from services.chassis.web.marked import marked
from services.contracts.event import Event, StreamKind
from services.contracts.registry import UnitRegistered


class RegisteredElsewhere(Refused):
    message: ClassVar[str] = marked("The unit is registered for {area}; choose another code.")


@dataclass(frozen=True, slots=True)
class RegisterUnit:
    unit: str
    area: str
    name: str


def register_unit(command: RegisterUnit, unit: UnitRegistered | None) -> Sequence[Event]:
    registered = UnitRegistered(unit=command.unit, area=command.area, name=command.name)
    if unit == registered:
        return []
    if unit is not None and unit.area != command.area:
        raise RegisteredElsewhere(area=unit.area)
    return [registered]


def _unit(unit: UnitRegistered | None, event: Event) -> UnitRegistered | None:
    return event if isinstance(event, UnitRegistered) else unit


UNITS: Decider[RegisterUnit, UnitRegistered | None] = Decider(StreamKind.UNIT, None, register_unit, _unit)
