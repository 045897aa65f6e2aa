"""Open311: what anybody may know of the faults that were reported. What is never told stands in open311/told.py."""

from collections.abc import Sequence
from contextlib import aclosing
from uuid import UUID

from fastapi import Request, Response

from services.chassis.clock import now
from services.chassis.database import scoped
from services.intake.door import Door
from services.intake.endpoints.door import TheDoor, after_position
from services.intake.endpoints.open311.answering import answer, language_of, open311_router
from services.intake.endpoints.open311.door import Jurisdiction
from services.intake.known import Community
from services.intake.open311 import asked
from services.intake.open311.offered import IN_THE_OPEN, service_of
from services.intake.open311.refusals import NotAnswered
from services.intake.open311.told import Teller, status_of, steps_of
from services.intake.read_models.case_status import StatusRow
from services.intake.read_models.in_the_open import changed_between, reported_between, these

router = open311_router()


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
    rows = await _this(door, community, service_request_id)
    if not rows:
        raise NotAnswered(
            404, "service_request_id was not found. It may be of another jurisdiction, or nobody's to read."
        )
    return await _requests(request, door, community, rows)


@router.get("/v2/tokens/{token}.{format}", dependencies=[after_position])
async def read_token(request: Request, door: TheDoor, token: str, community: Jurisdiction) -> Response:
    """Every report is answered with its id at once, so no token is ever given; an id stands for itself."""
    if not (rows := await _this(door, community, token)):
        raise NotAnswered(404, "token was not found. Requests are given their service_request_id at once.")
    return answer(
        request, "service_requests", [{"service_request_id": str(row.case_id), "token": token} for row in rows]
    )


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
    teller = Teller(language_of(request), community.clock)
    steps = [(step, row) for row in rows for step in steps_of(row) if period.since <= step.at <= period.until]
    steps.sort(key=lambda one: (one[0].at, one[1].case_id), reverse=True)
    told = [teller.update(row, step) for step, row in steps[: asked.MOST]]
    return answer(request, "service_requests_updates", told)


async def _this(door: Door, community: Community, written: str) -> list[StatusRow]:
    """One, or none."""
    case_id = asked.case_id_of(written)
    return await _these(door, community, [case_id]) if case_id else []


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
    teller = Teller(language_of(request), community.clock)
    names = {level: await door.communities.name_of(level) for level in {row.level or row.area for row in rows}}
    told = [
        teller.request(row, service, names[row.level or row.area])
        for row in rows
        if (service := service_of(row.category or "")) is not None
    ]
    return answer(request, "service_requests", told)
