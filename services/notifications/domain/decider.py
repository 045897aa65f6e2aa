"""The rules of duty and of alerts: one function each; `decide_*` only finds the right one."""

from collections.abc import Sequence
from typing import assert_never
from uuid import UUID

from services.chassis.decider import Decider
from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered
from services.contracts.duty import DutyLeft, DutyTaken
from services.contracts.event import Event, StreamKind
from services.notifications.domain import case_alerts, duty_desk
from services.notifications.domain.case_alerts import Answered, CaseAlerts, NoAlert, Raised, Unanswered, Waiting
from services.notifications.domain.commands import (
    AcknowledgeAlert,
    AlertCommand,
    DutyCommand,
    LeaveDuty,
    MarkUnanswered,
    RaiseAlert,
    TakeDuty,
)
from services.notifications.domain.duty_desk import DutyDesk, Manned, Unmanned
from services.notifications.domain.errors import (
    AlreadyAnswered,
    NobodyOnDuty,
    NotAnsweredInTime,
    NotRaised,
    SomebodyElseOnDuty,
    Superseded,
)


def decide_duty(command: DutyCommand, desk: DutyDesk) -> Sequence[Event]:
    match command:
        case TakeDuty():
            return take_duty(command, desk)
        case LeaveDuty():
            return leave_duty(command, desk)
        case _:
            assert_never(command)


def decide_alert(command: AlertCommand, alerts: CaseAlerts) -> Sequence[Event]:
    match command:
        case RaiseAlert():
            return raise_alert(command, alerts)
        case AcknowledgeAlert():
            return acknowledge_alert(command, alerts)
        case MarkUnanswered():
            return mark_unanswered(command, alerts)
        case _:
            assert_never(command)


DUTY: Decider[DutyCommand, DutyDesk] = Decider(
    kind=StreamKind.DUTY, initial=Unmanned(), decide=decide_duty, evolve=duty_desk.evolve
)
ALERTS: Decider[AlertCommand, CaseAlerts] = Decider(
    kind=StreamKind.CASE, initial=NoAlert(), decide=decide_alert, evolve=case_alerts.evolve
)


def take_duty(command: TakeDuty, desk: DutyDesk) -> Sequence[Event]:
    if desk == Manned(command.cadre):
        return []
    return [DutyTaken(area=command.area, cadre=command.cadre)]


def leave_duty(command: LeaveDuty, desk: DutyDesk) -> Sequence[Event]:
    match desk:
        case Unmanned():
            raise NobodyOnDuty(area=command.area)
        case Manned(cadre) if cadre != command.cadre:
            raise SomebodyElseOnDuty(area=command.area, cadre=cadre)
        case Manned():
            return [DutyLeft(area=command.area, cadre=command.cadre)]


def raise_alert(command: RaiseAlert, alerts: CaseAlerts) -> Sequence[Event]:
    if not isinstance(alerts, NoAlert) and command.alert in {alerts.alert, *alerts.earlier}:
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
    )
    return [raised]


def acknowledge_alert(command: AcknowledgeAlert, alerts: CaseAlerts) -> Sequence[Event]:
    """Who answers first has answered; the same answer again is no news."""
    match _last(command.alert, alerts):
        case Waiting():
            return [AlertAcknowledged(alert=command.alert, by=command.by)]
        case Answered(by=by) if by == command.by:
            return []
        case Answered(by=by):
            raise AlreadyAnswered(by=by)
        case Unanswered():
            raise NotAnsweredInTime


def mark_unanswered(command: MarkUnanswered, alerts: CaseAlerts) -> Sequence[Event]:
    """A timer's command: what was answered or superseded meanwhile is left alone."""
    match alerts:
        case Waiting(alert=alert) if alert == command.alert:
            return [AlertUnanswered(alert=command.alert)]
        case _:
            return []


def _last(alert: UUID, alerts: CaseAlerts) -> Raised:
    """The state of `alert`, if it is the last one of its case."""
    if isinstance(alerts, NoAlert):
        raise NotRaised
    if alert in alerts.earlier:
        raise Superseded
    if alert != alerts.alert:
        raise NotRaised
    return alerts
