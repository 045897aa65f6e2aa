"""When a person does not take a case further: never without a reason, and never for good before another has looked."""

from collections.abc import Sequence

from services.chassis.areas import area_above
from services.contracts import cases
from services.contracts.cases import Closure
from services.contracts.deadlines import Rule
from services.contracts.event import Event
from services.mediation.domain.case import Case, Closed
from services.mediation.domain.commands import AppealCase, DeclineCase
from services.mediation.domain.deadlines import deadline
from services.mediation.domain.errors import NothingDeclined, WindowOver
from services.mediation.domain.standing import begin_again, known, taking_on, working


def decline(command: DeclineCase, case: Case) -> Sequence[Event]:
    """By who answers for it, with an explanation and a time to appeal; no rule and no timer ever does this."""
    worked_on = working(case)
    taken_on = taking_on(command.by, worked_on)
    now = command.circumstances
    declined = cases.CaseDeclined(
        by=command.by.id,
        reason=command.reason,
        explanation=command.explanation,
        language=command.language,
        deadlines=(deadline(Rule.REOPEN, worked_on.standing.urgency, now.at, now.rules),),
    )
    return [*taken_on, declined, cases.CaseClosed(closure=Closure.DECLINED)]


def appeal(command: AppealCase, case: Case) -> Sequence[Event]:
    """To another person, one level above who declined it; at the top, to another person there."""
    match known(case):
        case Closed(closure=Closure.DECLINED) as declined:
            window = declined.standing.clock(Rule.REOPEN)
            if window is None:
                raise NothingDeclined
            if command.asked_at >= window.due_at:
                raise WindowOver(ended=window.due_at.date().isoformat())
            level = area_above(declined.level) or declined.level
            return begin_again(declined, declined.owner, command.circumstances, level=level, on_appeal=True)
        case _:
            raise NothingDeclined
