"""Numbers of paper forms: ours alone, of one community, in the digits of any script."""

from uuid import uuid4

from services.intake.paper_forms import PaperForms, read, written
from tests.services import random_key

OURS, OTHERS = uuid4(), uuid4()


def test_a_number_is_of_the_community_it_was_made_for() -> None:
    forms = PaperForms(random_key())
    numbers = {forms.new(OURS) for _ in range(500)}
    assert len(numbers) == 500
    assert all(forms.is_of(OURS, number) for number in numbers)
    assert sum(forms.is_of(OTHERS, number) for number in numbers) < 5
    assert sum(PaperForms(random_key()).is_of(OURS, number) for number in numbers) < 5


def test_a_digit_that_is_wrong_is_noticed() -> None:
    forms, wrong = PaperForms(random_key()), 0
    for _ in range(200):
        number = forms.new(OURS)
        changed = number[:5] + str((int(number[5]) + 1) % 10) + number[6:]
        wrong += forms.is_of(OURS, changed)
    assert wrong < 3


def test_it_is_read_with_gaps_and_in_arabic_digits() -> None:
    assert read(" 1234-5678 9012 3456 ") == "1234567890123456"
    assert read("١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦") == "1234567890123456"
    assert read("1234 5678 9012 345") is None
    assert read("") is None
    assert read(written("1234567890123456")) == "1234567890123456"


def test_its_key_can_t_be_made_from_its_number() -> None:
    ours, theirs = PaperForms(random_key()), PaperForms(random_key())
    number = ours.new(OURS)
    assert ours.key(OURS, number) == ours.key(OURS, number)
    assert number not in ours.key(OURS, number)
    assert ours.key(OURS, number) != theirs.key(OURS, number) != ours.key(OTHERS, number)
