"""The rules of a case: one function each; `decide` only finds the right one."""

from collections.abc import Sequence
from typing import assert_never

from services.chassis.areas import area_above
from services.chassis.decider import Dated, Decider
from services.contracts import cases
from services.contracts.cases import Closure, EscalationReason, Resolution
from services.contracts.deadlines import Rule
from services.contracts.event import Event, StreamKind
from services.mediation.domain.case import (
    Assigned,
    Case,
    Closed,
    Dispatched,
    Known,
    Merged,
    Opened,
    OutcomeWaiting,
    Resolved,
    Unopened,
    Working,
    evolve,
    keeps_texts,
)
from services.mediation.domain.commands import (
    AcceptDispatch,
    AcknowledgeCase,
    Answer,
    AnswerMerged,
    AppealCase,
    AssignCase,
    Circumstances,
    Command,
    ConfirmCase,
    DeclineCase,
    DispatchCase,
    EraseCase,
    EscalateCase,
    FinishDispatch,
    MergeCase,
    OpenCase,
    PassDate,
    RecordMediation,
    RecordOutcome,
    ReleaseMerged,
    Remind,
    ReopenCase,
    ResolveCase,
    ReturnDispatch,
    WithdrawCase,
    WriteMessage,
)
from services.mediation.domain.deadlines import deadline
from services.mediation.domain.errors import (
    AlreadyClosed,
    AtTheTop,
    NeverReopened,
    NobodyBeside,
    NotAcknowledged,
    NotAgreed,
    NotDispatched,
    NotForMediation,
    NotForMerging,
    NotResolved,
    OtherNotWorkedOn,
    OtherOutcome,
    OtherResolution,
    WindowOver,
    WordsErased,
    WorkedOnHere,
)
from services.mediation.domain.refusals import appeal, decline
from services.mediation.domain.standing import (
    answering,
    begin_again,
    first_promises,
    known,
    not_barred,
    on_duty_for,
    taking_on,
    working,
)
from services.mediation.domain.timeouts import go_up, pass_date, remind

Events = Sequence[Event | Dated]


def decide(command: Command, case: Case) -> Events:
    match command:
        case OpenCase():
            return open_case(command, case)
        case AssignCase():
            return assign(command, case)
        case AcknowledgeCase():
            return acknowledge(command, case)
        case RecordMediation():
            return record_mediation(command, case)
        case DispatchCase():
            return dispatch(command, case)
        case AcceptDispatch():
            return accept_dispatch(command, case)
        case ReturnDispatch():
            return return_dispatch(command, case)
        case FinishDispatch():
            return finish_dispatch(command, case)
        case WriteMessage():
            return write_message(command, case)
        case EscalateCase():
            return escalate(command, case)
        case ResolveCase():
            return resolve(command, case)
        case DeclineCase():
            return decline(command, case)
        case MergeCase():
            return merge(command, case)
        case AnswerMerged():
            return answer_merged(command, case)
        case ReleaseMerged():
            return release_merged(command, case)
        case ReopenCase():
            return reopen(command, case)
        case AppealCase():
            return appeal(command, case)
        case Remind():
            return remind(command, case)
        case PassDate():
            return pass_date(command, case)
        case RecordOutcome():
            return record_outcome(command, case)
        case WithdrawCase():
            return withdraw(case)
        case ConfirmCase():
            return confirm(command, case)
        case EraseCase():
            return erase(case)
        case _:
            assert_never(command)


CASES: Decider[Command, Case] = Decider(
    kind=StreamKind.CASE, initial=Unopened(), decide=decide, evolve=evolve, keeps_texts=keeps_texts
)


def open_case(command: OpenCase, case: Case) -> Events:
    """A case is somebody's from its first moment, if anybody is on duty; in danger, the protection desk's.

    What had been answered is theirs who did. What history told before its case counts for a case of history alone.
    """
    now, answered = command.circumstances, command.answered
    desk = now.rules.policy.protection if now else None
    alone = command.minor and not command.guardian
    protection = desk.desk if desk and (command.danger or alone) else None
    opened = cases.CaseOpened(
        community=command.community,
        reference=command.reference,
        kind=command.kind,
        category=command.category,
        urgency=command.urgency,
        level=command.level,
        imported=command.imported,
        about_staff=command.about_staff,
        danger=command.danger,
        minor=command.minor,
        guardian=command.guardian,
        protection=protection,
        deadlines=first_promises(command.urgency, now) if now and not answered else (),
        answered_by=answered.by if answered else None,
        same_as=command.same_as,
    )
    match case:
        case OutcomeWaiting() if command.imported:
            return [opened, Dated(_imported_resolution(case), case.resolved_at)]
        case Unopened() | OutcomeWaiting() if answered and now:
            resolved = _resolved(answered.answer, command.urgency, now)
            resolved = resolved.model_copy(update={"explanation": None, "answer": answered.answer.explanation})
            return [opened, cases.CaseAssigned(owner=answered.by), cases.CaseAcknowledged(owner=answered.by), resolved]
        case Unopened() | OutcomeWaiting():
            owner = on_duty_for(command.level, now.on_duty) if now else None
            owner = protection if command.danger and protection else owner
            return [opened, *([cases.CaseAssigned(owner=owner)] if owner else [])]
        case _:
            return []


def assign(command: AssignCase, case: Case) -> Events:
    """Who gives it to themselves has seen it; anybody else is told, and has a date to acknowledge it by: the one that
    runs, if one does."""
    worked_on, now, owner = working(case), command.circumstances, command.owner
    answering(command.by, worked_on)
    not_barred(owner, worked_on)
    if worked_on.owner == owner:
        return []
    if owner == command.by.id:
        return [cases.CaseAssigned(owner=owner), cases.CaseAcknowledged(owner=owner)]
    runs = worked_on.standing.clock(Rule.ACKNOWLEDGE)
    begun = () if runs else (deadline(Rule.ACKNOWLEDGE, worked_on.standing.urgency, now.at, now.rules),)
    return [cases.CaseAssigned(owner=owner, level=worked_on.level, deadlines=begun)]


def acknowledge(command: AcknowledgeCase, case: Case) -> Events:
    """Who acknowledges what nobody has acknowledged takes it on."""
    return taking_on(command.by, working(case))


def record_mediation(command: RecordMediation, case: Case) -> Events:
    """Whoever held the session tells of it; the case stays with its owner."""
    worked_on = working(case)
    for_mediation(worked_on)
    if isinstance(worked_on, Opened | Assigned):
        raise NotAcknowledged
    standing, now = worked_on.standing, command.circumstances
    begins = standing.clock(Rule.MEDIATE) is None
    mediated = cases.CaseMediated(
        result=command.result,
        place=command.place,
        mediator=command.by.id,
        note=command.note,
        deadlines=(deadline(Rule.MEDIATE, standing.urgency, now.at, now.rules),) if begins else (),
    )
    return [mediated]


def for_mediation(case: Working) -> None:
    """Danger is never mediated, and a minor's case not without a guardian or the protection desk beside it."""
    standing = case.standing
    if standing.danger:
        raise NotForMediation
    if standing.guarded and standing.protection is None:
        raise NobodyBeside


def write_message(command: WriteMessage, case: Case) -> Events:
    """To the resident, by who may act on it; also when it has ended, unless they took it back."""
    spoken_of = known(case)
    answering(command.by, spoken_of)
    if spoken_of.standing.erased:
        raise WordsErased
    if isinstance(spoken_of, Closed) and spoken_of.closure is Closure.WITHDRAWN:
        raise AlreadyClosed
    return [cases.CaseMessageWritten(by=command.by.id, message=command.message)]


def dispatch(command: DispatchCase, case: Case) -> Events:
    """Handed to a unit by its owner, who stays its tracker."""
    worked_on, now = working(case), command.circumstances
    taken_on = taking_on(command.by, worked_on)
    dispatched = cases.CaseDispatched(
        unit=command.unit,
        tracker=command.by.id,
        shared=command.shared,
        deadlines=(deadline(Rule.ACCEPT, worked_on.standing.urgency, now.at, now.rules),),
    )
    return [*taken_on, dispatched]


def accept_dispatch(command: AcceptDispatch, case: Case) -> Events:
    if _with_unit(command.unit, case).accepted:
        return []
    return [cases.CaseDispatchAccepted(unit=command.unit)]


def return_dispatch(command: ReturnDispatch, case: Case) -> Events:
    _with_unit(command.unit, case)
    return [cases.CaseDispatchReturned(unit=command.unit, reason=command.reason, note=command.note)]


def finish_dispatch(command: FinishDispatch, case: Case) -> Events:
    _with_unit(command.unit, case)
    return [cases.CaseDispatchDone(unit=command.unit, note=command.note)]


def escalate(command: EscalateCase, case: Case) -> Events:
    worked_on = working(case)
    answering(command.by, worked_on)
    if command.reason in _SILENCE and not isinstance(worked_on, Opened | Assigned):
        return []
    if command.level is not None and command.level != worked_on.level:
        return []
    if area_above(worked_on.level) is None and command.reason not in _SILENCE:
        raise AtTheTop(level=worked_on.level)
    rule = Rule.ACKNOWLEDGE if command.reason in _SILENCE else None
    return go_up(worked_on, command.reason, command.circumstances, rule=rule)


def resolve(command: ResolveCase, case: Case) -> Events:
    """Solved by its owner, or on the spot by who takes it on in the same breath."""
    worked_on = working(case)
    taken_on = taking_on(command.by, worked_on)
    if command.answer.resolution is Resolution.MEDIATED and not worked_on.standing.agreed:
        raise NotAgreed
    return [*taken_on, _resolved(command.answer, worked_on.standing.urgency, command.circumstances)]


def merge(command: MergeCase, case: Case) -> Events:
    """Not where somebody is guarded in either: the other knows nothing of that, and is mediated or read by others."""
    worked_on, other = working(case), command.other
    answering(command.by, worked_on)
    not_barred(command.by.id, worked_on)
    if not isinstance(other, Working):
        raise OtherNotWorkedOn(into=str(command.into))
    if worked_on.standing.guarded or other.standing.guarded:
        raise NotForMerging
    if other.owner is not None:
        not_barred(other.owner, worked_on)
    return [cases.CaseMerged(into=command.into)]


def answer_merged(command: AnswerMerged, case: Case) -> Events:
    if not isinstance(case, Merged) or case.into != command.into:
        return []
    return [_resolved(command.answer, case.standing.urgency, command.circumstances)]


def release_merged(command: ReleaseMerged, case: Case) -> Events:
    if not isinstance(case, Merged) or case.into != command.into:
        return []
    return begin_again(case, None, command.circumstances, level=case.level)


def reopen(command: ReopenCase, case: Case) -> Events:
    """Within the window that the resolution promised, and moved by nothing else; to a different person."""
    match known(case):
        case Resolved() | Closed(closure=Closure.CONFIRMED | Closure.WINDOW_ENDED) as ended:
            window = ended.standing.clock(Rule.REOPEN)
            if window is None:
                raise NeverReopened
            if command.asked_at >= window.due_at:
                raise WindowOver(ended=window.due_at.date().isoformat())
            return begin_again(ended, ended.owner, command.circumstances, level=ended.level)
        case Closed():
            raise AlreadyClosed
        case _:
            raise NeverReopened


def record_outcome(command: RecordOutcome, case: Case) -> Events:
    """Of a case that was imported: one of today ends with an explanation, and its resident may object."""
    match case:
        case Unopened():
            return [cases.CaseOutcomeReceived(resolved_on=command.resolved_on, resolved_at=command.resolved_at)]
        case Closed():
            raise AlreadyClosed
        case _ if isinstance(case, Known) and not case.standing.imported:
            raise WorkedOnHere
        case OutcomeWaiting() | Resolved():
            if case.resolved_on != command.resolved_on:
                raise OtherOutcome(stands=case.resolved_on.isoformat())
            return []
        case _:
            return [Dated(_imported_resolution(command), command.resolved_at)]


def withdraw(case: Case) -> Events:
    match known(case):
        case Closed():
            raise AlreadyClosed
        case _:
            return [cases.CaseClosed(closure=Closure.WITHDRAWN)]


def confirm(command: ConfirmCase, case: Case) -> Events:
    match known(case):
        case Resolved(resolution_version=stands) if stands != command.resolution_version:
            raise OtherResolution(stands=stands)
        case Resolved():
            return [cases.CaseClosed(closure=Closure.CONFIRMED)]
        case Closed():
            raise AlreadyClosed
        case _:
            raise NotResolved


def erase(case: Case) -> Events:
    known(case)
    return [cases.CaseErased()]


_SILENCE = (EscalationReason.ALERT_UNANSWERED, EscalationReason.UNACKNOWLEDGED)
"""Reasons that stop being true once somebody has acknowledged the case."""


def _with_unit(unit: str, case: Case) -> Dispatched:
    worked_on = working(case)
    if not isinstance(worked_on, Dispatched) or worked_on.unit != unit:
        raise NotDispatched(unit=unit)
    return worked_on


def _resolved(answer: Answer, urgency: cases.Urgency, now: Circumstances) -> cases.CaseResolved:
    return cases.CaseResolved(
        resolution=answer.resolution,
        resolved_on=answer.resolved_on,
        explanation=answer.explanation,
        language=answer.language,
        deadlines=tuple(deadline(rule, urgency, now.at, now.rules) for rule in (Rule.CONFIRM, Rule.REOPEN)),
    )


def _imported_resolution(outcome: RecordOutcome | OutcomeWaiting) -> cases.CaseResolved:
    return cases.CaseResolved(resolution=Resolution.IMPORTED, resolved_on=outcome.resolved_on, imported=True)
