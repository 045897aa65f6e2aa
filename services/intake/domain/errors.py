"""Why intake refuses a command.

Refused
├── AlreadyReported
├── AlreadyWithdrawn
├── AlreadyErased
├── NotReported
├── NotResolvedYet
├── NothingToReopen
├── AskedBefore
├── ReopeningTimeEnded    and when it ended
├── NothingToAppeal
├── AppealedBefore
├── AppealTimeEnded       and when it ended
├── WrittenEnough
├── RegisteredOtherwise   the area or community is known by other particulars
├── NotRegistered
├── CommunityIsClosed     and what it is called
│   of gatherings
├── NotAnnounced
├── AlreadyAnnounced
├── EndsBeforeItBegins
├── LastsTooLong
├── LiesTooFarAhead
├── GatheringBegan
├── GatheringLiesAhead    it can't have been held
├── GatheringCalledOff
├── GatheringIsOver
├── FewerSeatsThanTaken   and how many are taken
├── TooFewSeatsLeft       and how many are left
└── NotSignedUp
"""

from typing import ClassVar

from services.chassis.decider import Refused
from services.chassis.web.marked import marked


class AlreadyReported(Refused):
    message: ClassVar[str] = marked("This case was reported before; follow it with its receipt.")


class AlreadyWithdrawn(Refused):
    message: ClassVar[str] = marked("The report was withdrawn; if the trouble goes on, report it anew.")


class AlreadyErased(Refused):
    message: ClassVar[str] = marked("What was held about this case was erased; if the trouble goes on, report it anew.")


class NotReported(Refused):
    message: ClassVar[str] = marked("There is no such report; check the receipt.")


class NotResolvedYet(Refused):
    message: ClassVar[str] = marked("Nothing is resolved yet; confirm when you have been told of a solution.")


class NothingToReopen(Refused):
    message: ClassVar[str] = marked(
        "There is no solution that could be taken up again; if the trouble goes on, report it."
    )


class AskedBefore(Refused):
    message: ClassVar[str] = marked("You said before that it is not solved; you will be told what happens next.")


class ReopeningTimeEnded(Refused):
    message: ClassVar[str] = marked("The time to ask ended at {until}; if the trouble goes on, report it anew.")


class NothingToAppeal(Refused):
    message: ClassVar[str] = marked("Nobody has declined this case, so there is nothing to appeal.")


class AppealedBefore(Refused):
    message: ClassVar[str] = marked("You appealed before; somebody else looks at it, and you will be told.")


class AppealTimeEnded(Refused):
    message: ClassVar[str] = marked("The time to appeal ended at {until}; if the trouble goes on, report it anew.")


class WrittenEnough(Refused):
    message: ClassVar[str] = marked(
        "Very much was written in this case already. Whoever has it reads it; wait for an answer before you write more."
    )


class RegisteredOtherwise(Refused):
    message: ClassVar[str] = marked(
        "{path} is registered already, as {name}; choose another path or send the same particulars."
    )


class NotRegistered(Refused):
    message: ClassVar[str] = marked("There is no such community; register it first.")


class CommunityIsClosed(Refused):
    """Not recorded: the same report is taken once the community takes reports again."""

    message: ClassVar[str] = marked(
        "{name} takes no reports any more. Nothing was stored: report to the community that took its place."
    )


class NotAnnounced(Refused):
    message: ClassVar[str] = marked("There is no such gathering; look at the list of those that are announced.")


class AlreadyAnnounced(Refused):
    message: ClassVar[str] = marked("This gathering was announced before; change it, or announce another one.")


class EndsBeforeItBegins(Refused):
    message: ClassVar[str] = marked("It ends before it begins; choose a later end.")


class LastsTooLong(Refused):
    message: ClassVar[str] = marked("It ends more than 31 days after it begins; choose an earlier end.")


class LiesTooFarAhead(Refused):
    message: ClassVar[str] = marked("It begins more than two years from now; choose an earlier day.")


class GatheringBegan(Refused):
    message: ClassVar[str] = marked("This time has passed; choose one that lies ahead.")


class GatheringLiesAhead(Refused):
    message: ClassVar[str] = marked("It has not begun yet; say how many came once it was held.")


class GatheringCalledOff(Refused):
    message: ClassVar[str] = marked("It was cancelled; announce another one.")


class GatheringIsOver(Refused):
    message: ClassVar[str] = marked("It was held already; announce another one.")


class FewerSeatsThanTaken(Refused):
    message: ClassVar[str] = marked("Seats that are taken already: {taken}. Offer at least as many.")


class TooFewSeatsLeft(Refused):
    message: ClassVar[str] = marked("Seats left: {left}. Come with fewer, or choose another gathering.")


class NotSignedUp(Refused):
    message: ClassVar[str] = marked("Nobody is signed up with these words; check each of the seven, or they were used.")
