"""Why notifications refuses a command.

Refused
├── NobodyOnDuty       nobody sits at this desk
├── SomebodyElseOnDuty
├── ShiftOver          it would end before it began
├── ShiftTooLong       it would end more than a week after it began
├── NotRaised          there is no such alert of this case
├── Superseded         a newer alert of the case took its place
├── AlreadyAnswered
├── LookedAfter        somebody looks after the case itself, or it is over
├── HadItBefore    they had the case before it was reopened
└── NotAnsweredInTime  the case went on without an answer
"""

from typing import ClassVar

from services.chassis.decider import Refused
from services.chassis.web.marked import marked


class NobodyOnDuty(Refused):
    message: ClassVar[str] = marked("Nobody is on duty at {area}; there is nothing to leave.")


class SomebodyElseOnDuty(Refused):
    message: ClassVar[str] = marked("{cadre} is on duty at {area}; ask them to leave, or take over.")


class ShiftOver(Refused):
    message: ClassVar[str] = marked("A shift at {area} can't end before it begins; choose a later end, or none.")


class ShiftTooLong(Refused):
    message: ClassVar[str] = marked(
        "A shift at {area} can't end more than a week after it begins; choose an earlier end, or none."
    )


class NotRaised(Refused):
    message: ClassVar[str] = marked("The case has no such alert; read the list again.")


class Superseded(Refused):
    message: ClassVar[str] = marked("A newer alert of the case took this one's place; answer that one.")


class AlreadyAnswered(Refused):
    message: ClassVar[str] = marked("{by} has answered this alert; the case file says who has the case now.")


class LookedAfter(Refused):
    message: ClassVar[str] = marked(
        "Somebody looks after the case already, or it is over; the case file says who and how."
    )


class HadItBefore(Refused):
    message: ClassVar[str] = marked("{person} had the case before it was reopened; give it to somebody else.")


class NotAnsweredInTime(Refused):
    message: ClassVar[str] = marked(
        "Nobody answered this alert in time and the case went up; acknowledge the case at the desk."
    )
