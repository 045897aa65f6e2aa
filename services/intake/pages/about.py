"""What a report is about, as somebody at the counter types it: the beginning of its name is enough."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.chassis.categories import categories
from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.contracts.cases import Kind

KINDS: dict[Kind, str] = {
    Kind.DISPUTE: marked("Dispute"),
    Kind.NEED: marked("Need"),
    Kind.CONSULTATION: marked("Consultation"),
    Kind.IDEA: marked("Idea"),
    Kind.LISTENING: marked("Somebody to talk to"),
    Kind.FAULT: marked("Fault"),
    Kind.INFORMATION: marked("Information"),
}
"""As staff call them; residents are asked in more words."""


@dataclass(frozen=True, slots=True)
class About:
    kind: Kind
    category: str
    name: str
    """Of the category, in the reader's language."""
    label: str
    """Category and kind: no two are alike."""


def choices(language: Language) -> list[About]:
    _ = language.gettext
    return [
        About(kind, code, _(name), f"{_(name)} · {_(KINDS[kind])}")
        for kind, named in categories().items()
        for code, name in named.items()
    ]


def meant(typed: str, offered: Sequence[About]) -> list[About]:
    """What may be meant, by the closest way of reading it that finds any; one alone: that is it."""
    wanted = _plain(typed)
    if not wanted:
        return []
    words = wanted.split()
    readings: tuple[Callable[[About], bool], ...] = (
        lambda one: _plain(one.label) == wanted,
        lambda one: _plain(one.name) == wanted,
        lambda one: _plain(one.name).startswith(wanted),
        lambda one: all(any(part.startswith(word) for part in _plain(one.label).split()) for word in words),
        lambda one: wanted in _plain(one.label),
    )
    for reading in readings:
        if found := [one for one in offered if reading(one)]:
            return found
    return []


def _plain(text: str) -> str:
    return " ".join(text.replace("·", " ").casefold().split())
