"""What is typed at the counter finds its category by its beginning, in every language; what fits more is asked for."""

import pytest

from services.chassis.web.languages import CODES, translator
from services.contracts.cases import Kind
from services.intake.pages.about import choices, meant

ENGLISH = choices(translator("en", "intake"))


@pytest.mark.parametrize(
    ("typed", "kind", "category"),
    [
        ("water l", Kind.FAULT, "water-leak"),
        ("WATER   LEAK", Kind.FAULT, "water-leak"),
        ("golden", Kind.IDEA, "golden-idea"),
        ("noise", Kind.FAULT, "noise"),
        ("noise and", Kind.DISPUTE, "noise"),
        ("noise disp", Kind.DISPUTE, "noise"),
        ("of law", Kind.CONSULTATION, "legal-question"),
        ("Older people · Need", Kind.NEED, "aging"),
    ],
)
def test_the_beginning_is_enough(typed: str, kind: Kind, category: str) -> None:
    assert [(one.kind, one.category) for one in meant(typed, ENGLISH)] == [(kind, category)]


def test_what_fits_more_than_one_is_told_and_nonsense_fits_none() -> None:
    assert len(meant("another", ENGLISH)) > 3
    assert meant("", ENGLISH) == []
    assert meant("xyzzy", ENGLISH) == []


@pytest.mark.parametrize("code", CODES)
def test_no_two_labels_are_alike_and_each_means_itself(code: str) -> None:
    offered = choices(translator(code, "intake"))
    for one in offered:
        assert meant(one.label, offered) == [one]
