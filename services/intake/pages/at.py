"""/at: a community's own address, which fills it in, and the poster to print with a code of that address."""

from fastapi import APIRouter, Request, Response

from services.chassis.web.languages import CODES, VARIANTS, translator
from services.chassis.web.marked import marked
from services.contracts.registry import community_stream
from services.intake.address import area_of, at_address
from services.intake.door import Door
from services.intake.known import Community
from services.intake.pages.receipt_code import drawn
from services.intake.pages.rendering import PageRoute, pages, said
from services.intake.pages.report import first_page

router = APIRouter(prefix="/at", route_class=PageRoute)

UNKNOWN = marked("No community has this address. The poster may be from elsewhere; choose your community yourself.")
INVITATION = marked(
    "Point your phone's camera at the code, or type the address. Somebody reads it today. You need not say who you are."
)
CLOSED = marked(
    "This community takes no reports any more, and the poster may come down. Choose the one that you live in."
)


@router.get("/{place}")
async def begin(request: Request, place: str) -> Response:
    """The first page, the community filled in."""
    community = await _community(request, place)
    return _nobody(request, community) or first_page(request, community)


@router.get("/{place}/poster")
async def poster(request: Request, place: str) -> Response:
    """To print and hang up, in every language or in one (`in`). Anybody may."""
    community = await _community(request, place)
    if (nobody := _nobody(request, community)) is not None:
        return nobody
    assert community is not None
    chosen = request.query_params.get("in")
    codes = [chosen] if chosen in CODES else CODES
    address = at_address(request, community.area)
    context = {
        "community": community,
        "code": drawn(address),
        "address": address.partition("://")[2],
        "invitation": INVITATION,
        "tongues": [translator(code, "intake") for code in codes],
        "variants": VARIANTS,
        "chosen": chosen if chosen in CODES else None,
        "sheets": ("tokens.css", "base.css", "resident.css", "arabic.css", "poster.css"),
    }
    return pages.render("poster.html", context, request=request)


async def _community(request: Request, place: str) -> Community | None:
    door: Door = request.app.state.door
    area = area_of(place)
    return await door.communities.find(community_stream(area)) if area else None


def _nobody(request: Request, community: Community | None) -> Response | None:
    """What is said where nothing can be reported."""
    if community is None:
        return said(request, 404, UNKNOWN)
    return said(request, 410, CLOSED) if community.closed else None
