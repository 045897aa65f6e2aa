"""/board: the numbers for people, and their events."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError

from services.chassis.areas import up_from
from services.chassis.auth import Staff
from services.chassis.database import scoped
from services.chassis.forms import Instant
from services.chassis.problems import ProblemError
from services.chassis.service import Service
from services.chassis.signin.page import Csrf, page_staff_with
from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.chassis.web.pages import Assets, Pages
from services.chassis.web.trouble import StaffFace
from services.contracts.event import AreaPath
from services.reporting.asking import READERS, Counted, Fresh, after_position, mark_of, question_of
from services.reporting.board import board, name_of
from services.reporting.read_models.evidence import events_behind
from services.reporting.read_models.figures import By, Question
from services.reporting.read_models.indicators import BY_NAME, IndicatorName
from services.reporting.read_models.place import names_of, names_within

HERE = Path(__file__).parent
FACE = "/board"
EVENTS_ON_A_PAGE = 50

assets = Assets("/board/assets", HERE / "assets" / "board.css")
pages = Pages(HERE / "templates", assets, ("tokens.css", "base.css", "board.css"))
router = APIRouter(route_class=StaffFace(pages, FACE, marked("To the board")).route_class())
router.include_router(assets.router())

T = TypeVar("T")

_GROUPINGS = (frozenset[By](), frozenset({By.MONTH}), frozenset({By.PLACE}))


Reader = Annotated[Staff, Depends(page_staff_with(*READERS))]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form says, as far as it can be understood."""

    question: Question
    faults: list[str]
    form: Mapping[str, str]


async def asked(request: Request, staff: Reader) -> Asked:
    """A dependency. What can't be understood is left out and said; another's area is no fault but unknown.

    Raises:
        ProblemError: 404 for an area that is not the reader's.
    """
    _ = pages.language(request).gettext
    form = {name: request.query_params.get(name, "") for name in ("area", "from", "to", "as_of")}
    faults: list[str] = []
    area = _read(TypeAdapter(AreaPath), form["area"], _("The area is not a path like /city/district/."), faults)
    first = _read(TypeAdapter(date), form["from"], _("“Reported from” is not a date; write it as 2026-03-01."), faults)
    last = _read(TypeAdapter(date), form["to"], _("“Reported to” is not a date; write it as 2026-03-01."), faults)
    as_of = _read(
        TypeAdapter(datetime), form["as_of"], _("“As known at” is not a time; write it as 2026-03-01T09:30."), faults
    )
    if as_of:
        told = as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)
        beyond = _("“As known at” lies outside of the years 1900 to 2199; leave it out to ask as of now.")
        as_of = _read(TypeAdapter(Instant), told.isoformat(), beyond, faults)
    area = area or staff.areas[0]
    try:
        question = question_of(staff, area, first, last, as_of)
    except ProblemError as wrong:
        if wrong.problem.status == 404:
            raise
        faults += [_(_FAULTS[fault.field]) for fault in wrong.problem.faults]
        question = question_of(staff, area, None, None, None)
    return Asked(question, faults, form)


_FAULTS = {
    "from": marked("“Reported from” lies after “Reported to”; exchange the two days."),
    "as_of": marked("“As known at” lies in the future; leave it out to ask as of now."),
}


def _read(adapter: TypeAdapter[T], text: str, fault: str, faults: list[str]) -> T | None:
    if not text:
        return None
    try:
        return adapter.validate_python(text.replace(" ", "+") if "T" in text else text)
    except ValidationError:
        faults.append(fault)
        return None


@router.get("/board", dependencies=[after_position])
async def show_board(
    request: Request,
    response: Response,
    staff: Reader,
    asked: Annotated[Asked, Depends(asked)],
    fresh: Fresh,
    counted: Counted,
    csrf: Csrf,
) -> Response:
    parts: Service = request.app.state.service
    question, language = asked.question, pages.language(request)
    async with scoped(parts.application, staff.areas) as connection:
        parts_counted = await counted.figures(connection, question, _GROUPINGS)
        names = await names_within(connection, question.area)
        names.update(await names_of(connection, up_from(question.area)))
    shown = await asyncio.to_thread(board, question, parts_counted, names, staff.areas, language)
    context = {
        "board": shown,
        "as_of": _moment(question, language),
        "provisional": fresh.provisional,
        "waiting": fresh.waiting,
        "connected": fresh.connected,
        "asked": asked,
        "first": question.first,
        "last": question.last,
        "other_areas": [area for area in staff.areas if not question.area.startswith(area)],
        "face": FACE,
        "csrf": csrf,
    }
    answer = pages.render("board.html", context, request=request, language=language)
    answer.headers.update(response.headers)  # what a dependency had to say: how far the page could not wait
    return answer


@router.get("/board/events")
async def show_events(
    request: Request,
    staff: Reader,
    asked: Annotated[Asked, Depends(asked)],
    fresh: Fresh,
    name: IndicatorName,
    csrf: Csrf,
    after: str | None = None,
) -> Response:
    """The events behind a number."""
    parts: Service = request.app.state.service
    indicator, question, language = BY_NAME[name], asked.question, pages.language(request)
    async with scoped(parts.application, staff.areas) as connection:
        events = await events_behind(connection, question, indicator, EVENTS_ON_A_PAGE, mark_of(after))
        names = await names_of(connection, sorted({event.area for event in events}))
        names.update(await names_of(connection, up_from(question.area)))
    following = str(events[-1].mark) if len(events) == EVENTS_ON_A_PAGE else None
    here = {name: value for name, value in asked.form.items() if value}
    context = {
        "indicator": indicator,
        "events": [
            {
                "event": event,
                "place": name_of(event.area, names, language),
                "what": language.gettext(EVENT_WORDS[event.type]) if event.type in EVENT_WORDS else event.type,
            }
            for event in events
        ],
        "place": name_of(question.area, names, language),
        "as_of": _moment(question, language),
        "provisional": fresh.provisional,
        "here": here,
        "after": after,
        "next": following,
        "face": FACE,
        "csrf": csrf,
    }
    return pages.render("events.html", context, request=request, language=language)


EVENT_WORDS = {
    "case.reported": marked("reported"),
    "case.resolved": marked("resolved"),
    "case.withdrawn": marked("withdrawn"),
    "case.declined": marked("declined"),
    "case.acknowledged": marked("acknowledged"),
    "case.escalated": marked("raised a level"),
}


def _moment(question: Question, language: Language) -> Mapping[str, Any]:
    return {
        "at": question.as_of,
        "absolute": language.moment(question.as_of),
        "relative": language.relative(question.as_of),
        "then": question.then,
    }
