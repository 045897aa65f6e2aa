"""What the resident wrote and photographed, asked of intake for one look of one member of staff; nothing stays here.

Of photos there are links alone: the reader's browser fetches the pictures from intake, which records that first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from services.chassis.auth import Staff
from services.chassis.particulars_endpoint import PATH
from services.chassis.service import Service
from services.chassis.web.marked import marked

PURPOSES: dict[str, str] = {
    "triage": marked("To see what is to be done"),
    "casework": marked("To work on the case"),
    "mediation": marked("To prepare a mediation"),
    "dispatch": marked("To tell a unit what is needed"),
}
"""Why somebody looks; the resident can read it."""

FIELDS: dict[str, str] = {
    "text": marked("What they wrote"),
    "explanation": marked("What they were told"),
    "place": marked("Where it is"),
    "name": marked("Name"),
    "phone": marked("Telephone"),
    "email": marked("Mail"),
    "language": marked("Language"),
}
"""What is shown of a report, in this order."""


_PHOTOS = "/internal/photos:list"
"""Of intake."""


@dataclass(frozen=True, slots=True, repr=False)
class OpenedPhoto:
    """Paths, for ten minutes and one reader."""

    link: str
    thumbnail: str


@dataclass(frozen=True, slots=True, repr=False)
class OpenedReport:
    """No `repr`: it would stand in a log. `away`: intake can't be asked now."""

    written: tuple[Mapping[str, str], ...] = ()
    photos: tuple[OpenedPhoto, ...] = ()
    away: bool = False


async def open_report(parts: Service, intake_url: str, staff: Staff, case_id: UUID, purpose: str) -> OpenedReport:
    """All that the resident sent to the case, the earliest first; nothing when it was erased."""
    token = parts.service_tokens.issue("intake", staff=staff)
    asked = {"purpose": purpose, "case_id": str(case_id)}
    headers = {"Authorization": f"Bearer {token}"}
    try:
        written = await parts.http.post(f"{intake_url}{PATH}", json=asked, headers=headers)
        written.raise_for_status()
        pictured = await parts.http.post(f"{intake_url}{_PHOTOS}", json=asked, headers=headers)
        if pictured.status_code != 404:  # an intake of an earlier version has none
            pictured.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL):
        return OpenedReport(away=True)
    told: dict[str, dict[str, Any]] = written.json()["particulars"]
    photos: list[dict[str, str]] = pictured.json().get("photos", [])
    return OpenedReport(
        # Ids begin with the time at which they were made.
        tuple(_shown(told[ref]) for ref in sorted(told)),
        tuple(OpenedPhoto(photo["link"], photo["thumbnail"]) for photo in photos),
    )


def _shown(written: Mapping[str, Any]) -> dict[str, str]:
    return {field: str(written[field]) for field in FIELDS if written.get(field)}
