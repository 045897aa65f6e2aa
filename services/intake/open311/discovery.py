"""The document by which programs find the Open311 endpoint."""

from collections.abc import Mapping
from urllib.parse import urljoin

from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.intake.open311.formats import MEDIA_TYPES, Value

CHANGED = "2026-11-29T00:00:00Z"
"""When the services or their definitions changed last: what clients keep is to be read again."""


def discovery(public_url: str, language: Language) -> Mapping[str, Value]:
    """`public_url` ends in a slash."""
    registry = urljoin(public_url, "/api/intake/openapi.json")
    contact = language.gettext(marked("Ask your community, or whoever runs Doorstep at {address}."))
    key = language.gettext(
        marked("Whoever runs Doorstep gives your community a key with the scope report; see {address}.")
    )
    return {
        "changeset": CHANGED,
        "contact": contact.format(address=public_url),
        "key_service": key.format(address=registry),
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": urljoin(public_url, "/open311/v2"),
                "changeset": CHANGED,
                "type": "production",
                "formats": list(MEDIA_TYPES.values()),
            }
        ],
    }
