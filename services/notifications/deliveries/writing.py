"""What a message says, in its reader's language: never a name, a number, a word of the report or a receipt."""

import re
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.chassis.categories import category_of_any_kind
from services.chassis.web.languages import Language, translator
from services.chassis.web.marked import marked
from services.notifications.deliveries.planned import Audience, What
from services.notifications.deliveries.rows import Claimed

_URGENCIES = {"urgent": marked("urgent"), "ordinary": marked("ordinary"), "complex": marked("complex")}

_GAP = re.compile(r"\n{3,}")

_ISOLATED = "\u2068{}\u2069"
"""A reference or an address in Latin letters stays in one piece beside Arabic ones."""


@dataclass(frozen=True, slots=True)
class Written:
    """`short` is the whole of it where there is room for a line and an address only."""

    language: str
    subject: str
    text: str
    short: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case lies, as people call it, and the clock there."""

    name: str
    zone: tzinfo = UTC


class Writer:
    """`public_url` is where readers find Doorstep."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent.parent / "templates" / "mail"),
            autoescape=False,  # noqa: S701 - plain text, in which an entity would be read as it stands
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )

    def write(self, row: Claimed, place: Place, language: str | None) -> Written:
        """The message of a row; an unknown language is answered in English."""
        spoken = translator(language, "notifications")
        given = self._given(row, place, spoken)
        staff = row.audience == Audience.STAFF
        name = row.what if row.digest_of is None else ("staff-digest" if staff else "resident-digest")
        template = self._environment.get_template(f"{name}.txt")

        def block(wanted: str) -> str:
            return " ".join("".join(template.blocks[wanted](template.new_context(given))).split())

        return Written(
            language=spoken.code,
            subject=block("subject"),
            text=_GAP.sub("\n\n", template.render(given)).strip() + "\n",
            short=f"Doorstep: {block('said')} {given['link']}",
        )

    def _given(self, row: Claimed, place: Place, language: Language) -> dict[str, Any]:
        urgency = _URGENCIES.get(row.urgency or "")
        category = row.category and category_of_any_kind(row.category, language)
        apart = _ISOLATED.format if language.dir == "rtl" else str
        return {
            "_": language.gettext,
            "gettext": language.gettext,
            "ngettext": language.ngettext,
            "link": f"{self._public_url}{_page_of(row)}",
            "reference": row.reference and apart(row.reference),
            "category": category and apart(category),
            "area": place.name,
            "urgency": urgency and language.gettext(urgency),
            "owner": row.owner and apart(row.owner),
            "by_when": row.by_when and language.moment(row.by_when, place.zone),
            "reported_on": language.day(row.recorded_at, place.zone),
            "late": language.number(row.digest_of or 0),
            "late_number": row.digest_of or 0,
        }


def _page_of(row: Claimed) -> str:
    """Where its reader goes on; a resident's is the same for all."""
    match Audience(row.audience):
        case Audience.STAFF:
            is_of_a_case = row.digest_of is None and row.what != What.TEST
            return f"/desk/cases/{row.stream_id}" if is_of_a_case else "/duty"
        case Audience.RESIDENT:
            return "/"
        case Audience.GUEST:
            return f"/gatherings/{row.stream_id}"
