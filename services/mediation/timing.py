"""Which dates of a case are waited for, and the commands that follow when they come."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.projections import types_of
from services.chassis.service import Service
from services.chassis.timers import Change, Timer, Timers
from services.contracts import cases
from services.contracts.deadlines import Deadline, Rule
from services.contracts.envelope import Recorded
from services.mediation.circumstances import Surroundings
from services.mediation.domain.case import Case
from services.mediation.domain.commands import Command, PassDate, Remind
from services.mediation.domain.decider import CASES

_REMIND = "remind:"
_UNWATCHED = frozenset({Rule.REOPEN})
"""Nothing happens by itself when the window for reopening ends."""

_UNDATED: dict[str, Change | None] = {cases.CaseOpened.type: None, cases.CaseResolved.type: Change(clear=None)}
"""What these do that promise nothing: history comes by the hundred thousand, and need not be read for it."""

TYPES = types_of(
    cases.CaseOpened,
    cases.CaseAssigned,
    cases.CaseAcknowledged,
    cases.CaseMediated,
    cases.CaseDispatched,
    cases.CaseDispatchAccepted,
    cases.CaseDispatchReturned,
    cases.CaseDispatchDone,
    cases.CaseReminded,
    cases.CaseEscalated,
    cases.CaseMerged,
    cases.CaseDeclined,
    cases.CaseResolved,
    cases.CaseClosed,
    cases.CaseReopened,
)


def timers(service: Service, surroundings: Surroundings) -> Timers[Command, Case]:
    return Timers("mediation", service.store, service.worker, CASES, set_by, _commands_by(surroundings), types=TYPES)


def set_by(recorded: Recorded) -> Change | None:
    """The timers that an event of a case sets and clears; the fold of `domain.case` says the same of its clocks."""
    if recorded.type in _UNDATED and b'"deadlines"' not in recorded.data:
        return _UNDATED[recorded.type]
    match event := recorded.event():
        case cases.CaseOpened() if event.deadlines:
            return Change(clear=(), set=_timers(event.deadlines))
        case cases.CaseAcknowledged():
            return Change(clear=_names(Rule.ACKNOWLEDGE))
        case cases.CaseAssigned():
            return Change(clear=_names(Rule.ACCEPT), set=_timers(event.deadlines))
        case cases.CaseMediated():
            begins = _names(Rule.DONE) if event.deadlines else []
            return Change(clear=[*_names(Rule.ACCEPT), *begins], set=_timers(event.deadlines))
        case cases.CaseDispatched():
            return Change(clear=(), set=_timers(event.deadlines))
        case cases.CaseDispatchAccepted() | cases.CaseDispatchReturned() | cases.CaseDispatchDone():
            return Change(clear=_names(Rule.ACCEPT))
        case cases.CaseReminded() if event.deadlines:
            return Change(clear=_names(event.rule), set=_timers(event.deadlines))
        case cases.CaseEscalated():
            passed = _names(event.rule) if event.rule else []
            return Change(clear=[*_names(Rule.ACCEPT), *passed], set=_timers(event.deadlines))
        case cases.CaseResolved() | cases.CaseDeclined() | cases.CaseReopened():
            return Change(clear=None, set=_timers(event.deadlines))
        case cases.CaseClosed() | cases.CaseMerged():
            return Change(clear=None)
        case _:
            return None


def _commands_by(
    surroundings: Surroundings,
) -> Callable[[AsyncConnection, Sequence[Timer], datetime], Awaitable[Sequence[Command]]]:
    """What the timers ask for when they fire."""

    async def commands(_connection: AsyncConnection, timers: Sequence[Timer], at: datetime) -> Sequence[Command]:
        circumstances = await surroundings.of({timer.area for timer in timers}, at)
        return [
            Remind(timer.name.removeprefix(_REMIND), timer.due_at)
            if timer.name.startswith(_REMIND)
            else PassDate(timer.name, timer.due_at, circumstances[timer.area])
            for timer in timers
        ]

    return commands


def _names(rule: str) -> list[str]:
    return [rule, f"{_REMIND}{rule}"]


def _timers(deadlines: Sequence[Deadline]) -> list[tuple[str, datetime]]:
    due = [(clock.rule, clock.due_at) for clock in deadlines if clock.rule not in _UNWATCHED]
    return due + [(f"{_REMIND}{clock.rule}", clock.remind_at) for clock in deadlines if clock.remind_at]
