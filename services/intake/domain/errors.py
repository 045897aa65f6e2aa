"""Why intake refuses a command.

Refused
├── AlreadyReported
├── AlreadyWithdrawn
├── AlreadyErased
├── NotReported
├── NotResolvedYet
└── RegisteredOtherwise   the area or community is known by other particulars
"""

from typing import ClassVar

from services.chassis.decider import Refused


class AlreadyReported(Refused):
    message: ClassVar[str] = "This case was reported before; follow it with its receipt."


class AlreadyWithdrawn(Refused):
    message: ClassVar[str] = "The report was withdrawn; if the trouble goes on, report it anew."


class AlreadyErased(Refused):
    message: ClassVar[str] = "What was held about this case was erased; if the trouble goes on, report it anew."


class NotReported(Refused):
    message: ClassVar[str] = "There is no such report; check the receipt."


class NotResolvedYet(Refused):
    message: ClassVar[str] = "Nothing is resolved yet; confirm when you have been told of a solution."


class RegisteredOtherwise(Refused):
    message: ClassVar[str] = (
        "{path} is registered already, as {name}; choose another path or send the same particulars."
    )
