"""Why mediation refuses a command.

Refused
├── NotOpened         the case has not arrived
├── AlreadyResolved
├── AlreadyClosed
├── NotResolved
├── OtherResolution   the resident confirmed one that no longer stands
├── OtherOutcome      history says something else than before
├── WorkedOnHere      history tells nothing of a case of today
├── NothingDeclined   there is nothing to appeal
├── NotForMediation   somebody is in danger
├── NobodyBeside      a minor's case has neither a guardian nor a protection desk
├── WordsErased       nothing is written of an erased case
├── AlreadyMerged     it is answered with another case
├── NotMergeable      it is no other case
├── NotForMerging     somebody is in danger, or a minor has nobody of their own
├── OtherNotWorkedOn  the other case can't answer for it
├── NotYourCase       somebody else owns it
├── NotYourLevel      it is answered for above
├── NotAcknowledged
├── NotAgreed         no session ended in agreement
├── NotDispatched     it is not with that unit
├── SamePersonAgain   a reopened case goes to somebody else
├── WindowOver        the time to ask for reopening has ended
├── NeverReopened     there is nothing to reopen
└── AtTheTop
"""

from typing import ClassVar

from services.chassis.decider import Refused
from services.chassis.web.marked import marked


class NotOpened(Refused):
    message: ClassVar[str] = marked("The case has not arrived from intake yet; try again once it is listed.")


class AlreadyResolved(Refused):
    message: ClassVar[str] = marked("The case is resolved; the resident can ask to reopen it.")


class AlreadyClosed(Refused):
    message: ClassVar[str] = marked("The case is closed; if the trouble goes on, report it anew.")


class NotResolved(Refused):
    message: ClassVar[str] = marked("There is no resolution to confirm yet; resolve the case first.")


class OtherResolution(Refused):
    message: ClassVar[str] = marked("Another resolution stands by now; ask the resident about version {stands}.")


class OtherOutcome(Refused):
    message: ClassVar[str] = marked("History already says {stands}; correct the source and send one outcome.")


class WorkedOnHere(Refused):
    message: ClassVar[str] = marked("The case was not imported, it is worked on here; resolve it with an explanation.")


class NotYourCase(Refused):
    message: ClassVar[str] = marked("The case belongs to {owner}; have it assigned to you first.")


class NotYourLevel(Refused):
    message: ClassVar[str] = marked("The case is answered for at {level}; ask there to have it assigned to you.")


class NotAcknowledged(Refused):
    message: ClassVar[str] = marked("Nobody has acknowledged the case; its owner acknowledges it first.")


class NotAgreed(Refused):
    message: ClassVar[str] = marked("No session ended in agreement; record the one that did, or resolve it otherwise.")


class NothingDeclined(Refused):
    message: ClassVar[str] = marked("The case was not declined, so there is nothing to appeal.")


class NotForMediation(Refused):
    message: ClassVar[str] = marked(
        "Somebody is in danger, so this case is not mediated; see to their safety, and raise it if that needs others."
    )


class NobodyBeside(Refused):
    message: ClassVar[str] = marked(
        "It concerns a minor, and nobody stands beside them; have a protection desk named for the area, or raise it."
    )


class WordsErased(Refused):
    message: ClassVar[str] = marked("What was written of this case was erased, and nothing more is written of it.")


class AtTheTop(Refused):
    message: ClassVar[str] = marked("The case is at {level}, the top of the tree; assign it to somebody there.")


class AlreadyMerged(Refused):
    message: ClassVar[str] = marked(
        "The case was merged into {into}; work on that one, and this one is answered with it."
    )


class NotMergeable(Refused):
    message: ClassVar[str] = marked("A case can't be merged into itself; name the other case.")


class NotForMerging(Refused):
    message: ClassVar[str] = marked(
        "In danger, or for a minor without a guardian, a case is not answered with another; work on each by itself."
    )


class OtherNotWorkedOn(Refused):
    message: ClassVar[str] = marked(
        "The other case, {into}, is not being worked on; name one that is, or work on this one by itself."
    )


class NotDispatched(Refused):
    message: ClassVar[str] = marked("The case is not with {unit} now; read its file again.")


class SamePersonAgain(Refused):
    message: ClassVar[str] = marked("{person} had the case before it was reopened; give it to somebody else.")


class WindowOver(Refused):
    message: ClassVar[str] = marked("The time to ask for reopening ended on {ended}; report the trouble anew.")


class NeverReopened(Refused):
    message: ClassVar[str] = marked(
        "There is no resolution that could be reopened; if the trouble goes on, report it anew."
    )
