"""Where a case stands to whoever acts on it: the questions that several rules ask."""

from collections.abc import Collection, Mapping, Sequence

from services.chassis.areas import up_from
from services.contracts import cases
from services.contracts.deadlines import Rule
from services.contracts.event import Event
from services.mediation.domain.case import (
    Assigned,
    Case,
    Closed,
    Known,
    Merged,
    Opened,
    OutcomeWaiting,
    Resolved,
    Unopened,
    Working,
)
from services.mediation.domain.commands import Actor, Circumstances
from services.mediation.domain.deadlines import Deadline, deadline
from services.mediation.domain.errors import (
    AlreadyClosed,
    AlreadyMerged,
    AlreadyResolved,
    NotOpened,
    NotYourCase,
    NotYourLevel,
    SamePersonAgain,
)


def known(case: Case) -> Known:
    if isinstance(case, Unopened | OutcomeWaiting):
        raise NotOpened
    return case


def working(case: Case) -> Working:
    match known(case):
        case Resolved():
            raise AlreadyResolved
        case Closed():
            raise AlreadyClosed
        case Merged(into=into):
            raise AlreadyMerged(into=str(into))
        case worked_on:
            return worked_on


def answering(actor: Actor, case: Known) -> None:
    """The owner, and the protection desk beside it, may act wherever the case lies; others at its level or above."""
    if actor.id not in (case.owner, case.standing.protection) and not actor.answers_for(case.level):
        raise NotYourLevel(level=case.level)


def taking_on(actor: Actor, case: Working) -> list[Event]:
    """What makes `actor` the owner who has acknowledged; what nobody has acknowledged is for the taking."""
    answering(actor, case)
    not_barred(actor.id, case)
    if not isinstance(case, Opened | Assigned):
        if case.owner != actor.id:
            raise NotYourCase(owner=case.owner)
        return []
    assigned = [] if case.owner == actor.id else [cases.CaseAssigned(owner=actor.id)]
    return [*assigned, cases.CaseAcknowledged(owner=actor.id)]


def not_barred(person: str, case: Working) -> None:
    if person in case.standing.barred:
        raise SamePersonAgain(person=person)


def on_duty_for(level: str, on_duty: Mapping[str, Sequence[str]], *, but: Collection[str] = frozenset()) -> str | None:
    """Who answers for `level` now: at its own desk, or at the nearest one above where somebody is."""
    told = (cadre for desk in up_from(level) for cadre in on_duty.get(desk, ()) if cadre not in but)
    return next(told, None)


def begin_again(
    case: Merged | Resolved | Closed, previous: str | None, now: Circumstances, *, level: str, on_appeal: bool = False
) -> list[Event]:
    """At `level`, for somebody who never had it, in danger the protection desk; `previous` had it last."""
    standing = case.standing
    barred = standing.barred.union([previous] if previous else [])
    desk = standing.protection if standing.danger and standing.protection not in barred else None
    owner = desk or on_duty_for(level, now.on_duty, but=barred)
    reopened = cases.CaseReopened(
        level=level,
        previous_owner=previous,
        on_appeal=on_appeal,
        deadlines=first_promises(standing.urgency, now),
    )
    return [reopened, *([cases.CaseAssigned(owner=owner)] if owner else [])]


def first_promises(urgency: cases.Urgency, circumstances: Circumstances) -> tuple[Deadline, ...]:
    """What a resident is promised when a case begins, or begins again."""
    return tuple(
        deadline(rule, urgency, circumstances.at, circumstances.rules)
        for rule in (Rule.ACKNOWLEDGE, Rule.SAME_DAY, Rule.DONE)
    )
