"""/desk/cases: one case, what happened to it, what was promised, and what can be done, each act in its place."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from services.chassis.areas import area_above, up_from
from services.chassis.auth import Staff
from services.chassis.categories import category_of
from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.decider import Refused
from services.chassis.duty_desks import seats_at
from services.chassis.eventstore import KeyReused, StaleVersion, StoreUnavailable
from services.chassis.http import TraceParent
from services.chassis.problems import ProblemError
from services.chassis.service import Service
from services.chassis.signin.page import Csrf, own_form, page_staff_with
from services.chassis.web.languages import VARIANTS, Language, translator
from services.chassis.web.marked import marked
from services.chassis.web.trouble import AWAY
from services.contracts.cases import Urgency
from services.contracts.deadlines import Deadline, Rule
from services.mediation.case_file import CaseFile, Promise, read_file, version_of
from services.mediation.casework import Solution
from services.mediation.circumstances import Surroundings
from services.mediation.desk import CASEWORKERS, Desk
from services.mediation.domain.case import (
    Assigned,
    Closed,
    Dispatched,
    Known,
    Merged,
    Opened,
    OutcomeWaiting,
    Resolved,
    Unopened,
)
from services.mediation.domain.deadlines import deadline
from services.mediation.explaining import explain, title
from services.mediation.pages.acts import DONE, ROLES, TITLES, Act, NotTaken, Typed, carry_out, possible, solution_of
from services.mediation.pages.due import Due, due
from services.mediation.pages.listing import ListAsked, Looks, asked_of, listing, looks_for
from services.mediation.pages.rendering import FACE, DeskRoute, pages
from services.mediation.pages.report import FIELDS, PURPOSES, OpenedReport, conversation, open_report
from services.mediation.pages.timeline import Teller
from services.mediation.read_models.units import UnitRow, units_for
from services.mediation.settings import MediationSettings
from services.mediation.unit_links import UnitLinks
from services.mediation.words import (
    DECLINE_REASONS,
    RESOLUTIONS,
    RESULTS,
    RETURN_REASONS,
    SESSION_PLACES,
    STATES,
    UNIT_ANSWERS,
)

router = APIRouter(route_class=DeskRoute, prefix=f"{FACE}/cases")

Caseworker = Annotated[Staff, Depends(page_staff_with(*CASEWORKERS))]

STALE = marked(
    "Somebody changed the case meanwhile, so nothing was done. Read what is new; what you wrote is still in its field."
)
_REPEATED = marked("This form was sent before with other words. Look whether it was done, and send it again if not.")
_UNKNOWN_COMMUNITY = marked("The case's community is not known here yet. Nothing was stored; send it again soon.")


@dataclass(frozen=True, slots=True)
class Told:
    """What the page says beside the case, after something was tried."""

    done: str | None = None
    trouble: str | None = None
    act: Act | None = None
    """Whose form stands open, with `typed` in it."""
    typed: Typed = field(default_factory=lambda: Typed({}))
    faults: Mapping[str, str] = field(default_factory=dict[str, str])
    preview: Solution | None = None
    opened: OpenedReport | None = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class ShownPromise:
    title: str
    due: Due
    why: Sequence[str]


@dataclass(frozen=True, slots=True)
class Preview:
    """What the resident is told, in their language."""

    language: Language
    resolution: str
    explanation: str
    confirm: str
    reopen: str


@router.get("/{case_id}")
async def show(request: Request, staff: Caseworker, csrf: Csrf, case_id: UUID, asked: ListAsked) -> Response:
    done = request.query_params.get("done", "")
    language = pages.language(request)
    told = Told(done=language.gettext(DONE[Act(done)]) if done in set(Act) else None)
    return await shown(request, staff, csrf, case_id, told)


@router.get("/{case_id}/version")
async def version(request: Request, staff: Caseworker, case_id: UUID) -> dict[str, int]:
    """How far the case has got: an open page asks whether it still shows all."""
    parts: Service = request.app.state.service
    return {"version": await version_of(parts, staff, case_id)}


@router.get("/{case_id}/{act}")
async def back_to_the_case(request: Request, case_id: UUID, act: str) -> Response:
    """A form's address, opened without its form."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{FACE}/cases/{case_id}{query}", status_code=303)


@router.post("/{case_id}/report", dependencies=[own_form])
async def read_report(request: Request, staff: Caseworker, csrf: Csrf, case_id: UUID) -> Response:
    """Opening what the resident wrote is recorded by intake, which keeps it."""
    parts: Service = request.app.state.service
    settings: MediationSettings = request.app.state.settings
    await version_of(parts, staff, case_id)
    purpose = Typed.of(await request.form())["purpose"]
    opened = await open_report(
        parts, settings.intake_url, staff, case_id, purpose if purpose in PURPOSES else "casework"
    )
    return await shown(request, staff, csrf, case_id, Told(opened=opened))


def _doing(act: Act) -> Callable[..., Awaitable[Response]]:
    async def do(
        request: Request,
        staff: Annotated[Staff, Depends(page_staff_with(*ROLES[act]))],
        csrf: Csrf,
        traceparent: TraceParent,
        case_id: UUID,
    ) -> Response:
        """One act, in the same way as through the API. Sent again under the same key it is done once."""
        parts: Service = request.app.state.service
        language, typed = pages.language(request), Typed.of(await request.form())
        await version_of(parts, staff, case_id)
        key, seen = typed["key"] or secrets.token_urlsafe(24), typed["version"]
        expected = int(seen) if seen.isdecimal() else None
        desk = Desk(parts, staff, Response(), key, traceparent, request.app.state.surroundings, expected)
        told = await _tried(desk, case_id, act, typed, language)
        if told is not None:
            return await shown(request, staff, csrf, case_id, told)
        query = asked_of(typed["whose"], typed["state"], typed["area"], typed["band"]).query(done=act)
        return RedirectResponse(f"{FACE}/cases/{case_id}{query}#file", status_code=303)

    return do


for _act in Act:
    # A route for each, so that each stands in the table of who may do what.
    router.post(f"/{{case_id}}/{_act}", dependencies=[own_form], name=_act)(_doing(_act))


async def _tried(desk: Desk, case_id: UUID, act: Act, typed: Typed, language: Language) -> Told | None:
    """None: it was done."""
    _ = language.gettext
    try:
        if act is Act.RESOLVE and typed["go"] != "send":
            return Told(act=act, typed=typed, preview=None if typed["go"] == "back" else solution_of(typed))
        await carry_out(desk, case_id, act, typed)
    except NotTaken as wrong:
        return Told(act=act, typed=typed, faults=wrong.faults, status=422)
    except Refused as refused:
        text = _(type(refused).message).format(**await _named(desk, refused.details))
        return Told(act=act, typed=typed, trouble=text, status=409)
    except StaleVersion:
        return Told(act=act, typed=typed, trouble=_(STALE), status=412)
    except KeyReused:
        return Told(act=act, typed=typed, trouble=_(_REPEATED), status=409)
    except StoreUnavailable:
        return Told(act=act, typed=typed, trouble=_(AWAY), status=503)
    except ProblemError as away:
        if away.problem.status != 503:
            raise
        return Told(act=act, typed=typed, trouble=_(_UNKNOWN_COMMUNITY), status=503)
    return None


async def _named(desk: Desk, details: Mapping[str, Any]) -> dict[str, Any]:
    """The details of a refusal, with the name of an area in place of its path."""
    level = details.get("level")
    if level is None:
        return dict(details)
    row_less = await looks_for(desk.parts, desk.staff, [], translator(None), now(), "", also=[level])
    return {**details, "level": row_less.place(level)}


async def shown(request: Request, staff: Staff, csrf: str, case_id: UUID, told: Told) -> Response:
    """The page: the list, the file, and what can be done."""
    parts: Service = request.app.state.service
    language, at = pages.language(request), now()
    query = request.query_params
    asked = asked_of(
        told.typed["whose"] or query.get("whose", ""),
        told.typed["state"] or query.get("state", ""),
        told.typed["area"] or query.get("area", ""),
        told.typed["band"] or query.get("band", ""),
    )
    file = await read_file(parts, staff, case_id)
    row = file.row
    levels = {level for event in file.events if (level := getattr(event, "to_level", None))}
    above = area_above(row.level)
    look = await looks_for(
        parts, staff, [row], language, at, asked.query(), also=[*levels, *([above] if above else [])]
    )
    async with scoped(parts.application, up_from(row.area)) as connection:
        units = await units_for(connection, row.area)
    acts = possible(file.case, staff)
    running = [_promise(one, look) for one in file.promises if one.running]
    context: dict[str, Any] = {
        "face": FACE,
        "csrf": csrf,
        "staff": staff,
        "list": await listing(parts, staff, asked, language),
        "asked": asked,
        "row": look.row(row),
        "case": row,
        "version": file.version,
        "zone": look.zone,
        "state": language.gettext(STATES[row.state]),
        "place": look.place(row.area),
        "level": look.place(row.level) if row.level != row.area else None,
        "above": look.place(above) if above else None,
        "running": sorted(running, key=lambda one: one.due.moment),
        "earlier": [_promise(one, look) for one in file.promises if not one.running],
        "steps": Teller(look, {unit.unit: unit.name for unit in units}).steps(file),
        "acts": acts,
        "titles": TITLES,
        "standing": _standing(file, staff, look),
        "other_case": file.case.into if isinstance(file.case, Merged) else None,
        "same_as": file.same_as,
        "unit": _unit(file, units, request, parts) if Act.UNIT in acts else None,
        "units": units,
        "people": await _people(parts, staff, row.level) if Act.ASSIGN in acts else [],
        "preview": await _preview(request, told.preview, case_id, file, language),
        "key": secrets.token_urlsafe(24),
        "told": told,
        "written": conversation(told.opened, file, language) if told.opened else [],
        "guarded": file.case.standing if isinstance(file.case, Known) else None,
        "decline_reasons": DECLINE_REASONS,
        "purposes": PURPOSES,
        "fields": FIELDS,
        "results": RESULTS,
        "session_places": SESSION_PLACES,
        "resolutions": {code: name for code, name in RESOLUTIONS.items() if code != "imported"},
        "return_reasons": RETURN_REASONS,
        "unit_answers": UNIT_ANSWERS,
        "tongues": VARIANTS,
        "category": category_of(row.kind, row.category, language),
    }
    return pages.render("case.html", context, request=request, language=language, status=told.status)


def _promise(promise: Promise, look: Looks) -> ShownPromise:
    given, language, zone = promise.deadline, look.language, look.zone
    return ShownPromise(
        title(given.rule, language),
        due(given.due_at, look.at, language, zone),
        explain(given, language, zone, renewed=promise.renewed),
    )


def _standing(file: CaseFile, staff: Staff, look: Looks) -> str | None:
    """Why there is less to do than one may expect, and what to do instead."""
    _, case = look.language.gettext, file.case
    match case:
        case Resolved():
            return _("It is resolved. The resident can confirm, or ask to have it taken up again.")
        case Closed():
            return _("It is closed. If the trouble goes on, the resident reports it anew or asks to reopen it.")
        case Merged():
            return _("It is answered with the case that it was merged into. Work on that one.")
        case Unopened() | OutcomeWaiting():
            return _("It is just arriving. Open this page again in a moment.")
        case _ if case.owner != staff.id and not case.level.startswith(staff.areas):
            sentence = _("It is answered for at {place} now. Ask there to have it given to you.")
            return sentence.format(place=look.place(case.level))
        case _ if staff.id in case.standing.barred:
            return _("You had it before it was taken up again, so somebody else solves it this time.")
        case Opened() | Assigned():
            return None
        case _ if case.owner != staff.id:
            sentence = _("{who} has it. To solve it or hand it over yourself, have it given to you first.")
            return sentence.format(who=case.owner)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class WithUnit:
    unit: str
    name: str
    accepted: bool
    link: str


def _unit(file: CaseFile, units: Sequence[UnitRow], request: Request, parts: Service) -> WithUnit | None:
    """The unit that has the case, and the link by which it answers: always the same for one handing over."""
    if not isinstance(file.case, Dispatched):
        return None
    settings: MediationSettings = request.app.state.settings
    since = max(one.occurred_at for one in file.recorded if one.type == "case.dispatched")
    link = UnitLinks(parts).issue(file.row.case_id, file.case.unit, since)
    name = next((unit.name for unit in units if unit.unit == file.case.unit), file.case.unit)
    base = (settings.public_url or str(request.base_url)).rstrip("/")
    return WithUnit(file.case.unit, name, file.case.accepted, f"{base}{link}")


async def _people(parts: Service, staff: Staff, level: str) -> list[str]:
    """Whom a case is likely given to: oneself, and who is on duty there and above."""
    async with parts.worker.connect() as connection:
        seats = await seats_at(connection, up_from(level), now())
    return list(dict.fromkeys([staff.id, *(seat.cadre for seat in seats)]))


async def _preview(
    request: Request, solution: Solution | None, case_id: UUID, file: CaseFile, reader: Language
) -> Preview | None:
    if solution is None:
        return None
    surroundings: Surroundings = request.app.state.surroundings
    at, area = now(), file.row.area
    rules = (await surroundings.of([area], at))[area].rules
    language = translator(solution.language, "mediation")
    until = {
        rule: _last_day(deadline(rule, Urgency(file.row.urgency), at, rules), language, rules.clock)
        for rule in (Rule.CONFIRM, Rule.REOPEN)
    }
    _ = language.gettext
    return Preview(
        language,
        _(RESOLUTIONS[solution.resolution]),
        solution.explanation,
        _("Say until the end of {day} whether it is solved; then it counts as solved.").format(day=until[Rule.CONFIRM]),
        _("Until the end of {day} you can ask to have it taken up again.").format(day=until[Rule.REOPEN]),
    )


def _last_day(window: Deadline, language: Language, zone: tzinfo) -> str:
    """A resident's window ends with its last day, at a midnight that nobody would call by the day after."""
    return language.short_day(window.due_at - timedelta(seconds=1), zone)
