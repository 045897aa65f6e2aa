"""The rules of a report: one function each; `decide` only finds the right one."""

from collections.abc import Sequence
from typing import assert_never

from services.chassis.decider import Decider
from services.contracts.cases import (
    Amendment,
    CaseAmended,
    CaseAppealed,
    CaseConfirmed,
    CaseErased,
    CaseReopeningAsked,
    CaseReported,
    CaseWithdrawn,
)
from services.contracts.event import Event, StreamKind
from services.intake.domain.commands import (
    AmendReport,
    AppealDecision,
    AskReopening,
    Command,
    ConfirmResolution,
    EraseReport,
    TakeReport,
    WithdrawReport,
)
from services.intake.domain.errors import (
    AlreadyErased,
    AlreadyReported,
    AlreadyWithdrawn,
    AppealedBefore,
    AppealTimeEnded,
    AskedBefore,
    NothingToAppeal,
    NothingToReopen,
    NotReported,
    NotResolvedYet,
    ReopeningTimeEnded,
    WrittenEnough,
)
from services.intake.domain.report import Erased, Report, Reported, Unreported, Withdrawn, evolve


def decide(command: Command, report: Report) -> Sequence[Event]:
    match command:
        case TakeReport():
            return take(command, report)
        case AmendReport():
            return amend(command, report)
        case WithdrawReport():
            return withdraw(report)
        case ConfirmResolution():
            return confirm(command, report)
        case AskReopening():
            return ask_reopening(command, report)
        case AppealDecision():
            return appeal(command, report)
        case EraseReport():
            return erase(report)
        case _:
            assert_never(command)


def take(command: TakeReport, report: Report) -> Sequence[Event]:
    if not isinstance(report, Unreported):
        raise AlreadyReported
    return [
        CaseReported(
            community=command.community,
            reference=command.reference,
            kind=command.kind,
            category=command.category,
            urgency=command.urgency,
            channel=command.channel,
            reported_on=command.reported_on,
            imported=command.imported,
            particulars=command.particulars,
            about_staff=command.about_staff,
            answered=command.answered,
            gathering=command.gathering,
            danger=command.danger,
            minor=command.minor,
            guardian=command.guardian,
            same_as=command.same_as,
        )
    ]


MOST_AMENDMENTS = 500
"""Of one case: more is not a conversation, and whoever has it sees each of them."""


def amend(command: AmendReport, report: Report) -> Sequence[Event]:
    """What was told can be corrected for as long as it is held; who withdrew it has nobody to write to."""
    corrects_withdrawn = isinstance(report, Withdrawn) and command.amendment is not Amendment.MESSAGE
    if not corrects_withdrawn and require_open(report).amendments >= MOST_AMENDMENTS:
        raise WrittenEnough
    return [CaseAmended(particulars=command.particulars, amendment=command.amendment)]


def withdraw(report: Report) -> Sequence[Event]:
    if isinstance(report, Withdrawn):
        return []
    require_open(report)
    return [CaseWithdrawn()]


def confirm(command: ConfirmResolution, report: Report) -> Sequence[Event]:
    confirmed = require_open(report).confirmed
    if command.resolution_version is None:
        raise NotResolvedYet
    if confirmed == command.resolution_version:
        return []
    return [CaseConfirmed(resolution_version=command.resolution_version)]


def ask_reopening(command: AskReopening, report: Report) -> Sequence[Event]:
    """Confirmed or not, within the time that was named with the resolution, once for each resolution."""
    require_open(report)
    if command.resolution_version is None or command.until is None:
        raise NothingToReopen
    if command.asked:
        raise AskedBefore
    if command.at >= command.until:
        raise ReopeningTimeEnded(until=command.until.isoformat(timespec="minutes"))
    return [CaseReopeningAsked(particulars=command.particulars)]


def appeal(command: AppealDecision, report: Report) -> Sequence[Event]:
    """Once for each refusal, within the time that was named with it."""
    require_open(report)
    if command.until is None:
        raise NothingToAppeal
    if command.asked:
        raise AppealedBefore
    if command.at >= command.until:
        raise AppealTimeEnded(until=command.until.isoformat(timespec="minutes"))
    return [CaseAppealed(particulars=command.particulars)]


def erase(report: Report) -> Sequence[Event]:
    """A right that no other rule limits: whatever the state, it is done, once."""
    match report:
        case Reported() | Withdrawn():
            return [CaseErased()]
        case Erased():
            return []
        case Unreported():
            raise NotReported
        case _:
            assert_never(report)


def require_open(report: Report) -> Reported:
    """The report, if more may be added to it: a word, a photo.

    Raises:
        NotReported, AlreadyWithdrawn, AlreadyErased: it may not.
    """
    match report:
        case Reported():
            return report
        case Withdrawn():
            raise AlreadyWithdrawn
        case Erased():
            raise AlreadyErased
        case Unreported():
            raise NotReported
        case _:
            assert_never(report)


REPORTS: Decider[Command, Report] = Decider(StreamKind.CASE, Unreported(), decide, evolve)
