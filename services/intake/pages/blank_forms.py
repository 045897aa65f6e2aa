"""/counter/blank-forms: paper forms to be printed, each with a number of its own and the receipt to be torn off."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from services.chassis.signin.page import Csrf
from services.contracts.cases import Kind
from services.intake import paper_forms
from services.intake.address import public_url
from services.intake.door import Door
from services.intake.pages import receipt_code
from services.intake.pages.counter_rendering import FACE, AtTheCounter, CounterRoute, pages, place_of, places_of
from services.intake.pages.report import KINDS

router = APIRouter(route_class=CounterRoute)

MOST_COPIES = 20
_COPIES = (1, 5, 10, MOST_COPIES)


@dataclass(frozen=True, slots=True)
class Blank:
    """One form: `code` leads staff to typing it in, the receipt's leads its resident to the case it becomes."""

    number: str
    code: Markup
    words: list[str]
    receipt_code: Markup


@router.get(f"{FACE}/blank-forms")
async def show(
    request: Request,
    staff: AtTheCounter,
    csrf: Csrf,
    community: UUID | None = None,
    copies: Annotated[int, Query(ge=1, le=MOST_COPIES)] = 1,
) -> Response:
    """In the language of the page: the switch prints it in another."""
    door: Door = request.app.state.door
    places = await places_of(door, staff)
    if community is None and len(places) == 1:
        community = places[0].community_id
    place = await place_of(door, staff, community) if community else None
    context: dict[str, Any] = {
        "csrf": csrf,
        "face": FACE,
        "here": "blank-forms",
        "places": places,
        "place": place,
        "copies": copies,
        "choices": _COPIES,
        "kinds": {kind: KINDS[kind] for kind in Kind},
        "blanks": [_blank(request, door, place.community_id) for _ in range(copies)] if place else [],
    }
    return pages.render("counter/blank_forms.html", context, request=request)


def _blank(request: Request, door: Door, community: UUID) -> Blank:
    number = door.paper_forms.new(community)
    receipt = door.receipts.derive(community, door.paper_forms.key(community, number))
    return Blank(
        number=paper_forms.written(number),
        code=receipt_code.drawn(f"{public_url(request)}counter/form?number={number}"),
        words=receipt.split(),
        receipt_code=receipt_code.drawn(receipt_code.link(request, receipt)),
    )
