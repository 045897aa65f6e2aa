"""Open311: a fault, reported by a community's system."""

from urllib.parse import urljoin

from fastapi import Request, Response

from services.chassis import http
from services.chassis.http import TraceParent
from services.chassis.web.marked import marked
from services.intake.address import public_url
from services.intake.endpoints.door import TheDoor
from services.intake.endpoints.open311.answering import answer, language_of, open311_router
from services.intake.endpoints.open311.door import Key, Said, System
from services.intake.open311.formats import Value
from services.intake.open311.jurisdictions import jurisdiction_of
from services.intake.open311.refusals import NotAnswered
from services.intake.open311.sent import report_of, service_asked
from services.intake.taking import take

router = open311_router()


@router.post("/v2/requests.{format}")
async def report(
    request: Request, door: TheDoor, system: System, said: Said, key: Key, traceparent: TraceParent
) -> Response:
    """Of a service that nobody may read of, no id is given.

    The reporter's receipt stands in the notice, this once: whoever sends the report hands it on.
    """
    door.limits.reports_of_a_key.take(system.key_id)
    community = await jurisdiction_of(door, said.get("jurisdiction_id"))
    if community.id != system.community:
        raise NotAnswered(403, "api_key is of another jurisdiction. Send the key of the one that is named.")
    service = service_asked(said)
    form = report_of(said, service, community.id)
    taken, position = await take(door, form, key, traceparent, actor="community-system")
    notice = language_of(request).gettext(
        marked("Keep these seven words, the only key to your case: {receipt}. Follow it at {address}.")
    )
    told: dict[str, Value] = {"service_request_id": str(taken.case_id)} if service.can_be_read else {}
    told |= {
        "service_notice": notice.format(receipt=taken.receipt, address=urljoin(public_url(request), "/case")),
        "account_id": None,
    }
    answered = answer(request, "service_requests", [told])
    answered.headers[http.POSITION] = str(position)
    return answered
