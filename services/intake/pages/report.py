"""/ and /report: what is troubling you, one question a page; before it is sent nothing is stored but photos, sealed."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
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
from services.intake.attachments.uploads import SentForm
from services.intake.categories import categories
from services.intake.domain.errors import CommunityIsClosed
from services.intake.door import Door
from services.intake.limits import client_of
from services.intake.pages import kept_receipt
from services.intake.pages.draft import CLOSED, Draft, Fault, Step, faults_of, step_of_field, steps_of
from services.intake.pages.photos import LIMITS, ShownPhoto, change, shown
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

_PHOTOS_AWAY = marked("Photos can't be stored just now. Nothing else is lost: send them again, or go on without them.")


@router.get("/")
async def ask(request: Request) -> Response:
    context = {"kinds": KINDS, "help": help_at_once(), "has_case": kept_receipt.COOKIE in request.cookies}
    return pages.render("ask.html", context, request=request)


@router.get("/report")
async def begin(request: Request) -> Response:
    return redirect(request, "/")


@router.post("/report", dependencies=[Depends(own_form)])
async def step(request: Request, traceparent: TraceParent) -> Response:
    """One answer given: the next question, the one before, the one to change, or the report is sent."""
    door: Door = request.app.state.door
    async with door.uploads.form(request) as sent:
        return await _answered(request, door, sent, traceparent)


async def _answered(request: Request, door: Door, sent: SentForm, traceparent: str | None) -> Response:
    told = sent.fields
    lang, go = told.get("lang", ""), told.get("go", "next")
    try:
        at = Step(told.get("at", Step.KIND))
    except ValueError:
        raise RequestValidationError([]) from None
    draft = Draft.of(told)
    language = translator(lang, "intake") if known(lang) else pages.language(request)
    async with scoped(door.service.application, []) as connection:
        places = await communities(connection)
    if len(places) == 1 and not draft["community"]:
        draft = Draft({**draft.answers, "community": str(places[0].community_id)}, draft.key, draft.seen_all)
    album = door.album.draft(draft.key)
    try:
        changed = await change(door, album, sent, door.album.keep_for_draft)
    except StoreUnavailable:
        return _View(request, language, places, draft).show(Step.PHOTOS, (), _PHOTOS_AWAY, 503)
    view = _View(request, language, places, draft, await shown(door, album))
    if known(lang):
        answer = view.show(at)
        keep_choice(answer, request, lang)
        return answer
    if changed.refused is not None:
        return view.show(Step.PHOTOS, [Fault("photos", changed.told(language))], status=changed.status)
    if changed.removed:
        return view.show(Step.PHOTOS)
    if go == "send":
        return await _send(view, door, traceparent)
    if go in set(Step):
        return view.show(Step(go))
    order = steps_of(places, draft)
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

    def __init__(
        self,
        request: Request,
        language: Language,
        places: Sequence[CommunityRow],
        draft: Draft,
        photos: Sequence[ShownPhoto] = (),
    ) -> None:
        self.request = request
        self.language = language
        self.places = places
        self.draft = draft
        self.photos = photos

    def missing(self) -> Step | None:
        """The first question whose answer can't be sent as it is."""
        return next(
            (step for step in steps_of(self.places, self.draft) if faults_of(self.draft, step, self.places)), None
        )

    def show(self, step: Step, faults: Sequence[Fault] = (), trouble: str | None = None, status: int = 200) -> Response:
        order, draft = steps_of(self.places, self.draft), self.draft
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
            "photos": self.photos,
            "limits": LIMITS,
        }
        answer = pages.render(
            f"report/{step}.html",
            context,
            request=self.request,
            language=self.language,
            status=422 if faults and status == 200 else status,
        )
        answer.headers["Cache-Control"] = _CACHED
        return answer


async def _send(view: _View, door: Door, traceparent: str | None) -> Response:
    draft = view.draft
    if (missing := view.missing()) is not None:
        return view.show(missing, faults_of(draft, missing, view.places))
    limit, client = door.limits.reports_of_a_client, client_of(view.request)
    if client and (seconds := limit.wait(client)) is not None:
        told = view.show(
            Step.CHECK,
            (),
            marked("Too many reports came from here. Nothing is lost: send it again in ten minutes."),
            429,
        )
        told.headers["Retry-After"] = str(ceil(seconds))
        return told
    limit.count(client)
    try:
        form = draft.form(view.language.code)
        if view.photos:
            receipt = door.receipts.derive(form.community, draft.key)
            await door.album.sending(door.album.draft(draft.key), door.receipts.command_key(receipt))
        taken, _ = await take(door, form, draft.key, traceparent)
        if view.photos:
            await door.album.sent(taken.case_id)
    except ValidationError as wrong:
        field = str(wrong.errors(include_input=False, include_url=False)[0]["loc"][0])
        return view.show(step_of_field(field), [Fault(field, marked("This can't be taken as it is; write it anew."))])
    except CommunityIsClosed:  # since the list was read
        return view.show(Step.WHERE, [Fault("community", CLOSED)])
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
