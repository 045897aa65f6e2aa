"""Who may do what: one line for each route that changes something. What stands nowhere is allowed to nobody.

To add a route: put `"<service> <METHOD> <path>"` under whoever may call it, and look at the line once more.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Allowed:
    """Staff with one of `roles`; `others` are known by something else than a staff token, which then opens nothing.

    `words` fill what in the path is no id, `form` is what a page's form has to hold besides. `refused` is how whoever
    is none of the others is told so.
    """

    roles: frozenset[str] = frozenset()
    others: str = ""
    anybody: bool = False
    words: dict[str, str] = field(default_factory=dict[str, str])
    form: dict[str, str] | None = None
    refused: frozenset[int] = frozenset({401, 404})


def staff(*roles: str) -> Allowed:
    return Allowed(roles=frozenset(roles))


ANYBODY = Allowed(anybody=True)
"""Residents, with nothing to show; staff too."""
RECEIPT = Allowed(others="whoever has the case's receipt")
COMMUNITY_KEY = Allowed(others="a community's system, by its key")
SERVICE = Allowed(others="another service, by its token")
UNIT_LINK = Allowed(others="whoever has the link that a unit was sent")

CASEWORK = ("cadre", "mediator", "supervisor")

COMMANDS: dict[str, Allowed] = {
    # Residents and their communities' systems
    "intake POST /api/intake/v1/reports": ANYBODY,
    "intake POST /api/intake/v1/reports:bulk": COMMUNITY_KEY,
    "intake POST /open311/v2/requests.{format}": Allowed(
        others="a community's system, by its key in the form", words={"format": "xml"}, refused=frozenset({403})
    ),
    "intake POST /api/intake/v1/case:withdraw": RECEIPT,
    "intake POST /api/intake/v1/case:confirm": RECEIPT,
    "intake POST /api/intake/v1/case:ask-reopening": RECEIPT,
    "intake POST /api/intake/v1/case:appeal": RECEIPT,
    "intake POST /api/intake/v1/case:write": RECEIPT,
    "intake POST /api/intake/v1/case:correct": RECEIPT,
    "intake POST /api/intake/v1/case:erase": RECEIPT,
    "intake POST /report": ANYBODY,
    "intake POST /case": ANYBODY,
    "intake POST /case/leave": ANYBODY,
    "intake POST /case/{action}": Allowed(
        others="whoever has given the case's receipt", words={"action": "withdraw"}, form={"key": "k" * 16}
    ),
    "intake POST /case/correct": Allowed(others="whoever has given the case's receipt", form={"key": "k" * 16}),
    # The registry, and the right to be forgotten
    "intake POST /api/intake/v1/areas": staff("operator"),
    "intake POST /api/intake/v1/communities": staff("operator"),
    "intake POST /api/intake/v1/communities/{community_id}/keys": staff("operator"),
    "intake POST /api/intake/v1/communities/{community_id}/keys/{key_id}:revoke": staff("operator"),
    "intake POST /api/intake/v1/cases/{case_id}/erase": staff("operator"),
    # Casework
    "mediation POST /api/mediation/v1/cases/{case_id}/assign": staff("cadre", "supervisor"),
    "mediation POST /api/mediation/v1/cases/{case_id}/acknowledge": staff(*CASEWORK),
    "mediation POST /api/mediation/v1/cases/{case_id}/mediate": staff("cadre", "mediator"),
    "mediation POST /api/mediation/v1/cases/{case_id}/escalate": staff(*CASEWORK),
    "mediation POST /api/mediation/v1/cases/{case_id}/merge": staff("cadre", "supervisor"),
    "mediation POST /api/mediation/v1/cases/{case_id}/resolve": staff(*CASEWORK),
    "mediation POST /api/mediation/v1/cases/{case_id}/write": staff(*CASEWORK),
    "mediation POST /api/mediation/v1/cases/{case_id}/decline": staff(*CASEWORK),
    "mediation POST /api/mediation/v1/cases/{case_id}/dispatch": staff(*CASEWORK),
    "mediation POST /api/mediation/v1/cases/{case_id}/dispatch/accept": staff(*CASEWORK),
    "mediation POST /api/mediation/v1/cases/{case_id}/dispatch/return": staff(*CASEWORK),
    "mediation POST /api/mediation/v1/cases/{case_id}/dispatch/done": staff(*CASEWORK),
    "mediation POST /api/mediation/v1/cases:resolve-bulk": staff(*CASEWORK, "operator"),
    "mediation POST /desk/cases/{case_id}/acknowledge": staff(*CASEWORK),
    "mediation POST /desk/cases/{case_id}/resolve": staff(*CASEWORK),
    "mediation POST /desk/cases/{case_id}/dispatch": staff(*CASEWORK),
    "mediation POST /desk/cases/{case_id}/unit": staff(*CASEWORK),
    "mediation POST /desk/cases/{case_id}/mediate": staff("cadre", "mediator"),
    "mediation POST /desk/cases/{case_id}/assign": staff("cadre", "supervisor"),
    "mediation POST /desk/cases/{case_id}/escalate": staff(*CASEWORK),
    "mediation POST /desk/cases/{case_id}/merge": staff("cadre", "supervisor"),
    "mediation POST /desk/cases/{case_id}/write": staff(*CASEWORK),
    "mediation POST /desk/cases/{case_id}/decline": staff(*CASEWORK),
    "mediation POST /desk/cases/{case_id}/report": staff(*CASEWORK),
    "mediation POST /desk/unit/{token}": UNIT_LINK,
    # What binds everybody's work
    "mediation PUT /api/mediation/v1/units/{unit}": staff("supervisor", "operator"),
    "mediation PUT /api/mediation/v1/policies": staff("supervisor", "operator"),
    "mediation PUT /api/mediation/v1/calendars": staff("supervisor", "operator"),
    # Duty and alerts
    "notifications POST /api/notifications/v1/duty:take": staff("cadre", "supervisor", "operator"),
    "notifications POST /api/notifications/v1/duty:leave": staff("cadre", "supervisor", "operator"),
    "notifications POST /api/notifications/v1/alerts/{alert_id}/acknowledge": staff(*CASEWORK),
    "notifications PUT /api/notifications/v1/channels": staff(*CASEWORK, "operator"),
    "notifications DELETE /api/notifications/v1/channels": staff(*CASEWORK, "operator"),
    "notifications POST /api/notifications/v1/channels:test": staff(*CASEWORK, "operator"),
    "notifications POST /duty/alerts/{alert_id}/take": staff(*CASEWORK),
    "notifications POST /duty/take": staff("cadre", "supervisor", "operator"),
    "notifications POST /duty/leave": staff("cadre", "supervisor", "operator"),
    "notifications POST /duty/channels": staff(*CASEWORK, "operator"),
    # Between services; no gateway leads there
    "intake POST /internal/particulars:read": SERVICE,
    "mediation POST /internal/particulars:read": SERVICE,
    "intake POST /internal/particulars:looks": SERVICE,
    "mediation POST /internal/case:copy": SERVICE,
    "notifications POST /internal/case:copy": SERVICE,
    "mediation POST /internal/particulars:looks": SERVICE,
    # Leaving, which needs nobody to be here
    "mediation POST /desk/sign-out": ANYBODY,
    "notifications POST /duty/sign-out": ANYBODY,
    "reporting POST /board/sign-out": ANYBODY,
}
