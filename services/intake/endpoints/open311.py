"""Open311 GeoReport v2: faults reported by other programs, and what anybody may know of them, as XML and as JSON.

`jurisdiction_id` is a community, the path of its area written with dots. What is never told stands in open311/told.py.
"""

import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import Annotated, Any
from urllib.parse import urljoin
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.routing import APIRoute

from services.chassis import http
from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.http import TraceParent
from services.chassis.settings import ServiceSettings
from services.chassis.web.languages import Language, spoken, translator
from services.chassis.web.marked import marked
from services.intake.credentials import Credential, Scope
from services.intake.door import Door
from services.intake.endpoints.door import TheDoor, after_position
from services.intake.known import Community
from services.intake.open311 import asked, discovery, sent
from services.intake.open311.formats import MEDIA_TYPES, Format, Value, write
from services.intake.open311.jurisdictions import jurisdiction_of
from services.intake.open311.offered import IN_THE_OPEN, definition, listed, service_of, services
from services.intake.open311.refusals import NotAnswered, refusal_of
from services.intake.open311.told import Teller, status_of, steps_of
from services.intake.read_models.case_status import StatusRow
from services.intake.read_models.in_the_open import changed_between, reported_between, these
from services.intake.taking import take

_NO_SERVICE = "service_code was not found. Send one that GET services lists."
_NO_REQUEST = "service_request_id was not found. It may be of another jurisdiction, or nobody's to read."
_NO_FORMAT = "There is nothing at this address. Ask for xml or json."


class Open311Route(APIRoute):
    """What goes wrong is told in the format that was asked for, as a list of errors."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                if _format(request) is None:
                    raise NotAnswered(404, _NO_FORMAT)
                return await handler(request)
            except Exception as error:
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                return _refused(request, refusal)

        return answered


router = APIRouter(prefix="/open311", route_class=Open311Route)


async def _jurisdiction(door: TheDoor, jurisdiction_id: str | None = None) -> Community:
    return await jurisdiction_of(door, jurisdiction_id)


async def _said(request: Request) -> sent.Said:
    """The form, and what stands in the address; the form counts."""
    async with request.form() as form:
        fields = [*form.multi_items(), *request.query_params.multi_items()]
    return {name: value.strip() for name, value in reversed(fields) if isinstance(value, str) and value.strip()}


async def _system(door: TheDoor, said: Annotated[sent.Said, Depends(_said)]) -> Credential:
    """Raises Unauthenticated, Forbidden."""
    system = await door.credentials.check(said.get("api_key", ""))
    system.require(Scope.REPORT)
    return system


async def _key(request: Request, idempotency_key: Annotated[str | None, Header()] = None) -> str:
    """GeoReport knows no keys: without one every request is a new one."""
    if idempotency_key is None:
        return secrets.token_hex(32)
    return await http.idempotency_key(idempotency_key)


Jurisdiction = Annotated[Community, Depends(_jurisdiction)]
Said = Annotated[sent.Said, Depends(_said)]
System = Annotated[Credential, Depends(_system)]
Key = Annotated[str, Depends(_key)]


@router.get("/discovery.{format}")
async def discover(request: Request) -> Response:
    """Where the endpoint is, which formats it speaks, and how to get a key."""
    return _answer(request, "discovery", discovery.discovery(_public_url(request), _language(request)))


@router.get("/v2/services.{format}")
async def read_services(request: Request, _jurisdiction: Jurisdiction) -> Response:
    """What can be reported: the same in every jurisdiction."""
    language = _language(request)
    return _answer(request, "services", [listed(service, language) for service in services()])


@router.get("/v2/services/{service_code}.{format}")
async def read_definition(request: Request, service_code: str, _jurisdiction: Jurisdiction) -> Response:
    service = service_of(service_code)
    if service is None:
        raise NotAnswered(404, _NO_SERVICE)
    return _answer(request, "service_definition", definition(service, _language(request)))


@router.post("/v2/requests.{format}")
async def report(
    request: Request, door: TheDoor, system: System, said: Said, key: Key, traceparent: TraceParent
) -> Response:
    """Report a fault. Of a service that nobody may read of, no id is given.

    The reporter's receipt stands in the notice, this once: whoever sends the report hands it on.
    """
    community = await jurisdiction_of(door, said.get("jurisdiction_id"))
    if community.id != system.community:
        raise NotAnswered(403, "api_key is of another jurisdiction. Send the key of the one that is named.")
    service = sent.service_asked(said)
    form = sent.report_of(said, service, community.id)
    taken, position = await take(door, form, key, traceparent, actor="community-system")
    notice = _language(request).gettext(
        marked("Keep these seven words, the only key to your case: {receipt}. Follow it at {address}.")
    )
    told: dict[str, Value] = {"service_request_id": str(taken.case_id)} if service.can_be_read else {}
    told |= {
        "service_notice": notice.format(receipt=taken.receipt, address=urljoin(_public_url(request), "/case")),
        "account_id": None,
    }
    answer = _answer(request, "service_requests", [told])
    answer.headers[http.POSITION] = str(position)
    return answer


@router.get("/v2/tokens/{token}.{format}", dependencies=[after_position])
async def read_token(request: Request, door: TheDoor, token: str, community: Jurisdiction) -> Response:
    """Every report is answered with its id at once, so no token is ever given; an id stands for itself."""
    case_id = asked.case_id_of(token)
    found = await _these(door, community, [case_id] if case_id else [])
    if not found:
        raise NotAnswered(404, "token was not found. Requests are given their service_request_id at once.")
    told: Mapping[str, Value] = {"service_request_id": str(found[0].case_id), "token": token}
    return _answer(request, "service_requests", [told])


@router.get("/v2/requests.{format}", dependencies=[after_position])
async def read_requests(
    request: Request,
    door: TheDoor,
    community: Jurisdiction,
    service_request_id: str | None = None,
    service_code: str | None = None,
    start_date: str | None = None,
    end_date: str | None = None,
    status: str | None = None,
) -> Response:
    """The newest first, a thousand at most."""
    if asked.parts(service_request_id):
        rows = await _these(door, community, asked.case_ids(service_request_id))
    else:
        rows = await _found(door, community, asked.search(service_code, status, start_date, end_date, now()))
    return await _requests(request, door, community, rows)


@router.get("/v2/requests/{service_request_id}.{format}", dependencies=[after_position])
async def read_request(request: Request, door: TheDoor, service_request_id: str, community: Jurisdiction) -> Response:
    case_id = asked.case_id_of(service_request_id)
    rows = await _these(door, community, [case_id] if case_id else [])
    if not rows:
        raise NotAnswered(404, _NO_REQUEST)
    return await _requests(request, door, community, rows)


@router.get("/v2/servicerequestupdates.{format}", dependencies=[after_position])
async def read_updates(
    request: Request,
    door: TheDoor,
    community: Jurisdiction,
    start_date: str | None = None,
    end_date: str | None = None,
) -> Response:
    """What changed, the newest first, a thousand at most: an extension that FixMyStreet reads."""
    period = asked.period(start_date, end_date, now())
    async with scoped(door.service.application, [community.area]) as connection:
        rows = await changed_between(connection, community.id, IN_THE_OPEN, period.since, period.until, asked.MOST)
    teller = Teller(_language(request), community.clock)
    steps = [(step, row) for row in rows for step in steps_of(row) if period.since <= step.at <= period.until]
    steps.sort(key=lambda one: (one[0].at, one[1].case_id), reverse=True)
    told = [teller.update(row, step) for step, row in steps[: asked.MOST]]
    return _answer(request, "service_requests_updates", told)


async def _these(door: Door, community: Community, case_ids: Sequence[UUID]) -> list[StatusRow]:
    async with scoped(door.service.application, [community.area]) as connection:
        return await these(connection, community.id, IN_THE_OPEN, case_ids)


async def _found(door: Door, community: Community, search: asked.Search) -> list[StatusRow]:
    rows: list[StatusRow] = []
    period = search.period
    async with scoped(door.service.application, [community.area]) as connection:
        found = reported_between(connection, community.id, search.categories, period.since, period.until)
        async with aclosing(found):
            async for row in found:
                if status_of(row) in search.statuses:
                    rows.append(row)
                if len(rows) == asked.MOST:
                    break
    return rows


async def _requests(request: Request, door: Door, community: Community, rows: Sequence[StatusRow]) -> Response:
    teller = Teller(_language(request), community.clock)
    names = {level: await door.communities.name_of(level) for level in {row.level or row.area for row in rows}}
    told = [
        teller.request(row, service, names[row.level or row.area])
        for row in rows
        if (service := service_of(row.category or "")) is not None
    ]
    return _answer(request, "service_requests", told)


def _format(request: Request) -> Format | None:
    written = request.path_params.get("format")
    return Format(written) if written in set(Format) else None


def _language(request: Request) -> Language:
    return translator(spoken(request), "intake")


def _public_url(request: Request) -> str:
    settings: ServiceSettings = request.app.state.settings
    return f"{(settings.public_url or str(request.base_url)).rstrip('/')}/"


def _answer(request: Request, root: str, content: Value, status: int = 200) -> Response:
    written = _format(request) or Format.XML
    return Response(
        write(root, content, written),
        status_code=status,
        media_type=MEDIA_TYPES[written],
        headers={"Content-Language": _language(request).code},
    )


def _refused(request: Request, refusal: NotAnswered) -> Response:
    errors = [{"code": refusal.code, "description": description} for description in refusal.descriptions]
    answer = _answer(request, "errors", errors, refusal.code)
    answer.headers.update(refusal.headers)
    return answer
