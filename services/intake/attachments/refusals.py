"""Why a photo is not taken.

PhotoRefused
├── NotAPicture      it is no picture of a format that is taken
├── Document         it is a document; documents are not taken
├── TooLarge         more bytes
├── TooManyPixels    more pixels, or so it says of itself
├── Broken           damaged, cut off, or it takes too long to be read
├── TooMany          the case has as many as one may have
└── TooManyAtOnce    more is being sent by everybody than can be held; 503
"""

from typing import ClassVar

from services.chassis.problems import ProblemError
from services.chassis.web.marked import marked

MOST_BYTES = 10_000_000
MOST_PIXELS = 40_000_000
MOST_PHOTOS = 6
"""Whoever changes one of these changes the texts below."""


class PhotoRefused(ProblemError):
    """`message` is for people, and says what to do instead. What was sent is not repeated."""

    code: ClassVar[str]
    message: ClassVar[str]
    status: ClassVar[int] = 422

    def __init__(self) -> None:
        headers = {"Retry-After": "5"} if self.status == 503 else None
        super().__init__(self.status, self.code, marked("The photo was not taken"), self.message, headers=headers)


class NotAPicture(PhotoRefused):
    code = "not-a-picture"
    message = marked("This file is no picture. Send a photo as JPEG, PNG, WebP or HEIC.")


class Document(PhotoRefused):
    code = "a-document"
    message = marked("Documents can't be taken, only pictures. Photograph the page, and send that.")


class TooLarge(PhotoRefused):
    code = "photo-too-large"
    message = marked("The picture is larger than 10 MB. Take it again in a smaller size, and send that.")
    status = 413


class TooManyPixels(PhotoRefused):
    code = "too-many-pixels"
    message = marked("The picture has more than 40 megapixels. Take it again in a smaller size.")


class Broken(PhotoRefused):
    code = "broken-picture"
    message = marked("The picture is damaged or cut off. Send it once more, or take it again.")


class TooMany(PhotoRefused):
    code = "too-many-photos"
    message = marked("A case takes six photos. Remove one to add another.")
    status = 409


class TooManyAtOnce(PhotoRefused):
    code = "too-many-at-once"
    message = marked("Too many photos are being sent just now. Try again in a minute; nothing else is lost.")
    status = 503
