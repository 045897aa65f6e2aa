"""A report while it is being written: it travels in the form from page to page, and nowhere else.

Its photos alone are kept here meanwhile, sealed, and found by its key.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from services.chassis.categories import categories
from services.chassis.web.marked import marked
from services.contracts.cases import Kind
from services.contracts.registry import community_stream
from services.intake.address import area_of
from services.intake.read_models.places import CommunityRow
from services.intake.taking import Email, Phone, ReportForm

LONGEST_TEXT = 5000
LONGEST_LINE = 200


class Step(StrEnum):
    """One question each."""

    KIND = "kind"
    WHERE = "where"
    WHAT = "what"
    SAME = "same"
    WORDS = "words"
    PHOTOS = "photos"
    REACH = "reach"
    CHECK = "check"


FIELDS: Mapping[Step, Sequence[str]] = {
    Step.KIND: ("kind",),
    Step.WHERE: ("community", "placed"),
    Step.WHAT: ("category",),
    Step.SAME: ("same_as",),
    Step.WORDS: ("text", "place", "spot", "danger", "minor", "guardian", "about_staff"),
    Step.PHOTOS: (),
    Step.REACH: ("reach", "name", "email", "phone", "notify"),
    Step.CHECK: (),
}

REACH_ME, ANONYMOUS = "me", "anonymous"
_YES = "yes"

CLOSED = marked("Your community takes no reports any more. Choose another; nothing you wrote is lost.")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend; `text` is marked."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What was answered so far, as it was typed; `key` makes the report one, however often it is sent."""

    answers: Mapping[str, str]
    key: str
    seen_all: bool = False
    """Every question was shown once: from a change the way leads back to the check."""

    @staticmethod
    def of(form: Mapping[str, str]) -> "Draft":
        names = [name for fields in FIELDS.values() for name in fields]
        answers = {name: typed(form, name) for name in names}
        if not fits(UUID, answers["community"]) and (area := area_of(answers["community"])):
            answers["community"] = str(community_stream(area))
        return Draft(answers, typed(form, "key") or secrets.token_urlsafe(24), typed(form, "seen_all") == _YES)

    @staticmethod
    def empty() -> "Draft":
        return Draft.of({})

    def __getitem__(self, name: str) -> str:
        return self.answers[name]

    def hidden(self, step: Step) -> dict[str, str]:
        """What a page must carry beside the fields that it shows."""
        carried = {name: value for name, value in self.answers.items() if value and name not in FIELDS[step]}
        return {**carried, "key": self.key, **({"seen_all": _YES} if self.seen_all or step is Step.CHECK else {})}

    @property
    def kind(self) -> Kind | None:
        return Kind(self["kind"]) if self["kind"] in set(Kind) else None

    def with_community(self, community: UUID) -> "Draft":
        return replace(self, answers={**self.answers, "community": str(community)})

    @property
    def notify(self) -> bool:
        """Wished unless it was declined on a page that asked."""
        return self["notify"] == _YES or not self["reach"]

    def form(self, language: str) -> ReportForm:
        """The report.

        Raises:
            ValidationError: an answer has a form that no question asked for.
        """
        told: dict[str, Any] = {
            "community": self["community"],
            "kind": self["kind"],
            "category": self["category"],
            "text": self["text"],
            "place": self["place"] or None,
            "spot": self["spot"] or None,
            "same_as": self["same_as"] if fits(UUID, self["same_as"]) else None,
            "about_staff": self["about_staff"] == _YES,
            "danger": self["danger"] == _YES,
            "minor": self["minor"] == _YES,
            "guardian": (self["guardian"] or None) if self["minor"] == _YES else None,
            "language": language,
        }
        if self["reach"] == REACH_ME:
            told |= {name: self[name] or None for name in ("name", "email", "phone")}
            told["notify"] = self.notify
        return ReportForm.model_validate(told)


def steps_of(draft: Draft, communities: Sequence[CommunityRow], *, shared: bool) -> list[Step]:
    """The questions in their order, without those that need no answer.

    Where there is one community and no other was chosen, or a poster named it, it is not asked for; nor whether it was
    reported before, unless there are such cases (`shared`).
    """
    one = len(communities) == 1 and draft["community"] in ("", str(communities[0].community_id))
    named = one or (draft["placed"] == _YES and _is_there(draft, communities))
    unasked = {*([Step.WHERE] if named else []), *([] if shared else [Step.SAME])}
    return [step for step in Step if step not in unasked]


def faults_of(draft: Draft, step: Step, communities: Sequence[CommunityRow]) -> list[Fault]:
    """What is to be mended on one page."""
    match step:
        case Step.KIND:
            return [] if draft.kind else [Fault("kind", marked("Choose what is troubling you."))]
        case Step.WHERE:
            if _is_there(draft, communities):
                return []
            return [Fault("community", CLOSED if draft["community"] else marked("Choose your community."))]
        case Step.WHAT:
            fits = draft.kind and draft["category"] in categories()[draft.kind]
            return [] if fits else [Fault("category", marked("Choose what it is about."))]
        case Step.WORDS:
            return _wordless(draft)
        case Step.REACH:
            return _unreachable(draft)
        case Step.SAME | Step.PHOTOS | Step.CHECK:
            return []


def _is_there(draft: Draft, communities: Sequence[CommunityRow]) -> bool:
    return draft["community"] in {str(row.community_id) for row in communities}


def _wordless(draft: Draft) -> list[Fault]:
    faults: list[Fault] = []
    if not draft["text"]:
        faults.append(Fault("text", marked("Write in a sentence or two what is the matter.")))
    elif len(draft["text"]) > LONGEST_TEXT:
        faults.append(Fault("text", marked("Shorten what you wrote to 5,000 characters.")))
    if len(draft["place"]) > LONGEST_LINE:
        faults.append(Fault("place", marked("Shorten the place to 200 characters.")))
    if len(draft["guardian"]) > LONGEST_LINE:
        faults.append(Fault("guardian", marked("Shorten who the guardian is to 200 characters.")))
    return faults


def _unreachable(draft: Draft) -> list[Fault]:
    if draft["reach"] == ANONYMOUS:
        return []
    if draft["reach"] != REACH_ME:
        return [Fault("reach", marked("Choose whether you stay anonymous or may be reached."))]
    faults: list[Fault] = []
    if not (draft["email"] or draft["phone"]):
        faults.append(Fault("email", marked("Leave a mail address or a telephone number, or stay anonymous.")))
    if draft["email"] and not fits(Email, draft["email"]):
        faults.append(Fault("email", marked("Write the address like name@example.org, or leave it empty.")))
    if draft["phone"] and not fits(Phone, draft["phone"]):
        faults.append(Fault("phone", marked("Write the number in digits, or leave it empty.")))
    if len(draft["name"]) > LONGEST_LINE:
        faults.append(Fault("name", marked("Shorten the name to 200 characters.")))
    return faults


def step_of_field(name: str) -> Step:
    """The page that asks for a field of the report."""
    return next((step for step, fields in FIELDS.items() if name in fields), Step.WORDS)


def fits(shape: Any, text: str) -> bool:
    try:
        TypeAdapter(shape).validate_python(text)
    except ValidationError:
        return False
    return True


def typed(form: Mapping[str, Any], name: str) -> str:
    """One answer as PostgreSQL can keep it; browsers send line ends as CR LF."""
    value = form.get(name, "")
    return value.replace("\0", "").replace("\r\n", "\n").strip() if isinstance(value, str) else ""
