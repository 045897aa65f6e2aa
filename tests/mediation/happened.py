"""Events and commands of one case, as the tests of mediation tell them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.contracts.cases import (
    CaseAcknowledged,
    CaseAssigned,
    CaseClosed,
    CaseEscalated,
    CaseMediated,
    CaseOpened,
    CaseOutcomeReceived,
    CaseResolved,
    Closure,
    EscalationReason,
    Kind,
    MediationPlace,
    MediationResult,
    Resolution,
    Urgency,
)
from services.contracts.deadlines import Deadline, Rule
from services.contracts.registry import community_stream
from services.mediation.domain.commands import (
    Actor,
    Answer,
    AssignCase,
    Circumstances,
    EscalateCase,
    OpenCase,
    RecordMediation,
    RecordOutcome,
    ResolveCase,
)
from services.mediation.domain.deadlines import Rules, deadline, next_step
from services.mediation.rules import shipped

WILLOW_LANE = "/lakeside/east/willow-lane/"
EAST = "/lakeside/east/"
LAKESIDE = "/lakeside/"
COMMUNITY = community_stream(WILLOW_LANE)

MEI = Actor("mei", (WILLOW_LANE,))
BAO = Actor("bao", (WILLOW_LANE,))
SUPERVISOR = Actor("ana", (EAST,))

TEXT = UUID("0195a000-0000-7000-8000-00000000000a")
DAY = date(2026, 3, 2)
LONG_AGO = date(2017, 5, 4)
LONG_AGO_AT = datetime(2017, 5, 4, 4, tzinfo=UTC)

MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)
"""Ten in the morning where the case comes from."""

RULES = Rules(shipped().policy, shipped().calendar, ZoneInfo("Asia/Shanghai"))


def around(at: datetime = MONDAY, on_duty: Mapping[str, str] | None = None) -> Circumstances:
    """`on_duty` names one cadre for each desk, or several apart by spaces."""
    return Circumstances(at, RULES, {desk: cadres.split() for desk, cadres in (on_duty or {}).items()})


def due(rule: Rule, start: datetime = MONDAY, urgency: Urgency = Urgency.ORDINARY) -> Deadline:
    return deadline(rule, urgency, start, RULES)


def renewed(rule: Rule, start: datetime = MONDAY, urgency: Urgency = Urgency.ORDINARY) -> Deadline:
    return next_step(rule, urgency, start, RULES)


def promised(start: datetime = MONDAY) -> tuple[Deadline, ...]:
    """The dates of a case that begins at `start`."""
    return tuple(due(rule, start) for rule in (Rule.ACKNOWLEDGE, Rule.SAME_DAY, Rule.DONE))


OPEN = OpenCase(
    COMMUNITY,
    "WL-7",
    Kind.DISPUTE,
    "noise.geese",
    Urgency.ORDINARY,
    WILLOW_LANE,
    imported=False,
    circumstances=around(),
)
HISTORY = replace(OPEN, imported=True, circumstances=None)
OUTCOME = RecordOutcome(LONG_AGO, LONG_AGO_AT)


def opened(level: str = WILLOW_LANE) -> CaseOpened:
    return CaseOpened(
        community=COMMUNITY,
        reference="WL-7",
        kind=Kind.DISPUTE,
        category="noise.geese",
        urgency=Urgency.ORDINARY,
        level=level,
        deadlines=promised(),
    )


def imported() -> CaseOpened:
    return opened().model_copy(update={"imported": True, "deadlines": ()})


def assigned(owner: Actor = MEI) -> CaseAssigned:
    return CaseAssigned(owner=owner.id)


def given_on(owner: Actor = BAO, level: str = WILLOW_LANE) -> CaseAssigned:
    """To somebody who has to acknowledge it anew."""
    return CaseAssigned(owner=owner.id, level=level, deadlines=(due(Rule.ACKNOWLEDGE),))


def handed(owner: Actor = BAO, level: str = WILLOW_LANE) -> CaseAssigned:
    """To somebody who has to acknowledge it by the date that runs."""
    return CaseAssigned(owner=owner.id, level=level)


def acknowledged(owner: Actor = MEI) -> CaseAcknowledged:
    return CaseAcknowledged(owner=owner.id)


def mediated(
    result: MediationResult = MediationResult.AGREED, mediator: Actor = BAO, *, first: bool = True
) -> CaseMediated:
    deadlines = (due(Rule.MEDIATE),) if first else ()
    return CaseMediated(result=result, place=MediationPlace.HOME, mediator=mediator.id, note=TEXT, deadlines=deadlines)


def escalated(
    from_level: str = WILLOW_LANE,
    to_level: str = EAST,
    reason: EscalationReason = EscalationReason.ASKED_BY_STAFF,
    *,
    rule: Rule | None = None,
    owner: str | None = None,
    at: datetime = MONDAY,
) -> CaseEscalated:
    return CaseEscalated(
        from_level=from_level,
        to_level=to_level,
        reason=reason,
        rule=rule,
        owner=owner,
        deadlines=(renewed(Rule.ACKNOWLEDGE, at),),
    )


def resolved(resolution: Resolution = Resolution.EXPLAINED) -> CaseResolved:
    windows = (due(Rule.CONFIRM), due(Rule.REOPEN))
    return CaseResolved(resolution=resolution, resolved_on=DAY, explanation=TEXT, language="en", deadlines=windows)


def imported_resolution() -> CaseResolved:
    return CaseResolved(resolution=Resolution.IMPORTED, resolved_on=LONG_AGO, imported=True)


def outcome_received() -> CaseOutcomeReceived:
    return CaseOutcomeReceived(resolved_on=LONG_AGO, resolved_at=LONG_AGO_AT)


def closed(closure: Closure) -> CaseClosed:
    return CaseClosed(closure=closure)


def assign(by: Actor, owner: Actor) -> AssignCase:
    return AssignCase(by, owner.id, around())


def mediate(by: Actor = BAO, result: MediationResult = MediationResult.AGREED) -> RecordMediation:
    return RecordMediation(by, result, MediationPlace.HOME, TEXT, around())


def escalate(by: Actor = MEI, reason: EscalationReason = EscalationReason.ASKED_BY_STAFF) -> EscalateCase:
    return EscalateCase(by, reason, around())


def resolve(by: Actor = MEI, resolution: Resolution = Resolution.EXPLAINED) -> ResolveCase:
    return ResolveCase(by, Answer(resolution, TEXT, "en", DAY), around())
