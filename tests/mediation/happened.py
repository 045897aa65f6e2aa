"""Events and commands of one case, as the tests of mediation tell them."""

from datetime import UTC, date, datetime
from uuid import UUID

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
from services.contracts.registry import community_stream
from services.mediation.domain.commands import (
    Actor,
    EscalateCase,
    OpenCase,
    RecordMediation,
    RecordOutcome,
    ResolveCase,
)

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

OPEN = OpenCase(COMMUNITY, "WL-7", Kind.DISPUTE, "noise.geese", Urgency.ORDINARY, WILLOW_LANE, imported=False)
OUTCOME = RecordOutcome(LONG_AGO, LONG_AGO_AT)


def opened(level: str = WILLOW_LANE) -> CaseOpened:
    return CaseOpened(
        community=COMMUNITY,
        reference="WL-7",
        kind=Kind.DISPUTE,
        category="noise.geese",
        urgency=Urgency.ORDINARY,
        level=level,
    )


def assigned(owner: Actor = MEI) -> CaseAssigned:
    return CaseAssigned(owner=owner.id)


def acknowledged(owner: Actor = MEI) -> CaseAcknowledged:
    return CaseAcknowledged(owner=owner.id)


def mediated(result: MediationResult = MediationResult.AGREED, mediator: Actor = BAO) -> CaseMediated:
    return CaseMediated(result=result, place=MediationPlace.HOME, mediator=mediator.id, note=TEXT)


def escalated(
    from_level: str = WILLOW_LANE,
    to_level: str = EAST,
    reason: EscalationReason = EscalationReason.ASKED_BY_STAFF,
) -> CaseEscalated:
    return CaseEscalated(from_level=from_level, to_level=to_level, reason=reason)


def resolved(resolution: Resolution = Resolution.EXPLAINED) -> CaseResolved:
    return CaseResolved(resolution=resolution, resolved_on=DAY, explanation=TEXT, language="en")


def imported_resolution() -> CaseResolved:
    return CaseResolved(resolution=Resolution.IMPORTED, resolved_on=LONG_AGO, imported=True)


def outcome_received() -> CaseOutcomeReceived:
    return CaseOutcomeReceived(resolved_on=LONG_AGO, resolved_at=LONG_AGO_AT)


def closed(closure: Closure) -> CaseClosed:
    return CaseClosed(closure=closure)


def mediate(by: Actor = BAO, result: MediationResult = MediationResult.AGREED) -> RecordMediation:
    return RecordMediation(by, result, MediationPlace.HOME, TEXT)


def escalate(by: Actor = MEI, reason: EscalationReason = EscalationReason.ASKED_BY_STAFF) -> EscalateCase:
    return EscalateCase(by, reason)


def resolve(by: Actor = MEI, resolution: Resolution = Resolution.EXPLAINED) -> ResolveCase:
    return ResolveCase(by, resolution, TEXT, "en", DAY)
