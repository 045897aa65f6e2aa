"""The rules of duty and of alerts: one function each; `decide_*` only finds the right one."""

from collections.abc import Sequence
from typing import assert_never
from uuid import UUID, uuid5

from services.chassis.decider import Decider
from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered, AlertWithdrawn
from services.contracts.duty import DutyLeft, DutyPlace, DutyTaken
from services.contracts.event import Event, StreamKind
from services.notifications.domain import case_alerts, duty_desk
from services.notifications.domain.case_alerts import (
    Answered,
    CaseAlerts,
    NoAlert,
    Raised,
    Unanswered,
    Waiting,
    Withdrawn,
)
from services.notifications.domain.chain import LAST_STEP
from services.notifications.domain.commands import (
    AcknowledgeAlert,
    AlertCommand,
    DutyCommand,
    EndShift,
    LeaveDuty,
    RaiseAlert,
    TakeDuty,
    TellNext,
    WithdrawAlert,
)
from services.notifications.domain.duty_desk import LONGEST_SHIFT, UNMANNED, DutyDesk, Shift
from services.notifications.domain.errors import (
    AlreadyAnswered,
    HadItBefore,
    LookedAfter,
    NobodyOnDuty,
    NotAnsweredInTime,
    NotRaised,
    ShiftOver,
    ShiftTooLong,
    SomebodyElseOnDuty,
    Superseded,
)

TimedCommand = EndShift | TellNext
TimedState = DutyDesk | CaseAlerts


def decide_duty(command: DutyCommand, desk: DutyDesk) -> Sequence[Event]:
    match command:
        case TakeDuty():
            return take_duty(command, desk)
        case LeaveDuty():
            return leave_duty(command, desk)
        case EndShift():
            return end_shift(command, desk)
        case _:
            assert_never(command)


def decide_alert(command: AlertCommand, alerts: CaseAlerts) -> Sequence[Event]:
    match command:
        case RaiseAlert():
            return raise_alert(command, alerts)
        case AcknowledgeAlert():
            return acknowledge_alert(command, alerts)
        case TellNext():
            return tell_next(command, alerts)
        case WithdrawAlert():
            return withdraw_alert(alerts)
        case _:
            assert_never(command)


def decide_timed(command: TimedCommand, state: TimedState) -> Sequence[Event]:
    match command, state:
        case EndShift(), DutyDesk():
            return end_shift(command, state)
        case TellNext(), state if not isinstance(state, DutyDesk):
            return tell_next(command, state)
        case _:
            return []


def evolve_timed(state: TimedState, event: Event) -> TimedState:
    if isinstance(event, DutyTaken | DutyLeft):
        return duty_desk.evolve(state if isinstance(state, DutyDesk) else UNMANNED, event)
    return state if isinstance(state, DutyDesk) else case_alerts.evolve(state, event)


DUTY: Decider[DutyCommand, DutyDesk] = Decider(
    kind=StreamKind.DUTY, initial=UNMANNED, decide=decide_duty, evolve=duty_desk.evolve
)
ALERTS: Decider[AlertCommand, CaseAlerts] = Decider(
    kind=StreamKind.CASE, initial=NoAlert(), decide=decide_alert, evolve=case_alerts.evolve
)
TIMED: Decider[TimedCommand, TimedState] = Decider(
    kind=StreamKind.CASE, initial=NoAlert(), decide=decide_timed, evolve=evolve_timed
)
"""What timers ask, of whichever stream they run for; they never begin one."""


def take_duty(command: TakeDuty, desk: DutyDesk) -> Sequence[Event]:
    """Who has the other place gives that up."""
    if command.until is not None and command.until <= command.at:
        raise ShiftOver(area=command.area)
    if command.until is not None and command.until > command.at + LONGEST_SHIFT:
        raise ShiftTooLong(area=command.area)
    if desk.at(command.place) == Shift(command.cadre, command.until):
        return []
    before = desk.place_of(command.cadre)
    taken = DutyTaken(area=command.area, cadre=command.cadre, place=command.place, until=command.until)
    if before in (None, command.place):
        return [taken]
    return [DutyLeft(area=command.area, cadre=command.cadre, place=before), taken]


def leave_duty(command: LeaveDuty, desk: DutyDesk) -> Sequence[Event]:
    if (place := command.place or desk.place_of(command.cadre)) is None:
        place = DutyPlace.FIRST if desk.first else DutyPlace.SECOND
    match desk.at(place):
        case None:
            raise NobodyOnDuty(area=command.area)
        case Shift(cadre=cadre) if cadre != command.cadre:
            raise SomebodyElseOnDuty(area=command.area, cadre=cadre)
        case Shift():
            return [DutyLeft(area=command.area, cadre=command.cadre, place=place)]


def end_shift(command: EndShift, desk: DutyDesk) -> Sequence[Event]:
    shift = desk.at(command.place)
    if shift is None or shift.until != command.until:
        return []
    return [DutyLeft(area=command.area, cadre=shift.cadre, place=command.place)]


def raise_alert(command: RaiseAlert, alerts: CaseAlerts) -> Sequence[Event]:
    if not isinstance(alerts, NoAlert) and command.alert in alerts.chain | alerts.earlier:
        return []
    raised = AlertRaised(
        alert=command.alert,
        cause=command.cause,
        level=command.level,
        recipient=command.recipient,
        reference=command.reference,
        kind=command.kind,
        category=command.category,
        urgency=command.urgency,
        answer_by=command.answer_by,
    )
    return [raised]


def acknowledge_alert(command: AcknowledgeAlert, alerts: CaseAlerts) -> Sequence[Event]:
    """Who answers first has answered; the same answer again is no news. Also when the next was told meanwhile."""
    match _standing(command.alert, alerts):
        case Waiting() if command.by in command.barred:
            raise HadItBefore(person=command.by)
        case Waiting(last=last):
            return [AlertAcknowledged(alert=last.alert, by=command.by, level=last.level)]
        case Answered(by=by) if by == command.by:
            return []
        case Answered(by=by):
            raise AlreadyAnswered(by=by)
        case Unanswered():
            raise NotAnsweredInTime
        case Withdrawn():
            raise LookedAfter


def tell_next(command: TellNext, alerts: CaseAlerts) -> Sequence[Event]:
    """The next who was not told yet; when the chain is at its end, nobody has answered."""
    match alerts:
        case Waiting(last=last) if last.answer_by is not None and last.answer_by <= command.at:
            following = next((cadre for cadre in command.chain if cadre not in alerts.told), None)
            if following is None or last.step >= LAST_STEP:
                return [AlertUnanswered(alert=last.alert, level=last.level)]
            step = last.step + 1
            update = {
                "alert": uuid5(last.alert, f"step {step}"),
                "recipient": following,
                "step": step,
                "answer_by": command.answer_by,
            }
            return [last.model_copy(update=update)]
        case _:
            return []


def withdraw_alert(alerts: CaseAlerts) -> Sequence[Event]:
    """What was answered, or went up unanswered, needs no withdrawing."""
    match alerts:
        case Waiting(last=last):
            return [AlertWithdrawn(alert=last.alert)]
        case _:
            return []


def _standing(alert: UUID, alerts: CaseAlerts) -> Raised:
    """How the cause stands that `alert` told of, if it is the last one of its case."""
    if isinstance(alerts, NoAlert):
        raise NotRaised
    if alert in alerts.earlier:
        raise Superseded
    if alert not in alerts.chain:
        raise NotRaised
    return alerts
