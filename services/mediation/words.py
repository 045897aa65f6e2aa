"""What codes are called at the desk: kinds, states, and what people answer in forms."""

from services.chassis.web.marked import marked
from services.contracts.cases import (
    Closure,
    DeclineReason,
    EscalationReason,
    Kind,
    MediationPlace,
    MediationResult,
    Resolution,
    ReturnReason,
)
from services.mediation.read_models.caseload import State

KINDS: dict[str, str] = {
    Kind.DISPUTE: marked("Dispute"),
    Kind.NEED: marked("Need"),
    Kind.CONSULTATION: marked("Consultation"),
    Kind.IDEA: marked("Idea"),
    Kind.LISTENING: marked("Somebody to talk to"),
    Kind.FAULT: marked("Fault"),
    Kind.INFORMATION: marked("Information"),
}

STATES: dict[str, str] = {
    State.REPORTED: marked("Arriving"),
    State.OPENED: marked("Open"),
    State.ASSIGNED: marked("Given, not taken on yet"),
    State.ACKNOWLEDGED: marked("Being worked on"),
    State.IN_MEDIATION: marked("In mediation"),
    State.DISPATCHED: marked("With a unit"),
    State.MERGED: marked("Merged into another case"),
    State.RESOLVED: marked("Resolved, the resident's turn"),
    State.CLOSED: marked("Closed"),
}

RESULTS: dict[str, str] = {
    MediationResult.AGREED: marked("They agreed"),
    MediationResult.NOT_AGREED: marked("They did not agree"),
    MediationResult.ADJOURNED: marked("Another session follows"),
}

SESSION_PLACES: dict[str, str] = {
    MediationPlace.HOME: marked("At home"),
    MediationPlace.STATION: marked("At the station"),
    MediationPlace.ONLINE: marked("Online"),
}

RESOLUTIONS: dict[str, str] = {
    Resolution.ON_THE_SPOT: marked("Solved on the spot"),
    Resolution.MEDIATED: marked("Solved by mediation"),
    Resolution.BY_UNIT: marked("Solved by the unit"),
    Resolution.EXPLAINED: marked("Explained"),
    Resolution.IMPORTED: marked("Resolved, as history has it"),
}

RETURN_REASONS: dict[str, str] = {
    ReturnReason.NOT_OURS: marked("It is not ours to do"),
    ReturnReason.NOT_POSSIBLE: marked("It can't be done"),
    ReturnReason.NEEDS_MORE: marked("We have to know more first"),
    ReturnReason.ALREADY_DONE: marked("It was done already"),
}

UNIT_ANSWERS: dict[str, str] = {
    "accept": marked("They take it on"),
    "done": marked("It is done"),
    "return": marked("They give it back"),
}

ESCALATION_REASONS: dict[str, str] = {
    EscalationReason.ASKED_BY_STAFF: marked("Somebody at the desk asked for it"),
    EscalationReason.UNACKNOWLEDGED: marked("Nobody had taken it on in time"),
    EscalationReason.OVERDUE: marked("It was overdue"),
    EscalationReason.ALERT_UNANSWERED: marked("Nobody answered the alert"),
    EscalationReason.UNIT_SILENT: marked("The unit had not answered in time"),
}

CLOSURES: dict[str, str] = {
    Closure.CONFIRMED: marked("The resident confirmed that it is solved."),
    Closure.WITHDRAWN: marked("The resident took the report back."),
    Closure.WINDOW_ENDED: marked("The resident did not answer in time, so it counts as solved."),
    Closure.DECLINED: marked("It is taken no further, unless the resident appeals."),
}

DECLINE_REASONS: dict[str, str] = {
    DeclineReason.OUTSIDE_REMIT: marked("Nobody here may do it"),
    DeclineReason.DECIDED_ELSEWHERE: marked("A court or an authority decides it"),
    DeclineReason.NOTHING_FOUND: marked("It was looked into, and nothing was found"),
    DeclineReason.NOT_ENOUGH_TOLD: marked("Too little is known, and asking brought no answer"),
}
