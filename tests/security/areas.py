"""What each route is asked with, so that it would answer its own area: one line for each route that knows areas.

To add a route: put `"<service> <METHOD> <path>"` into ASKED with the role, query and body that its own area's staff
would send (`{area}`, `{case_id}` … are filled in from tests/security/world.py), and say by `empty` which list of the
answer must be empty for others. Or, if it knows no area, put it into NO_AREA with the reason.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from services.chassis.clock import now
from services.mediation.rules import shipped


@dataclass(frozen=True, slots=True)
class Ask:
    """How to ask one route. Staff of other areas get `status`; or 200 and an empty list, or a line that `says` so."""

    role: str = "cadre"
    query: dict[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    status: int = 404
    empty: str = ""
    says: str = ""
    form: dict[str, str] | None = None
    """What a page's form sends, instead of a body."""
    endless: bool = False
    """Its own area's staff would get a stream that goes on: they are not asked here."""


ITSELF = "itself"
"""With `empty`: the answer is the list."""

_RETURN = {"unit": "{unit}", "reason": "not_ours"}
_CASE = {"owner": "cadre-lin"}
_SOLUTION = {"resolution": "explained", "explanation": "The pipe was mended.", "language": "en"}
_MESSAGE = {"message": "Somebody comes on Tuesday."}
_REFUSAL = {"reason": "outside_remit", "explanation": "The court decides it.", "language": "en"}
_AREA = {"area": "{area}"}
_SHIFT = {**_AREA, "key": "k" * 32}
_PURPOSE = {"purpose": "casework"}

_AHEAD = (now() + timedelta(days=30)).date().isoformat()
PLAN = {
    "title": "Bench",
    "place": "Gate 3",
    "starts_at": f"{_AHEAD}T09:30:00+08:00",
    "ends_at": f"{_AHEAD}T11:00:00+08:00",
}
_DAY = {"title": "Bench", "place": "Gate 3", "day": _AHEAD, "begins": "09:30", "ends": "11:00"}

ASKED: dict[str, Ask] = {
    "intake GET /api/intake/v1/cases/{case_id}/report": Ask(query=_PURPOSE),
    "intake GET /api/intake/v1/cases/{case_id}/photos": Ask(query=_PURPOSE),
    "intake GET /api/intake/v1/conflicts": Ask(empty="conflicts"),
    "intake GET /api/intake/v1/conflicts/{ref}": Ask(query=_PURPOSE),
    "intake POST /api/intake/v1/areas": Ask("operator", body={"path": "{area}", "name": "Willow Lane"}, status=422),
    "intake POST /api/intake/v1/communities": Ask(
        "operator", body={"area": "{area}", "name": "Willow Lane", "time_zone": "Asia/Shanghai"}, status=422
    ),
    "intake POST /api/intake/v1/communities/{community_id}:locate": Ask(
        "operator", body={"latitude": 43.8, "longitude": 87.6, "buildings": ["House 3"]}
    ),
    "intake POST /api/intake/v1/communities/{community_id}:reopen": Ask("operator"),
    "intake GET /api/intake/v1/communities/{community_id}/keys": Ask("operator"),
    "intake POST /api/intake/v1/communities/{community_id}/keys": Ask("operator", body={"scopes": ["report"]}),
    "intake POST /api/intake/v1/communities/{community_id}/keys/{key_id}:replace": Ask("operator", body={}),
    "intake POST /api/intake/v1/communities/{community_id}/keys/{key_id}:revoke": Ask("operator"),
    "intake POST /api/intake/v1/gatherings": Ask(body={"community": "{community_id}", "kind": "bench", **PLAN}),
    "intake POST /api/intake/v1/gatherings/{gathering_id}/change": Ask(body={**PLAN, "place": "Hall"}),
    "intake POST /api/intake/v1/gatherings/{gathering_id}/hold": Ask(body={"attendance": 4}),
    "intake POST /api/intake/v1/gatherings/{gathering_id}/cancel": Ask(body={}),
    "intake GET /counter/gatherings": Ask(status=200, says="No community lies in your areas."),
    "intake POST /counter/gatherings": Ask(form={"community": "{community_id}", "kind": "bench", **_DAY}),
    "intake GET /counter/gatherings/{gathering_id}": Ask(),
    "intake POST /counter/gatherings/{gathering_id}/contacts": Ask(form={}),
    "intake POST /counter/gatherings/{gathering_id}/change": Ask(form=_DAY),
    "intake POST /counter/gatherings/{gathering_id}/hold": Ask(form={"attendance": "4"}),
    "intake POST /counter/gatherings/{gathering_id}/cancel": Ask(form={}),
    "intake GET /counter": Ask(status=200, says="No community lies in your areas."),
    "intake GET /counter/form": Ask(query={"number": "{number}"}),
    "intake GET /counter/blank-forms": Ask(query={"community": "{community_id}"}),
    "intake POST /counter": Ask(
        form={"community": "{community_id}", "about": "Water leak", "text": "A pipe burst.", "language": "en"}
    ),
    "mediation GET /api/mediation/v1/cases": Ask(empty="cases"),
    "mediation GET /api/mediation/v1/cases/{case_id}": Ask(),
    "mediation POST /api/mediation/v1/cases/{case_id}/assign": Ask(body=_CASE),
    "mediation POST /api/mediation/v1/cases/{case_id}/acknowledge": Ask(body={}),
    "mediation POST /api/mediation/v1/cases/{case_id}/mediate": Ask(body={"result": "agreed", "place": "home"}),
    "mediation POST /api/mediation/v1/cases/{case_id}/escalate": Ask(body={}),
    "mediation POST /api/mediation/v1/cases/{case_id}/merge": Ask(body={"into": "{other_case_id}"}),
    "mediation POST /api/mediation/v1/cases/{case_id}/write": Ask(body=_MESSAGE),
    "mediation POST /api/mediation/v1/cases/{case_id}/decline": Ask(body=_REFUSAL),
    "mediation PUT /api/mediation/v1/units/{unit}": Ask("supervisor", body={"area": "{area}", "name": "Water"}),
    "mediation GET /api/mediation/v1/units": Ask(query=_AREA, empty=ITSELF),
    "mediation POST /api/mediation/v1/cases/{case_id}/dispatch": Ask(body={"unit": "{unit}"}),
    "mediation POST /api/mediation/v1/cases/{case_id}/dispatch/accept": Ask(body={"unit": "{unit}"}),
    "mediation POST /api/mediation/v1/cases/{case_id}/dispatch/return": Ask(
        body={"unit": "{unit}", "reason": "not_ours"}
    ),
    "mediation POST /api/mediation/v1/cases/{case_id}/dispatch/done": Ask(body={"unit": "{unit}"}),
    "mediation GET /api/mediation/v1/policies": Ask(query=_AREA),
    "mediation PUT /api/mediation/v1/policies": Ask(
        "supervisor", _AREA, {**shipped().policy.model_dump(mode="json"), "version": "of-our-own"}
    ),
    "mediation PUT /api/mediation/v1/calendars": Ask(
        "supervisor", _AREA, {**shipped().calendar.model_dump(mode="json"), "version": "of-our-own"}
    ),
    "mediation POST /api/mediation/v1/cases:resolve-bulk": Ask(
        body={"case_id": "{case_id}", **_SOLUTION}, status=200, says="is of no case in your areas"
    ),
    "mediation POST /api/mediation/v1/cases/{case_id}/resolve": Ask(body=_SOLUTION),
    "mediation GET /desk": Ask(status=200, says="No case is open in your areas."),
    "mediation GET /desk/ideas": Ask(status=200, says="No idea is on the list yet."),
    "mediation GET /desk/cases/{case_id}": Ask(),
    "mediation GET /desk/cases/{case_id}/version": Ask(),
    "mediation POST /desk/cases/{case_id}/report": Ask(form=_PURPOSE),
    "mediation POST /desk/cases/{case_id}/write": Ask(form=_MESSAGE),
    "mediation POST /desk/cases/{case_id}/decline": Ask(form=_REFUSAL),
    "mediation POST /desk/cases/{case_id}/acknowledge": Ask(form={}),
    "mediation POST /desk/cases/{case_id}/assign": Ask(form=_CASE),
    "mediation POST /desk/cases/{case_id}/mediate": Ask(form={"result": "agreed", "place": "home"}),
    "mediation POST /desk/cases/{case_id}/dispatch": Ask(form={"unit": "{unit}"}),
    "mediation POST /desk/cases/{case_id}/unit": Ask(form={"unit": "{unit}", "answer": "accept"}),
    "mediation POST /desk/cases/{case_id}/escalate": Ask(form={}),
    "mediation POST /desk/cases/{case_id}/merge": Ask(form={"into": "{other_case_id}"}),
    "mediation POST /desk/cases/{case_id}/resolve": Ask(form={**_SOLUTION, "go": "send"}),
    "notifications GET /api/notifications/v1/duty": Ask(query=_AREA),
    "notifications POST /api/notifications/v1/duty:take": Ask(body=_AREA),
    "notifications POST /api/notifications/v1/duty:leave": Ask(body=_AREA),
    "notifications GET /api/notifications/v1/alerts": Ask(empty="alerts"),
    "notifications POST /api/notifications/v1/alerts/{alert_id}/acknowledge": Ask(),
    "notifications GET /duty": Ask(query=_AREA),
    "notifications GET /duty/desk": Ask(query=_AREA),
    "notifications GET /duty/waiting": Ask(query=_AREA),
    "notifications GET /duty/events": Ask(query=_AREA, endless=True),
    "notifications POST /duty/alerts/{alert_id}/take": Ask(form=_AREA),
    "notifications POST /duty/take": Ask(form=_SHIFT),
    "notifications POST /duty/leave": Ask(form={**_SHIFT, "key": "l" * 32}),
    "reporting GET /api/reporting/v1/indicators": Ask("manager", _AREA),
    "reporting GET /api/reporting/v1/indicators/{name}/events": Ask("manager", _AREA),
    "reporting GET /api/reporting/v1/events": Ask("manager", _AREA),
    "reporting GET /api/reporting/v1/webhooks": Ask("operator", empty="webhooks"),
    "reporting POST /api/reporting/v1/webhooks": Ask("operator", body={**_AREA, "url": "http://127.0.0.1:9/"}),
    "reporting GET /api/reporting/v1/webhooks/{webhook_id}": Ask("operator"),
    "reporting POST /api/reporting/v1/webhooks/{webhook_id}:replace-secret": Ask("operator", body={}),
    "reporting POST /api/reporting/v1/webhooks/{webhook_id}:resume": Ask("operator"),
    "reporting DELETE /api/reporting/v1/webhooks/{webhook_id}": Ask("operator"),
    "reporting GET /board": Ask("manager", _AREA),
    "reporting GET /board/events": Ask("manager", {**_AREA, "name": "reported"}),
    # After everything else: the community takes nothing more, and nothing of the case is left.
    "intake POST /api/intake/v1/communities/{community_id}:close": Ask("operator"),
    "intake POST /api/intake/v1/cases/{case_id}/erase": Ask("operator"),
}

NO_AREA: dict[str, str] = {
    r"\w+ GET /api/\w+/(openapi\.json|livez|readyz|metrics)": "it tells of the service, not of a case",
    r"\w+ GET /[\w/-]*assets/\{name\}": "style sheets",
    r"\w+ (GET|POST) /(desk|counter|duty|board)/sign(ed)?-(in|out)": "sign-in itself",
    r"\w+ POST /(desk|counter|duty|board|internal)/backchannel-logout": "the provider's word on sign-in itself",
    r"\w+ POST /internal/signed-out": "a service's word on sign-in itself",
    r"intake GET /api/intake/v1/(categories|communities)": "what every resident may know",
    r"intake GET (/api/intake/v1)?/gatherings.*": "what every resident may know",
    r"intake POST (/api/intake/v1)?/gatherings/\{gathering_id\}/sign-(up|off)": "a resident's word, or by their words",
    r"intake (GET|POST) /(report|case(/.+)?)?": "residents' pages: a word to any community, or by a receipt",
    r"intake GET /(at/.+|report/whole|worker\.js)": "what every resident may know",
    r"intake POST /api/intake/v1/reports": "a resident's word, to any community",
    r"intake GET /open311/(discovery|v2/(services|requests|tokens|servicerequestupdates))\b.*": (
        "what anybody may know; tests/intake/test_open311_privacy.py shows what they may not"
    ),
    r"intake POST /open311/v2/requests\.\{format\}": "by a community's key, which is of one area",
    r"intake (POST|GET) /api/intake/v1/(reports:bulk|conflicts/own|keys:token)": (
        "by a community's key, which is of one area"
    ),
    r"intake (POST|GET) /api/intake/v1/case(:[\w-]+)?": "by a receipt, which is of one case",
    r"notifications \w+ /api/notifications/v1/(channels(:test)?|deliveries/own)": "one's own, known by who asks",
    r"notifications (GET|POST) /duty/channels": "one's own, known by who asks",
    r"notifications GET /api/notifications/v1/deliveries": "tests/notifications/test_deliveries_sending.py has some",
    r"notifications GET /api/notifications/v1/alerts:stream": "it goes on; tests/notifications/test_feed.py reads it",
    r"mediation GET /desk/cases/\{case_id\}/\{act\}": "a form's address without its form: it leads to the case",
    r"intake GET /counter/gatherings/\{gathering_id\}/\{act\}": "the same: it leads to the gathering",
    r"notifications GET /duty/(alerts/\{alert_id\}/take|take|leave)": "the same: it leads to the duty page",
    r"mediation (GET|POST) /desk/unit/\{token\}": "by a unit's signed link, which is of one case",
    r"\w+ POST /internal/particulars:read": "between services; a test of its own below shows its areas",
    r"intake POST /internal/photos:list": "between services; tests/intake/test_attachments_seen.py shows its areas",
    r"intake GET /photos/\{token\}": "by a sealed link for one reader: tests/intake/test_attachments_seen.py",
    r"\w+ POST /internal/(particulars:looks|case:copy)": "by the proof of a receipt, which is of one case",
}
