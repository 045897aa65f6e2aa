"""Every event type there is, by its name on the wire."""

from services.contracts import alerts, cases, duty, gatherings, patterns, policies, registry
from services.contracts.event import Event
from services.contracts.topics import TOPIC_OF_KIND

EVENTS: dict[str, type[Event]] = {
    event.type: event
    for event in (
        cases.CaseReported,
        cases.CaseAmended,
        cases.CaseWithdrawn,
        cases.CaseConfirmed,
        cases.CaseReopeningAsked,
        cases.CaseAppealed,
        cases.CaseErased,
        cases.CaseOpened,
        cases.CaseOutcomeReceived,
        cases.CaseAssigned,
        cases.CaseAcknowledged,
        cases.CaseMediated,
        cases.CaseDispatched,
        cases.CaseDispatchAccepted,
        cases.CaseDispatchReturned,
        cases.CaseDispatchDone,
        cases.CaseMessageWritten,
        cases.CaseReminded,
        cases.CaseContactRequested,
        cases.CaseDelayExplained,
        cases.CaseEscalated,
        cases.CaseResolved,
        cases.CaseDeclined,
        cases.CaseReopened,
        cases.CaseMerged,
        cases.CaseClosed,
        alerts.AlertRaised,
        alerts.AlertAcknowledged,
        alerts.AlertUnanswered,
        alerts.AlertWithdrawn,
        registry.AreaRegistered,
        registry.CommunityRegistered,
        registry.CommunityLocated,
        registry.CommunityClosed,
        registry.CommunityReopened,
        registry.UnitRegistered,
        policies.PolicySet,
        policies.CalendarSet,
        duty.DutyTaken,
        duty.DutyLeft,
        patterns.PatternFound,
        gatherings.GatheringAnnounced,
        gatherings.GatheringChanged,
        gatherings.GatheringCancelled,
        gatherings.GatheringSignedUp,
        gatherings.GatheringSignedOff,
        gatherings.GatheringHeld,
    )
}

TOPIC_OF_TYPE: dict[str, str] = {name: TOPIC_OF_KIND[event.stream_kind] for name, event in EVENTS.items()}
