"""What the resident wrote and photographed, asked of intake for one look of one member of staff; nothing stays here.

Of photos there are links alone: the reader's browser fetches the pictures from intake, which records that first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from services.chassis.auth import Staff
from services.chassis.ids import made_at
from services.chassis.particulars_endpoint import PATH
from services.chassis.service import Service
from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.contracts.cases import CaseMessageWritten
from services.mediation.case_file import CaseFile

PURPOSES: dict[str, str] = {
    "triage": marked("To see what is to be done"),
    "casework": marked("To work on the case"),
    "mediation": marked("To prepare a mediation"),
    "dispatch": marked("To tell a unit what is needed"),
}
"""Why somebody looks; the resident can read it."""

FIELDS: dict[str, str] = {
    "text": marked("What they wrote"),
    "message": marked("Their message"),
    "appeal": marked("Why they appeal"),
    "explanation": marked("What they were told"),
    "place": marked("Where it is"),
    "spot": marked("Where they stood, by their phone"),
    "name": marked("Name"),
    "phone": marked("Telephone"),
    "email": marked("Mail"),
    "guardian": marked("Guardian"),
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
class Written:
    """One thing that somebody wrote: by `who` of the staff, or else by the resident. No `repr`: it would stand in a
    log."""

    at: datetime
    what: str
    fields: Mapping[str, str]
    who: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class OpenedReport:
    """`away`: intake can't be asked now."""

    written: Sequence[Written] = ()
    photos: Sequence[OpenedPhoto] = ()
    away: bool = False


REPORTED, CORRECTED = marked("They reported"), marked("They corrected what they had told")
WROTE, APPEALED, OBJECTED = marked("They wrote"), marked("They appealed"), marked("They said that it is not solved")


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
    # Ids begin with the time at which they were made.
    refs = sorted(map(UUID, told))
    return OpenedReport(
        [_written(ref, told[str(ref)], first=ref == refs[0]) for ref in refs],
        [OpenedPhoto(photo["link"], photo["thumbnail"]) for photo in photos],
    )


def conversation(opened: OpenedReport, file: CaseFile, language: Language) -> list[Written]:
    """What the resident wrote and what was written to them, the earliest first."""
    label = language.gettext("{who} wrote")
    own = [
        Written(recorded.occurred_at, label.format(who=event.by), {"message": text}, event.by)
        for recorded, event in zip(file.recorded, file.events, strict=True)
        if isinstance(event, CaseMessageWritten) and (text := file.texts.get(event.message, {}).get("message"))
    ]
    return sorted([*opened.written, *own], key=lambda one: one.at)


def _written(ref: UUID, content: Mapping[str, Any], *, first: bool) -> Written:
    if "message" in content:
        what = WROTE
    elif "appeal" in content:
        what = APPEALED
    elif "corrects" in content:
        what = CORRECTED
    elif "explanation" in content:
        what = FIELDS["explanation"]
    else:
        what = REPORTED if first else OBJECTED
    return Written(made_at(ref), what, _shown(content))


def _shown(written: Mapping[str, Any]) -> dict[str, str]:
    return {field: str(written[field]) for field in FIELDS if written.get(field)}
