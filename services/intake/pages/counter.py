"""/counter: what somebody brings who walks in, telephones, or filled in a form, entered with the keyboard alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.chassis.auth import Staff
from services.chassis.commands import UnknownStream
from services.chassis.database import scoped
from services.chassis.eventstore import KeyReused, StoreUnavailable
from services.chassis.http import TraceParent
from services.chassis.signin.page import Csrf, own_form
from services.chassis.web.languages import VARIANTS, Language
from services.chassis.web.marked import marked
from services.contracts.cases import Channel, Ending, Kind
from services.intake import paper_forms
from services.intake.door import Door, case_of
from services.intake.gatherings import found
from services.intake.pages import receipt_code
from services.intake.pages.about import About, choices, meant
from services.intake.pages.counter_rendering import FACE, AtTheCounter, CounterRoute, pages, places_of
from services.intake.pages.draft import Fault
from services.intake.pages.entry import CAME, Entry, faults_of
from services.intake.pages.rendering import help_at_once
from services.intake.read_models.gatherings import GatheringRow
from services.intake.read_models.places import CommunityRow
from services.intake.taking import TakenReport, take

router = APIRouter(route_class=CounterRoute)

WAYS: dict[Channel, str] = {
    Channel.COUNTER: marked("They are here"),
    Channel.PHONE: marked("By telephone"),
}
ENDINGS: dict[Ending, str] = {
    Ending.ADVICE: marked("Ends here: advice given"),
    Ending.TALK: marked("Ends here: we talked"),
    Ending.INFORMATION: marked("Ends here: information given"),
}


@dataclass(frozen=True, slots=True)
class View:
    """One member of staff at one entry."""

    request: Request
    door: Door
    staff: Staff
    csrf: str
    language: Language
    places: Sequence[CommunityRow]
    meeting: GatheringRow | None = None
    """At which it was voiced."""

    def show(
        self, entry: Entry, faults: Sequence[Fault] = (), *, trouble: str | None = None, status: int = 200
    ) -> Response:
        offered = choices(self.language)
        candidates = meant(entry["about"], offered)
        faulty = [fault.field for fault in faults]
        context: dict[str, Any] = {
            **self._frame(),
            "entry": entry,
            "faults": {fault.field: fault.text for fault in faults},
            "trouble": trouble,
            "first": faulty[0] if faulty else "about",
            "offered": offered,
            "candidates": candidates if "about" in faulty else [],
            "places": self.places,
            "place": self.place(entry),
            "number": paper_forms.written(entry.number) if entry.number else None,
            "meeting": self.meeting,
            "ways": {way: WAYS[way] for way in CAME},
            "endings": ENDINGS,
            "tongues": VARIANTS,
            "help": help_at_once(),
        }
        return self._page("counter/entry.html", context, 422 if faults else status)

    def entered(self, entry: Entry, about: About, taken: TakenReport) -> Response:
        """The receipt, to be printed or read out: whoever sends the same again is shown it again."""
        context: dict[str, Any] = {
            **self._frame(),
            "entry": entry,
            "case_id": taken.case_id,
            "about": about,
            "is_idea": about.kind is Kind.IDEA,
            "ended": entry.ended,
            "meeting": self.meeting,
            "place": self.place(entry),
            "words": taken.receipt.split(),
            "code": receipt_code.drawn(receipt_code.link(self.request, taken.receipt)),
            "help": help_at_once(),
        }
        return self._page("counter/entered.html", context)

    async def typed_before(self, case_id: UUID, number: str) -> Response:
        """The case that a form became the first time; one that lies a level above is not shown."""
        async with scoped(self.door.service.application, self.staff.areas) as connection:
            recorded = await self.door.service.store.read_stream(connection, case_id)
        place = self.place(Entry.begun(number=number))
        zone = None
        if place and (community := await self.door.communities.find(place.community_id)):
            zone = community.clock
        context: dict[str, Any] = {
            **self._frame(),
            "number": paper_forms.written(number),
            "case_id": case_id,
            "first": recorded[0] if recorded else None,
            "zone": zone,
        }
        return self._page("counter/typed_before.html", context, 409 if self.request.method == "POST" else 200)

    def place(self, entry: Entry) -> CommunityRow | None:
        """Where it lies: a paper form says so by its number, a meeting by its own place."""
        if number := entry.number:
            of = self.door.paper_forms.is_of
            return next((row for row in self.places if of(row.community_id, number)), None)
        return next((row for row in self.places if str(row.community_id) == entry["community"]), None)

    def _frame(self) -> dict[str, Any]:
        return {"csrf": self.csrf, "face": FACE, "here": "entry"}

    def _page(self, template: str, context: dict[str, Any], status: int = 200) -> Response:
        request = (
            self.request if self.request.method == "GET" else None
        )  # another language would be asked for by its address
        return pages.render(template, context, request=request, language=self.language, status=status)


async def _view(request: Request, staff: AtTheCounter, csrf: Csrf) -> View:
    door: Door = request.app.state.door
    return View(request, door, staff, csrf, pages.language(request), await places_of(door, staff))


TheView = Annotated[View, Depends(_view)]


@router.get(FACE)
async def ask(view: TheView, community: UUID | None = None, gathering: UUID | None = None) -> Response:
    """Raises UnknownStream for a meeting in other areas."""
    if gathering:
        view = await _at(view, gathering)
    if view.meeting:
        return view.show(_begun(view, str(view.meeting.community), gathering=str(view.meeting.gathering_id)))
    return view.show(_begun(view, str(community) if community else ""))


@router.get(f"{FACE}/form")
async def ask_of_form(view: TheView, number: Annotated[str, Query(max_length=60)] = "") -> Response:
    """The paper form with this number, to be typed in; one that was typed in before leads to its case.

    Raises:
        UnknownStream: no form of a community in these areas has this number.
    """
    read = paper_forms.read(number)
    entry = _begun(view, number=read or "")
    place = view.place(entry) if read else None
    if read is None or place is None:
        if number.strip() and view.places:
            fault = marked("No form of your communities has this number. Check each of its sixteen digits.")
            return view.show(_begun(view), [Fault("number", fault)])
        raise UnknownStream
    if (before := await _case_of_form(view.door, place.community_id, read)) is not None:
        return await view.typed_before(before, read)
    return view.show(_begun(view, str(place.community_id), number=read))


@router.post(FACE, dependencies=[own_form])
async def enter(view: TheView, traceparent: TraceParent) -> Response:
    """Take it: as a case, or as one that ended here."""
    entry = Entry.of(await view.request.form())
    if entry["gathering"]:
        view = await _at(view, entry.gathering)
    if entry["number"] and not entry.number:
        raise UnknownStream
    place = view.place(entry)
    if view.meeting and (place is None or place.community_id != view.meeting.community):
        raise UnknownStream
    if place is None and entry["community"]:
        raise UnknownStream
    if place is not None:
        entry = Entry({**entry.answers, "community": str(place.community_id)}, entry.key)
    offered = choices(view.language)
    if faults := faults_of(entry, offered, view.places):
        return view.show(entry, faults)
    [about] = meant(entry["about"], offered)
    assert place is not None
    key = entry.key
    if number := entry.number:
        key = view.door.paper_forms.key(place.community_id, number)
    try:
        taken, _ = await take(view.door, entry.report(about), key, traceparent, counter=entry.counter(view.staff.id))
    except KeyReused as reused:
        if number := entry.number:
            return await view.typed_before(reused.stream_id, number)
        return view.show(
            entry, trouble=marked("This was entered before, with other words. Begin a new entry."), status=409
        )
    except StoreUnavailable:
        trouble = marked("It could not be stored just now. Nothing is lost: send it again.")
        return view.show(entry, trouble=trouble, status=503)
    return view.entered(entry, about, taken)


def _begun(view: View, community: str = "", **known: str) -> Entry:
    if not community and len(view.places) == 1:
        community = str(view.places[0].community_id)
    return Entry.begun(community=community, language=view.language.code, came=Channel.COUNTER, **known)


async def _at(view: View, gathering: UUID | None) -> View:
    """At a meeting.

    Raises:
        UnknownStream: there is none such in these areas.
    """
    row = await found(view.door, gathering) if gathering else None
    if row is None or not view.staff.may_see(row.path):
        raise UnknownStream
    return replace(view, meeting=row)


async def _case_of_form(door: Door, community: UUID, number: str) -> UUID | None:
    """The case that the form became, if it was typed in."""
    return await case_of(door, door.receipts.derive(community, door.paper_forms.key(community, number)))
