"""/desk/unit: the page by which a unit answers for one case, opened by its signed link and by nothing else."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.chassis import particulars
from services.chassis.areas import up_from
from services.chassis.auth import Staff, Unauthenticated
from services.chassis.categories import category_of
from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.decider import Refused
from services.chassis.eventstore import KeyReused, StoreUnavailable
from services.chassis.http import TraceParent
from services.chassis.service import Service
from services.chassis.web.marked import marked
from services.chassis.web.trouble import AWAY
from services.contracts import cases
from services.contracts.deadlines import Rule
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.mediation.case_file import read_file
from services.mediation.desk import Desk
from services.mediation.domain.case import Dispatched
from services.mediation.pages.acts import NotTaken, Typed, answer_of_unit
from services.mediation.pages.due import due
from services.mediation.pages.listing import looks_for
from services.mediation.pages.rendering import FACE, of_units, pages
from services.mediation.read_models.units import units_for
from services.mediation.unit_links import UnitLinks
from services.mediation.words import KINDS, RETURN_REASONS

router = APIRouter(route_class=of_units.route_class(), prefix=f"{FACE}/unit")

_NOT_WHOLE = marked("The link may not be whole, or is older than thirty days. Ask whoever sent it for a new one.")
_NOT_YOURS = marked("It is done, or somebody else has it. Nothing is asked of you; whoever sent the link knows more.")


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of a unit to its case. `staff` is the unit, in the area of the case and without a role."""

    case_id: UUID
    unit: str
    staff: Staff


async def _opened(request: Request, token: str) -> Visit | None:
    """None: nothing is opened by this link."""
    parts: Service = request.app.state.service
    try:
        meant = UnitLinks(parts).read(token, now())
    except Unauthenticated:
        return None
    async with parts.worker.connect() as connection:
        found = await connection.exec_driver_sql("SELECT area FROM stream WHERE stream_id = $1", (meant.case_id,))
        area: str | None = found.scalars().first()
    if area is None:
        return None
    return Visit(meant.case_id, meant.unit, Staff(f"unit:{meant.unit}"[:64], frozenset(), (area,)))


@router.get("/{token}")
async def show(request: Request, token: str, done: str = "") -> Response:
    opened = await _opened(request, token)
    return await _shown(request, opened, done=done) if opened else _nothing(request)


@router.post("/{token}")
async def answer(request: Request, token: str, traceparent: TraceParent) -> Response:
    """What the unit says. Whoever has the link may say it; another site can't know the link."""
    parts: Service = request.app.state.service
    opened = await _opened(request, token)
    if opened is None:
        return _nothing(request)
    sent = Typed.of(await request.form())
    typed = Typed({**sent.fields, "unit": opened.unit})
    key = typed["key"] or secrets.token_urlsafe(24)
    desk = Desk(parts, opened.staff, Response(), key, traceparent, request.app.state.surroundings)
    try:
        await answer_of_unit(desk, opened.case_id, typed)
    except NotTaken as wrong:
        return await _shown(request, opened, typed=typed, faults=wrong.faults, status=422)
    except (Refused, KeyReused):
        return _not_yours(request)
    except StoreUnavailable:
        return await _shown(request, opened, typed=typed, trouble=AWAY, status=503)
    return RedirectResponse(f"{FACE}/unit/{token}?done={typed['answer']}", status_code=303)


_THANKS = {
    "accept": marked("Thank you. You have taken the work on; come back to this page when it is done."),
    "return": marked("Thank you. The case is back with whoever sent it to you. Nothing more is asked of you."),
    "done": marked("Thank you. Whoever sent it to you tells the resident. Nothing more is asked of you."),
}


async def _shown(
    request: Request,
    opened: Visit,
    *,
    done: str = "",
    typed: Typed | None = None,
    faults: Mapping[str, str] | None = None,
    trouble: str | None = None,
    status: int = 200,
) -> Response:
    parts: Service = request.app.state.service
    language, at = pages.language(request), now()
    file = await read_file(parts, opened.staff, opened.case_id)
    case = file.case
    if not isinstance(case, Dispatched) or case.unit != opened.unit:
        if done in ("return", "done") and _answered(file.events, opened.unit):
            return of_units.said(request, 200, marked("It is taken down"), _THANKS[done])
        return _not_yours(request)
    look = await looks_for(parts, opened.staff, [file.row], language, at, "")
    async with scoped(parts.application, up_from(file.row.area)) as connection:
        units = {unit.unit: unit.name for unit in await units_for(connection, file.row.area)}
    sent = [event for event in file.events if isinstance(event, cases.CaseDispatched)][-1]
    accept, finish = case.standing.clock(Rule.ACCEPT), case.standing.clock(Rule.DONE)
    context: dict[str, Any] = {
        "unit": units.get(opened.unit, opened.unit),
        "category": category_of(file.row.kind, file.row.category, language),
        "kind": language.gettext(KINDS[file.row.kind]),
        "place": look.place(file.row.area),
        "accepted": case.accepted,
        "answer_by": due(accept.due_at, at, language, look.zone) if accept else None,
        "done_by": due(finish.due_at, at, language, look.zone) if finish else None,
        "sent_at": _sent_at(file.recorded),
        "shared": await _shared(parts, opened, sent.shared),
        "zone": look.zone,
        "reasons": RETURN_REASONS,
        "thanks": _THANKS[done] if done == "accept" else None,
        "typed": typed or Typed({}),
        "faults": faults or {},
        "trouble": trouble,
        "key": secrets.token_urlsafe(24),
    }
    return pages.render("unit.html", context, request=request, language=language, status=status)


def _answered(events: Sequence[Event], unit: str) -> bool:
    """The unit's own last word was that it is done, or not to be done by it."""
    said = [one for one in events if isinstance(one, cases.CaseDispatchReturned | cases.CaseDispatchDone)]
    return bool(said) and said[-1].unit == unit


def _sent_at(recorded: Sequence[Recorded]) -> datetime:
    return max(one.occurred_at for one in recorded if one.type == cases.CaseDispatched.type)


async def _shared(parts: Service, opened: Visit, ref: UUID | None) -> str | None:
    """What the tracker chose to tell; that the unit read it is recorded."""
    if ref is None:
        return None
    async with scoped(parts.application, opened.staff.areas) as connection:
        told = await particulars.read(
            connection, parts.vault, [ref], actor=opened.staff.id, role="unit", purpose="dispatch"
        )
    return told.get(ref, {}).get("shared")


def _nothing(request: Request) -> Response:
    return of_units.said(request, 404, marked("This link opens nothing"), _NOT_WHOLE)


def _not_yours(request: Request) -> Response:
    return of_units.said(request, 404, marked("The case is not with you now"), _NOT_YOURS)
