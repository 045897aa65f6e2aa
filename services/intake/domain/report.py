"""What intake knows of a report: the states of its own stream."""

from dataclasses import dataclass, replace

from services.contracts.cases import CaseAmended, CaseConfirmed, CaseErased, CaseReported, CaseWithdrawn
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class Unreported:
    pass


@dataclass(frozen=True, slots=True)
class Reported:
    """`confirmed` is the resolution that the resident confirmed last."""

    confirmed: int | None = None
    amendments: int = 0


@dataclass(frozen=True, slots=True)
class Withdrawn:
    pass


@dataclass(frozen=True, slots=True)
class Erased:
    pass


Report = Unreported | Reported | Withdrawn | Erased


def evolve(report: Report, event: Event) -> Report:
    match event:
        case CaseReported():
            return Reported()
        case CaseConfirmed() if isinstance(report, Reported):
            return replace(report, confirmed=event.resolution_version)
        case CaseAmended() if isinstance(report, Reported):
            return replace(report, amendments=report.amendments + 1)
        case CaseWithdrawn():
            return Withdrawn()
        case CaseErased():
            return Erased()
        case _:
            return report
