"""What is typed at the counter for somebody who is there, who telephones, or who filled in a paper form."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData

from services.chassis.web.languages import CODES
from services.chassis.web.marked import marked
from services.contracts.cases import Channel, Ending, Urgency
from services.intake import paper_forms
from services.intake.pages.about import About, meant
from services.intake.pages.draft import LONGEST_LINE, LONGEST_TEXT, Fault, fits, typed
from services.intake.read_models.places import CommunityRow
from services.intake.taking import AtCounter, Email, Phone, ReportForm, Told

FIELDS = (
    "community",
    "about",
    "text",
    "place",
    "name",
    "reach",
    "notify",
    "language",
    "came",
    "urgent",
    "about_staff",
    "danger",
    "minor",
    "guardian",
    "ended",
    "told",
    "number",
    "gathering",
)
CAME = (Channel.COUNTER, Channel.PHONE)
"""How a report comes to the counter that is neither a paper form's nor a meeting's."""
_YES = "yes"


@dataclass(frozen=True, slots=True)
class Entry:
    """The fields as they were typed; `key` makes it one report, however often it is sent."""

    answers: Mapping[str, str]
    key: str

    @staticmethod
    def begun(**known: str) -> "Entry":
        return Entry({**dict.fromkeys(FIELDS, ""), "notify": _YES, **known}, secrets.token_urlsafe(24))

    @staticmethod
    def of(form: FormData) -> "Entry":
        return Entry({name: typed(form, name) for name in FIELDS}, typed(form, "key") or secrets.token_urlsafe(24))

    def __getitem__(self, name: str) -> str:
        return self.answers[name]

    def ticked(self, name: str) -> bool:
        return self[name] == _YES

    @property
    def number(self) -> str | None:
        """The paper form's."""
        return paper_forms.read(self["number"])

    @property
    def gathering(self) -> UUID | None:
        """The meeting at which it was voiced."""
        try:
            return UUID(self["gathering"]) if self["gathering"] else None
        except ValueError:
            return None

    @property
    def ended(self) -> Ending | None:
        return Ending(self["ended"]) if self["ended"] in set(Ending) else None

    @property
    def channel(self) -> Channel:
        if self.number:
            return Channel.PAPER
        if self["gathering"]:
            return Channel.MEETING
        return Channel(self["came"]) if self["came"] in CAME else Channel.COUNTER

    def report(self, about: About) -> ReportForm:
        """What was told, once `faults_of` finds nothing."""
        reach, mail = self["reach"] or None, "@" in self["reach"]
        told: dict[str, Any] = {
            "community": self["community"],
            "kind": about.kind,
            "category": about.category,
            "urgency": Urgency.URGENT if self.ticked("urgent") else Urgency.ORDINARY,
            "channel": self.channel,
            "text": self["text"],
            "place": self["place"] or None,
            "name": self["name"] or None,
            "email": reach if mail else None,
            "phone": None if mail else reach,
            "language": self["language"],
            "notify": self.ticked("notify") or not reach,
            "about_staff": self.ticked("about_staff"),
            "danger": self.ticked("danger"),
            "minor": self.ticked("minor"),
            "guardian": (self["guardian"] or None) if self.ticked("minor") else None,
        }
        return ReportForm.model_validate(told)

    def counter(self, by: str) -> AtCounter:
        told = Told(self.ended, self["told"], self["language"]) if self.ended else None
        return AtCounter(by, told, self.gathering)


def faults_of(entry: Entry, offered: Sequence[About], communities: Sequence[CommunityRow]) -> list[Fault]:
    """What is to be mended, in the order of the fields."""
    faults: list[Fault] = []
    if entry["community"] not in {str(row.community_id) for row in communities}:
        faults.append(Fault("community", marked("Choose the community.")))
    match meant(entry["about"], offered):
        case []:
            faults.append(
                Fault("about", marked("Type the beginning of what it is about, and take one of those offered."))
            )
        case [_]:
            pass
        case _:
            faults.append(Fault("about", marked("More than one begins like this. Take one of these:")))
    if not entry["text"]:
        faults.append(Fault("text", marked("Write in a few words what is the matter.")))
    faults += [
        Fault(name, text)
        for name, longest, text in (
            ("text", LONGEST_TEXT, marked("Shorten what you wrote to 5,000 characters.")),
            ("place", LONGEST_LINE, marked("Shorten the place to 200 characters.")),
            ("name", LONGEST_LINE, marked("Shorten the name to 200 characters.")),
            ("guardian", LONGEST_LINE, marked("Shorten who the guardian is to 200 characters.")),
            ("told", LONGEST_TEXT, marked("Shorten what you wrote to 5,000 characters.")),
        )
        if len(entry[name]) > longest
    ]
    if (reach := entry["reach"]) and not fits(Email if "@" in reach else Phone, reach):
        faults.append(
            Fault("reach", marked("Write a number in digits or an address like name@example.org, or leave it empty."))
        )
    if entry["language"] not in CODES:
        faults.append(Fault("language", marked("Choose the language.")))
    if entry.ended and not entry["told"]:
        faults.append(Fault("told", marked("Write what they were told: they can read it with their receipt.")))
    if entry.ended and entry.ticked("about_staff"):
        faults.append(
            Fault("ended", marked("What is about somebody who works here can't end here: let it become a case."))
        )
    if entry.ended and entry.ticked("danger"):
        faults.append(Fault("ended", marked("Where somebody is in danger it can't end here: let it become a case.")))
    return faults
