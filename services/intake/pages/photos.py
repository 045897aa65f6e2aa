"""Photos on the residents' pages: those that are shown, what is done with those that are sent, and /photos itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.chassis.clock import now
from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.intake.attachments.links import PATH
from services.intake.attachments.refusals import MOST_BYTES, MOST_PHOTOS, PhotoRefused, TooLarge
from services.intake.attachments.rows import Photo
from services.intake.attachments.showing import picture_of
from services.intake.attachments.uploads import SentForm
from services.intake.door import Door
from services.intake.pages.rendering import PageRoute, said

router = APIRouter(route_class=PageRoute)

LIMITS = {"photos": MOST_PHOTOS, "megabytes": MOST_BYTES // 1_000_000}
PICTURE = {
    "Content-Disposition": 'inline; filename="photo.jpg"',
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class ShownPhoto:
    ref: UUID
    link: str
    thumbnail: str


@dataclass(frozen=True, slots=True)
class Changed:
    """`refused` is the first of the photos that were not taken; the others were."""

    refused: PhotoRefused | None = None
    removed: bool = False

    @property
    def status(self) -> int:
        return self.refused.status if self.refused else 200

    def told(self, language: Language) -> str:
        assert self.refused is not None
        return language.gettext(self.refused.message)


async def shown(door: Door, owner: UUID) -> list[ShownPhoto]:
    """Those of a case or a draft, for whoever it belongs to."""
    at, links = now(), door.album.links
    return [
        ShownPhoto(photo.ref, links.issue(photo.ref, at, thumbnail=False), links.issue(photo.ref, at, thumbnail=True))
        for photo in await door.album.of(owner)
    ]


async def change(door: Door, owner: UUID, sent: SentForm, keep: Callable[[UUID, bytes], Awaitable[Photo]]) -> Changed:
    """Keep the photos of a form, each for itself, and take away the one whose button was pressed."""
    refused: PhotoRefused | None = None
    for content in sent.files:
        try:
            if content is None:
                raise TooLarge
            await keep(owner, content)
        except PhotoRefused as wrong:
            refused = refused or wrong
    removed = sent.fields.get("remove", "")
    try:
        ref = UUID(removed) if removed else None
    except ValueError:
        ref = None
    if ref:
        await door.album.remove(owner, ref)
    return Changed(refused, ref is not None)


@router.get(PATH + "{token}")
async def photo(request: Request, token: str) -> Response:
    """One picture, for whom its link was made; looks of others than its owner are recorded first."""
    content = await picture_of(request.app.state.door, token)
    if content is None:
        gone = marked("This photo is not here, or the time of its link is over. Open the page again that showed it.")
        return said(request, 404, gone)
    return Response(content, media_type="image/jpeg", headers=PICTURE)
