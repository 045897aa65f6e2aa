"""What happens when a date comes near, or passes: staff are reminded, and the case goes up. No one is refused."""

from collections.abc import Sequence

from services.chassis.areas import area_above
from services.contracts import cases
from services.contracts.cases import Closure, EscalationReason
from services.contracts.deadlines import Deadline, Rule
from services.contracts.event import Event
from services.mediation.domain.case import Case, Dispatched, OutcomeWaiting, Resolved, Unopened, Working
from services.mediation.domain.commands import Circumstances, PassDate, Remind
from services.mediation.domain.deadlines import next_step
from services.mediation.domain.standing import on_duty_for

_REASONS = {
    Rule.ACKNOWLEDGE: EscalationReason.UNACKNOWLEDGED,
    Rule.ACCEPT: EscalationReason.UNIT_SILENT,
    Rule.DONE: EscalationReason.OVERDUE,
    Rule.MEDIATE: EscalationReason.OVERDUE,
}


def remind(command: Remind, case: Case) -> Sequence[Event]:
    if not isinstance(case, Working):
        return []
    running = case.standing.clock(command.rule)
    if running is None or running.remind_at != command.remind_at:
        return []
    return [cases.CaseReminded(rule=running.rule, level=case.level, owner=case.owner, due_at=running.due_at)]


def pass_date(command: PassDate, case: Case) -> Sequence[Event]:
    """What is no longer promised, or is promised for another time by now, is left alone."""
    running = _running(command, case)
    if running is None:
        return []
    if isinstance(case, Resolved) and running.rule == Rule.CONFIRM:
        return [cases.CaseClosed(closure=Closure.WINDOW_ENDED)]
    if not isinstance(case, Working):
        return []
    if running.rule == Rule.SAME_DAY:
        return explain_delay(case)
    rule = Rule(running.rule)
    return go_up(case, _REASONS[rule], command.circumstances, rule=rule)


def explain_delay(case: Working) -> Sequence[Event]:
    """The same-day rule: the tracker is reminded, the unit asked, the resident told; each of the three happens."""
    promised = case.standing.clock(Rule.MEDIATE) or case.standing.clock(Rule.DONE)
    unit = case.unit if isinstance(case, Dispatched) else None
    told = [cases.CaseDelayExplained(rule=Rule.SAME_DAY, owner=case.owner, due_at=promised.due_at)] if promised else []
    return [
        cases.CaseReminded(
            rule=Rule.SAME_DAY,
            level=case.level,
            owner=case.owner,
            due_at=promised.due_at if promised else None,
        ),
        cases.CaseContactRequested(rule=Rule.SAME_DAY, unit=unit),
        *told,
    ]


def go_up(
    case: Working, reason: EscalationReason, circumstances: Circumstances, *, rule: Rule | None = None
) -> Sequence[Event]:
    """One level up, to whoever is on duty there, with a date to answer by; at the top, another reminder instead.

    Whatever else has passed by now is promised anew as well: else it would raise the case again in the same instant.
    """
    standing = case.standing
    passed = [clock.rule for clock in standing.clocks if clock.due_at <= circumstances.at]
    renewed = [Rule.ACKNOWLEDGE, *(again for again in (Rule.DONE, Rule.MEDIATE) if again in passed)]
    level = area_above(case.level)
    if level is None:
        owner = case.owner or on_duty_for(case.level, circumstances.on_duty, but=standing.barred)
        together = [one for one in (Rule.ACKNOWLEDGE, Rule.ACCEPT, Rule.DONE, Rule.MEDIATE) if one in (rule, *passed)]
        again = _next(case, together, circumstances)
        return [cases.CaseReminded(rule=rule or reason, level=case.level, owner=owner, deadlines=again)]
    return [
        cases.CaseEscalated(
            from_level=case.level,
            to_level=level,
            reason=reason,
            owner=on_duty_for(level, circumstances.on_duty, but=standing.barred),
            rule=rule,
            deadlines=_next(case, renewed, circumstances),
        )
    ]


def _next(case: Working, rules: Sequence[Rule], circumstances: Circumstances) -> tuple[Deadline, ...]:
    return tuple(next_step(rule, case.standing.urgency, circumstances.at, circumstances.rules) for rule in rules)


def _running(command: PassDate, case: Case) -> Deadline | None:
    """The promise that the command speaks of, if it still stands."""
    if isinstance(case, Unopened | OutcomeWaiting):
        return None
    clock = case.standing.clock(command.rule)
    return clock if clock is not None and clock.due_at == command.due_at else None
