"""/ and /report: what is troubling you, one question a page, and nothing is stored before it is sent."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.chassis.areas import area_above
from services.chassis.database import scoped
from services.chassis.eventstore import StoreUnavailable
from services.chassis.http import TraceParent
from services.chassis.problems import ProblemError
from services.chassis.web.languages import Language, known, translator
from services.chassis.web.marked import marked
from services.chassis.web.pages import keep_choice
from services.contracts.cases import Kind
from services.intake.categories import categories
from services.intake.door import Door
from services.intake.pages import kept_receipt
from services.intake.pages.draft import Draft, Fault, Step, faults_of, step_of_field, steps_of
from services.intake.pages.rendering import PageRoute, help_at_once, own_form, pages, redirect
from services.intake.read_models.places import CommunityRow, communities
from services.intake.taking import take

router = APIRouter(route_class=PageRoute)

KINDS: dict[Kind, tuple[str, str]] = {
    Kind.FAULT: (marked("Something is broken"), marked("a pipe, a lamp, the lift, a tree")),
    Kind.DISPUTE: (marked("A dispute"), marked("with neighbours, about noise, a house, money")),
    Kind.NEED: (marked("I need help"), marked("care, school, work, housing, benefits")),
    Kind.LISTENING: (marked("Somebody to talk to"), marked("things are hard, or lonely")),
    Kind.CONSULTATION: (marked("A question of law or policy"), marked("what are my rights, what applies")),
    Kind.INFORMATION: (marked("I want to know something"), marked("offices, services, opening hours")),
    Kind.IDEA: (marked("An idea"), marked("something that would do the neighbourhood good")),
}

DANGEROUS = frozenset({Kind.DISPUTE, Kind.NEED, Kind.LISTENING})
"""Kinds behind which violence, abuse or despair may stand: the numbers to call are shown at once."""

_CACHED = "private, no-cache"
"""A browser may show an earlier page again when its reader goes back; what was sent clears it."""


@router.get("/")
async def ask(request: Request) -> Response:
    context = {"kinds": KINDS, "help": help_at_once(), "has_case": kept_receipt.COOKIE in request.cookies}
    return pages.render("ask.html", context, request=request)


@router.get("/report")
async def begin(request: Request) -> Response:
    return redirect(request, "/")


@router.post("/report", dependencies=[Depends(own_form)])
async def step(
    request: Request,
    traceparent: TraceParent,
    at: Annotated[Step, Form()] = Step.KIND,
    go: Annotated[str, Form(max_length=20)] = "next",
    lang: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """One answer given: the next question, the one before, the one to change, or the report is sent."""
    door: Door = request.app.state.door
    draft = Draft.of(await request.form())
    language = translator(lang, "intake") if known(lang) else pages.language(request)
    async with scoped(door.service.application, []) as connection:
        places = await communities(connection)
    if len(places) == 1:
        draft = Draft({**draft.answers, "community": str(places[0].community_id)}, draft.key, draft.seen_all)
    view = _View(request, language, places, draft)
    if known(lang):
        answer = view.show(at)
        keep_choice(answer, request, lang)
        return answer
    if go == "send":
        return await _send(view, door, traceparent)
    if go in set(Step):
        return view.show(Step(go))
    order = steps_of(places)
    if go == "back":
        before = order[max(order.index(at) - 1, 0)] if at in order else Step.KIND
        return view.show(before)
    if faults := faults_of(draft, at, places):
        return view.show(at, faults)
    return view.show(
        view.missing() or Step.CHECK if draft.seen_all else order[min(order.index(at) + 1, len(order) - 1)]
    )


class _View:
    """One reader at one draft."""

    def __init__(self, request: Request, language: Language, places: Sequence[CommunityRow], draft: Draft) -> None:
        self.request = request
        self.language = language
        self.places = places
        self.draft = draft

    def missing(self) -> Step | None:
        """The first question whose answer can't be sent as it is."""
        return next((step for step in steps_of(self.places) if faults_of(self.draft, step, self.places)), None)

    def show(self, step: Step, faults: Sequence[Fault] = (), trouble: str | None = None, status: int = 200) -> Response:
        order, draft = steps_of(self.places), self.draft
        if step not in order:
            step = Step.KIND
        community = next((row for row in self.places if str(row.community_id) == draft["community"]), None)
        context: dict[str, Any] = {
            "step": step,
            "nth": order.index(step) + 1,
            "many": len(order),
            "draft": draft,
            "hidden": draft.hidden(step),
            "faults": {fault.field: fault.text for fault in faults},
            "trouble": trouble,
            "kinds": KINDS,
            "categories": categories()[draft.kind] if draft.kind else {},
            "communities": self.places,
            "community": community,
            "above": area_above(community.path) is not None if community else False,
            "danger": draft.kind in DANGEROUS or draft["danger"] == "yes" or draft["minor"] == "yes",
            "help": help_at_once(),
            "switch_form": "steps",
        }
        answer = pages.render(
            f"report/{step}.html",
            context,
            request=self.request,
            language=self.language,
            status=422 if faults else status,
        )
        answer.headers["Cache-Control"] = _CACHED
        return answer


async def _send(view: _View, door: Door, traceparent: str | None) -> Response:
    draft = view.draft
    if (missing := view.missing()) is not None:
        return view.show(missing, faults_of(draft, missing, view.places))
    try:
        form = draft.form(view.language.code)
        taken, _ = await take(door, form, draft.key, traceparent)
    except ValidationError as wrong:
        field = str(wrong.errors(include_input=False, include_url=False)[0]["loc"][0])
        return view.show(step_of_field(field), [Fault(field, marked("This can't be taken as it is; write it anew."))])
    except ProblemError:  # the community was never registered here
        return view.show(Step.WHERE, [Fault("community", marked("Choose your community."))])
    except StoreUnavailable:
        return view.show(
            Step.CHECK, (), marked("It could not be stored just now. Nothing is lost: send it again."), 503
        )
    answer = RedirectResponse("/case/sent", status_code=303)
    answer.headers["Clear-Site-Data"] = '"cache"'
    kept_receipt.keep(answer, view.request, taken.receipt)
    return answer
