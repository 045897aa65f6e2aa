"""/ and /report: what is troubling you, one question a page; before it is sent nothing is stored but photos, sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from math import ceil
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.chassis.areas import area_above
from services.chassis.categories import categories
from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.eventstore import StoreUnavailable
from services.chassis.http import TraceParent
from services.chassis.problems import ProblemError
from services.chassis.web.languages import Language, known, translator
from services.chassis.web.marked import marked
from services.chassis.web.pages import keep_choice
from services.contracts.cases import Kind
from services.intake.attachments.uploads import SentForm
from services.intake.domain.errors import CommunityIsClosed
from services.intake.door import Door
from services.intake.known import Community
from services.intake.limits import client_of
from services.intake.nearby import Nearby, nearby
from services.intake.pages import kept_receipt
from services.intake.pages.choosing import FEW, areas_of, choice_of
from services.intake.pages.draft import (
    CLOSED,
    LONGEST_LINE,
    Draft,
    Fault,
    Step,
    faults_of,
    step_of_field,
    steps_of,
    typed,
)
from services.intake.pages.photos import LIMITS, ShownPhoto, change, shown
from services.intake.pages.rendering import PageRoute, help_at_once, own_form, pages, redirect
from services.intake.pages.spots import map_of
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


LOOK = "look"
WITHIN = "in:"
"""How the buttons are called that look for a community: by letters of its name, or in the area that follows."""


@router.get("/")
async def ask(request: Request) -> Response:
    return first_page(request, None)


def first_page(request: Request, community: Community | None) -> Response:
    """What is troubling you? `community` was named by the address: it is not asked for."""
    context = {"kinds": KINDS, "help": help_at_once(), "community": community}
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
        draft = draft.with_community(places[0].community_id)
    view = await _view(request, door, language, places, draft, Looking.of(told, go))
    album = door.album.draft(draft.key)
    try:
        changed = await change(door, album, sent, door.album.keep_for_draft)
    except StoreUnavailable:
        return await view.show(Step.PHOTOS, (), _PHOTOS_AWAY, 503)
    view = replace(view, photos=await shown(door, album))
    if known(lang):
        answer = await view.show(at)
        keep_choice(answer, request, lang)
        return answer
    if changed.refused is not None:
        return await view.show(Step.PHOTOS, [Fault("photos", changed.told(language))], status=changed.status)
    if changed.removed:
        return await view.show(Step.PHOTOS)
    if go == "send":
        return await _send(view, door, traceparent)
    if go in set(Step):
        return await view.show(Step(go))
    order = view.order
    if go == "back":
        before = order[max(order.index(at) - 1, 0)] if at in order else Step.KIND
        return await view.show(before)
    faults = faults_of(draft, at, places)
    if at is Step.WHERE and (go == LOOK or go.startswith(WITHIN) or (faults and view.looking.find)):
        return await view.show(at)
    if faults:
        return await view.show(at, faults)
    return await view.show(
        view.missing() or Step.CHECK if draft.seen_all else order[min(order.index(at) + 1, len(order) - 1)]
    )


@dataclass(frozen=True, slots=True)
class Looking:
    """For which community: by letters of a name, in an area."""

    find: str = ""
    within: str = ""

    @staticmethod
    def of(form: Mapping[str, str], go: str) -> "Looking":
        told = {name: typed(form, name)[:LONGEST_LINE] for name in ("find", "within")}
        if go.startswith(WITHIN):
            return Looking(within=go.removeprefix(WITHIN))
        return Looking(told["find"], told["within"])


async def _view(
    request: Request, door: Door, language: Language, places: Sequence[CommunityRow], draft: Draft, looking: Looking
) -> "_View":
    chosen = next((row for row in places if str(row.community_id) == draft["community"]), None)
    community = await door.communities.find(chosen.community_id) if chosen else None
    if community is None or draft["about_staff"] or draft["danger"] or draft["minor"]:
        shared: Sequence[Nearby] = ()
    else:
        shared = await nearby(door, community, draft.kind, draft["category"], now())
    return _View(request, door, language, places, draft, looking, community, shared)


@dataclass(frozen=True, slots=True)
class _View:
    """One reader at one draft. `shared` is what was reported here before and may be the same."""

    request: Request
    door: Door
    language: Language
    places: Sequence[CommunityRow]
    draft: Draft
    looking: Looking
    community: Community | None
    shared: Sequence[Nearby]
    photos: Sequence[ShownPhoto] = ()

    @property
    def order(self) -> Sequence[Step]:
        return steps_of(self.draft, self.places, shared=bool(self.shared))

    def missing(self) -> Step | None:
        """The first question whose answer can't be sent as it is."""
        return next((step for step in self.order if faults_of(self.draft, step, self.places)), None)

    async def show(
        self, step: Step, faults: Sequence[Fault] = (), trouble: str | None = None, status: int = 200
    ) -> Response:
        draft, community = self.draft, self.community
        order = [one for one in Step if one in self.order or one is step is Step.WHERE]
        if step not in order:
            step = Step.KIND
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
            "above": area_above(community.area) is not None if community else False,
            "shared": self.shared,
            "joined": next((one for one in self.shared if str(one.case_id) == draft["same_as"]), None),
            "zone": community.clock if community else UTC,
            "danger": draft.kind in DANGEROUS or draft["danger"] == "yes" or draft["minor"] == "yes",
            "help": help_at_once(),
            "switch_form": "steps",
            "photos": self.photos,
            "limits": LIMITS,
            **(await self._choosing() if step is Step.WHERE else {}),
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

    async def _choosing(self) -> dict[str, Any]:
        names = await self.door.communities.names_of(areas_of(self.places))
        choice = choice_of(self.places, names, self.looking.within, self.looking.find)
        placed = await self.door.communities.these([row.community_id for row in choice.rows])
        spots = {one.id: one.spot for one in placed.values() if one.spot}
        return {
            "choice": choice,
            "looking": self.looking,
            "few": len(self.places) <= FEW,
            "spots": spots,
            "map": map_of(choice.rows, spots),
        }


async def _send(view: _View, door: Door, traceparent: str | None) -> Response:
    draft = view.draft
    if (missing := view.missing()) is not None:
        return await view.show(missing, faults_of(draft, missing, view.places))
    limit, client = door.limits.reports_of_a_client, client_of(view.request)
    if client and (seconds := limit.wait(client)) is not None:
        told = await view.show(
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
        return await view.show(
            step_of_field(field), [Fault(field, marked("This can't be taken as it is; write it anew."))]
        )
    except CommunityIsClosed:  # since the list was read
        return await view.show(Step.WHERE, [Fault("community", CLOSED)])
    except ProblemError:  # the community was never registered here
        return await view.show(Step.WHERE, [Fault("community", marked("Choose your community."))])
    except StoreUnavailable:
        return await view.show(
            Step.CHECK, (), marked("It could not be stored just now. Nothing is lost: send it again."), 503
        )
    answer = RedirectResponse("/case/sent", status_code=303)
    answer.headers["Clear-Site-Data"] = '"cache"'
    kept_receipt.keep(answer, view.request, taken.receipt)
    return answer
