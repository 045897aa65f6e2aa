"""The receipt as a picture: a code that opens the case on another device, or from the printed slip."""

import segno
from fastapi import Request
from markupsafe import Markup

from services.intake.address import public_url

_QUIET_MODULES = 2


def link(request: Request, receipt: str) -> str:
    """Where the words are filled in. Behind the `#` no server is sent them, and none can write them down."""
    return f"{public_url(request)}case/find#{receipt.replace(' ', '-')}"


def drawn(address: str) -> Markup:
    """The code of an address, as an SVG to be put into a page."""
    code = segno.make_qr(address, error="m")
    drawing = code.svg_inline(border=_QUIET_MODULES, omitsize=True, svgclass=None, lineclass=None)
    return Markup(drawing)  # noqa: S704 - it holds lines alone, no text of anybody
