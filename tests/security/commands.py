"""Who may do and read what: one line for each route. What stands nowhere is allowed to nobody.

To add a route: put `"<service> <METHOD> <path>"` under whoever may call it, and look at the line once more. One that
only reads goes into READS, or, if anybody may read it, into ANYBODY_READS with the reason.
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

LOGOUT_TOKEN = Allowed(others="the provider that staff sign in at, by its logout token", refused=frozenset({400}))

CASEWORK = ("cadre", "mediator", "supervisor")

COMMANDS: dict[str, Allowed] = {
    # Residents and their communities' systems
    "intake POST /api/intake/v1/reports": ANYBODY,
    "intake POST /api/intake/v1/reports:bulk": COMMUNITY_KEY,
    "intake POST /api/intake/v1/keys:token": COMMUNITY_KEY,
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
    "intake POST /api/intake/v1/case:add-photo": RECEIPT,
    "intake POST /api/intake/v1/case:remove-photo": RECEIPT,
    "intake POST /report": ANYBODY,
    "intake POST /case": ANYBODY,
    "intake POST /case/leave": ANYBODY,
    "intake POST /case/photos": Allowed(others="whoever has given the case's receipt", form={}),
    "intake POST /case/{action}": Allowed(
        others="whoever has given the case's receipt", words={"action": "withdraw"}, form={"key": "k" * 16}
    ),
    "intake POST /api/intake/v1/gatherings/{gathering_id}/sign-up": ANYBODY,
    "intake POST /api/intake/v1/gatherings/{gathering_id}/sign-off": ANYBODY,
    "intake POST /gatherings/{gathering_id}/sign-up": ANYBODY,
    "intake POST /gatherings/{gathering_id}/sign-off": ANYBODY,
    # At the counter, and gatherings
    "intake POST /counter": staff(*CASEWORK),
    "intake POST /api/intake/v1/gatherings": staff("cadre", "supervisor"),
    "intake POST /api/intake/v1/gatherings/{gathering_id}/change": staff("cadre", "supervisor"),
    "intake POST /api/intake/v1/gatherings/{gathering_id}/cancel": staff("cadre", "supervisor"),
    "intake POST /api/intake/v1/gatherings/{gathering_id}/hold": staff("cadre", "supervisor"),
    "intake POST /counter/gatherings": staff("cadre", "supervisor"),
    "intake POST /counter/gatherings/{gathering_id}/change": staff("cadre", "supervisor"),
    "intake POST /counter/gatherings/{gathering_id}/cancel": staff("cadre", "supervisor"),
    "intake POST /counter/gatherings/{gathering_id}/hold": staff("cadre", "supervisor"),
    "intake POST /counter/gatherings/{gathering_id}/contacts": staff("cadre", "supervisor"),
    "intake POST /case/correct": Allowed(others="whoever has given the case's receipt", form={"key": "k" * 16}),
    # The registry, and the right to be forgotten
    "intake POST /api/intake/v1/areas": staff("operator"),
    "intake POST /api/intake/v1/communities": staff("operator"),
    "intake POST /api/intake/v1/communities/{community_id}:locate": staff("operator"),
    "intake POST /api/intake/v1/communities/{community_id}:close": staff("operator"),
    "intake POST /api/intake/v1/communities/{community_id}:reopen": staff("operator"),
    "intake POST /api/intake/v1/communities/{community_id}/keys": staff("operator"),
    "intake POST /api/intake/v1/communities/{community_id}/keys/{key_id}:replace": staff("operator"),
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
    # Who is told of events; a community's system too, by a token in place of its key: tests/reporting/test_webhooks.py
    "reporting POST /api/reporting/v1/webhooks": staff("operator"),
    "reporting POST /api/reporting/v1/webhooks/{webhook_id}:replace-secret": staff("operator"),
    "reporting POST /api/reporting/v1/webhooks/{webhook_id}:resume": staff("operator"),
    "reporting DELETE /api/reporting/v1/webhooks/{webhook_id}": staff("operator"),
    # Between services; no gateway leads there
    "intake POST /internal/particulars:read": SERVICE,
    "intake POST /internal/photos:list": SERVICE,
    "mediation POST /internal/particulars:read": SERVICE,
    "intake POST /internal/particulars:looks": SERVICE,
    "mediation POST /internal/case:copy": SERVICE,
    "notifications POST /internal/case:copy": SERVICE,
    "mediation POST /internal/particulars:looks": SERVICE,
    # Leaving, which needs nobody to be here
    "mediation POST /desk/sign-out": ANYBODY,
    "intake POST /counter/sign-out": ANYBODY,
    "notifications POST /duty/sign-out": ANYBODY,
    "reporting POST /board/sign-out": ANYBODY,
    # Signed out elsewhere
    "mediation POST /desk/backchannel-logout": LOGOUT_TOKEN,
    "intake POST /counter/backchannel-logout": LOGOUT_TOKEN,
    "intake POST /internal/backchannel-logout": LOGOUT_TOKEN,
    "intake POST /internal/signed-out": SERVICE,
    "notifications POST /duty/backchannel-logout": LOGOUT_TOKEN,
    "reporting POST /board/backchannel-logout": LOGOUT_TOKEN,
    "mediation POST /internal/backchannel-logout": LOGOUT_TOKEN,
    "notifications POST /internal/backchannel-logout": LOGOUT_TOKEN,
    "reporting POST /internal/backchannel-logout": LOGOUT_TOKEN,
    "mediation POST /internal/signed-out": SERVICE,
    "notifications POST /internal/signed-out": SERVICE,
    "reporting POST /internal/signed-out": SERVICE,
}

READS: dict[str, Allowed] = {
    # A case by its receipt, what a community sent, and what staff may open of either
    "intake GET /api/intake/v1/case": RECEIPT,
    "intake GET /api/intake/v1/case:export": RECEIPT,
    "intake GET /api/intake/v1/cases/{case_id}/report": staff(*CASEWORK),
    "intake GET /api/intake/v1/cases/{case_id}/photos": staff(*CASEWORK),
    "intake GET /photos/{token}": Allowed(others="whoever was given the link, for minutes"),
    "intake GET /api/intake/v1/conflicts": staff(*CASEWORK, "operator"),
    "intake GET /api/intake/v1/conflicts/{ref}": staff(*CASEWORK),
    "intake GET /api/intake/v1/conflicts/own": COMMUNITY_KEY,
    "intake GET /api/intake/v1/communities/{community_id}/keys": staff("operator"),
    # At the counter
    "intake GET /counter": staff(*CASEWORK),
    "intake GET /counter/form": staff(*CASEWORK),
    "intake GET /counter/blank-forms": staff(*CASEWORK),
    "intake GET /counter/gatherings": staff(*CASEWORK),
    "intake GET /counter/gatherings/{gathering_id}": staff(*CASEWORK),
    # Casework
    "mediation GET /desk/ideas": staff(*CASEWORK),
    "mediation GET /api/mediation/v1/cases": staff(*CASEWORK, "operator"),
    "mediation GET /api/mediation/v1/cases/{case_id}": staff(*CASEWORK, "operator"),
    "mediation GET /api/mediation/v1/units": staff(*CASEWORK, "operator"),
    "mediation GET /api/mediation/v1/policies": staff(*CASEWORK, "manager", "operator"),
    "mediation GET /desk": staff(*CASEWORK),
    "mediation GET /desk/cases/{case_id}": staff(*CASEWORK),
    "mediation GET /desk/cases/{case_id}/version": staff(*CASEWORK),
    "mediation GET /desk/unit/{token}": UNIT_LINK,
    # Duty and alerts
    "notifications GET /api/notifications/v1/duty": staff(*CASEWORK, "operator"),
    "notifications GET /api/notifications/v1/alerts": staff(*CASEWORK, "operator"),
    "notifications GET /api/notifications/v1/alerts:stream": staff(*CASEWORK, "operator"),
    "notifications GET /api/notifications/v1/channels": staff(*CASEWORK, "operator"),
    "notifications GET /api/notifications/v1/deliveries": staff(*CASEWORK, "operator"),
    "notifications GET /api/notifications/v1/deliveries/own": staff(*CASEWORK, "operator"),
    "notifications GET /duty": staff(*CASEWORK, "operator"),
    "notifications GET /duty/desk": staff(*CASEWORK, "operator"),
    "notifications GET /duty/waiting": staff(*CASEWORK, "operator"),
    "notifications GET /duty/events": staff(*CASEWORK, "operator"),
    "notifications GET /duty/channels": staff(*CASEWORK, "operator"),
    # Numbers
    "reporting GET /api/reporting/v1/indicators": staff("cadre", "supervisor", "manager", "operator"),
    "reporting GET /api/reporting/v1/indicators/{name}/events": staff("cadre", "supervisor", "manager", "operator"),
    "reporting GET /api/reporting/v1/events": staff("supervisor", "manager", "operator"),
    "reporting GET /api/reporting/v1/webhooks": staff("operator"),
    "reporting GET /api/reporting/v1/webhooks/{webhook_id}": staff("operator"),
    "reporting GET /board": staff("cadre", "supervisor", "manager", "operator"),
    "reporting GET /board/events": staff("cadre", "supervisor", "manager", "operator"),
}

ANYBODY_READS: dict[str, str] = {
    r"\w+ GET /api/\w+/(openapi\.json|livez|readyz|metrics)": "it tells of the service, not of a case",
    r"\w+ GET /[\w/-]*assets/\{name\}": "style sheets",
    r"\w+ GET /(desk|counter|duty|board)/sign(ed)?-(in|out)": "sign-in itself; who signs out has a session",
    r"intake GET /api/intake/v1/(categories|communities)": "what every resident may know",
    r"intake GET (/api/intake/v1)?/gatherings.*": "what every resident may know",
    r"intake GET /(report)?": "a resident's first words",
    r"intake GET /(at/.+|report/whole|worker\.js)": "what every resident may know",
    r"intake GET /case(/.+)?": "pages that ask for the receipt; tests/intake/test_pages.py opens none without it",
    r"intake GET /open311/.+": "what anybody may know; tests/intake/test_open311_privacy.py shows what they may not",
    r"mediation GET /desk/cases/\{case_id\}/\{act\}": "a form's address without its form: it leads to the case",
    r"intake GET /counter/gatherings/\{gathering_id\}/\{act\}": "the same: it leads to the gathering",
    r"notifications GET /duty/(alerts/\{alert_id\}/take|take|leave)": "the same: it leads to the duty page",
}
