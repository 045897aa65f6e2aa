"""Why a date is what it is, in words: each thing that made it is said, and in the reader's language."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.chassis.web.languages import CODES, translator
from services.contracts.cases import Urgency
from services.contracts.deadlines import Allowance, Deadline, Rule, Skipped, SkipReason, Unit
from services.mediation.domain.deadlines import deadline
from services.mediation.explaining import RULES, explain, title
from services.mediation.pages.due import due
from tests.mediation.happened import RULES as IN_FORCE

ENGLISH = translator("en", "mediation")
SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY_NIGHT = datetime(2026, 2, 13, 12, tzinfo=UTC)
"""Eight in the evening where it is, before the Spring Festival of 2026."""


def told(given: Deadline, *, renewed: bool = False) -> str:
    return " ".join(explain(given, ENGLISH, SHANGHAI, renewed=renewed))


def test_the_start_the_time_given_and_the_versions_are_said() -> None:
    text = told(deadline(Rule.ACKNOWLEDGE, Urgency.URGENT, FRIDAY_NIGHT, IN_FORCE))
    assert "Counted from 13 February 2026, 20:00." in text
    assert "The policy gives 15 minutes, by day and by night." in text
    assert "By policy default-1 and calendar cn-2026; a later version does not change this date." in text
    assert "Not counted" not in text


def test_every_day_that_was_not_counted_is_said_with_its_reason() -> None:
    given = deadline(Rule.ACCEPT, Urgency.ORDINARY, FRIDAY_NIGHT, IN_FORCE)
    text = told(given)
    assert "Not counted: Fri 13 Feb, since it began after closing hour." in text
    assert text.count("a public holiday (") == sum(one.why is SkipReason.HOLIDAY for one in given.skipped) > 3
    assert text.count("Not counted") == len(given.skipped)


def test_what_may_still_change_is_said() -> None:
    given = deadline(Rule.DONE, Urgency.ORDINARY, FRIDAY_NIGHT.replace(year=2031), IN_FORCE)
    assert "The official notice of the holidays of those days was not out yet" in told(given)


def test_a_date_that_follows_one_that_passed_says_so() -> None:
    given = deadline(Rule.ACKNOWLEDGE, Urgency.ORDINARY, FRIDAY_NIGHT, IN_FORCE)
    assert "An earlier date had passed" in told(given, renewed=True)
    assert "An earlier date had passed" not in told(given)


@pytest.mark.parametrize(
    ("skipped", "sentence"),
    [
        (Skipped(day=date(2026, 2, 14), why=SkipReason.REST_DAY), "Not counted: Sat 14 Feb, a rest day."),
        (
            Skipped(day=date(2026, 2, 14), why=SkipReason.HOLIDAY),
            "Not counted: Sat 14 Feb, a day off by the calendar.",
        ),
    ],
)
def test_a_day_without_a_name_needs_none(skipped: Skipped, sentence: str) -> None:
    given = deadline(Rule.SAME_DAY, Urgency.ORDINARY, FRIDAY_NIGHT, IN_FORCE).model_copy(update={"skipped": (skipped,)})
    assert sentence in told(given)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("unit", list(Unit))
def test_every_rule_and_unit_can_be_told_in_every_language(code: str, unit: Unit) -> None:
    language = translator(code, "mediation")
    for rule in Rule:
        given = Deadline(
            rule=rule,
            due_at=FRIDAY_NIGHT,
            started_at=FRIDAY_NIGHT,
            allowance=Allowance(amount=5, unit=unit),
            policy="default-1",
            calendar="cn-2026",
        )
        assert title(rule, language)
        sentences = explain(given, language, SHANGHAI)
        assert len(sentences) == 4
        assert not any("{" in sentence for sentence in sentences)


def test_every_rule_of_the_policy_has_words() -> None:
    assert set(RULES) == set(Rule)


@pytest.mark.parametrize(
    ("minutes", "left", "late"),
    [
        (130, "in 2 hrs 10 mins", False),
        (59, "in 59 mins", False),
        (60, "in 1 hr", False),
        (14 * 60 + 5, "in 14 hrs", False),
        (47 * 60, "in 47 hrs", False),
        (49 * 60, "in 2 days", False),
        (0, "now", False),
        (-130, "2 hrs 10 mins overdue", True),
    ],
)
def test_what_is_left_is_told_in_units_that_matter(minutes: int, left: str, late: bool) -> None:
    shown = due(FRIDAY_NIGHT + timedelta(minutes=minutes), FRIDAY_NIGHT, ENGLISH, SHANGHAI)
    assert (shown.left, shown.late) == (left, late)
