"""The rules of a duty desk, each by what happened before and what happens then."""

from datetime import timedelta

import pytest

from services.chassis.areas import up_from
from services.contracts.duty import DutyPlace
from services.contracts.event import Event
from services.notifications.domain.commands import EndShift, LeaveDuty
from services.notifications.domain.decider import DUTY, TIMED
from services.notifications.domain.duty_desk import LONGEST_SHIFT
from services.notifications.domain.errors import NobodyOnDuty, ShiftOver, ShiftTooLong, SomebodyElseOnDuty
from tests.given import Given
from tests.notifications.happened import EAST, LAKESIDE, NINE, WILLOW_LANE, left, take, taken

given = Given(DUTY)
timed = Given(TIMED)

SECOND = DutyPlace.SECOND
FIVE = NINE + timedelta(hours=8)


def test_somebody_takes_an_empty_desk() -> None:
    given().when(take()).then(taken())
    given(taken(), left()).when(take(until=FIVE)).then(taken(until=FIVE))


def test_taking_over_needs_no_leave() -> None:
    given(taken()).when(take("bao")).then(taken("bao"))
    given(taken(), taken("bao")).when(LeaveDuty(WILLOW_LANE, "bao")).then(left("bao"))


def test_who_is_on_duty_already_is_no_news_but_another_end_is() -> None:
    given(taken()).when(take()).then()
    given(taken(until=FIVE)).when(take(until=FIVE)).then()
    given(taken(until=FIVE)).when(take()).then(taken())


def test_a_desk_has_a_second_place() -> None:
    given(taken()).when(take("bao", place=SECOND)).then(taken("bao", place=SECOND))
    both = (taken(), taken("bao", place=SECOND))
    given(*both).when(LeaveDuty(WILLOW_LANE, "bao")).then(left("bao", place=SECOND))
    given(*both).when(LeaveDuty(WILLOW_LANE, "mei")).then(left())


def test_nobody_sits_in_both_places() -> None:
    given(taken("bao", place=SECOND)).when(take("bao")).then(left("bao", place=SECOND), taken("bao"))


def test_a_shift_does_not_end_before_it_begins() -> None:
    given().when(take(until=NINE)).refused(ShiftOver, area=WILLOW_LANE)


def test_a_shift_lasts_a_week_at_most_or_has_no_end() -> None:
    week = NINE + LONGEST_SHIFT
    given().when(take(until=week)).then(taken(until=week))
    given(taken()).when(take(until=week + timedelta(seconds=1))).refused(ShiftTooLong, area=WILLOW_LANE)


def test_only_who_is_on_duty_leaves() -> None:
    given(taken()).when(LeaveDuty(WILLOW_LANE, "bao")).refused(SomebodyElseOnDuty, area=WILLOW_LANE, cadre="mei")
    given(taken("bao", place=SECOND)).when(LeaveDuty(WILLOW_LANE, "mei", SECOND)).refused(
        SomebodyElseOnDuty, area=WILLOW_LANE, cadre="bao"
    )
    given(taken(), taken("bao")).when(LeaveDuty(WILLOW_LANE, "mei")).refused(
        SomebodyElseOnDuty, area=WILLOW_LANE, cadre="bao"
    )


@pytest.mark.parametrize("happened", [(), (taken(), left())])
def test_an_empty_desk_has_nobody_to_leave(happened: tuple[Event, ...]) -> None:
    given(*happened).when(LeaveDuty(WILLOW_LANE, "mei")).refused(NobodyOnDuty, area=WILLOW_LANE)


def test_at_its_end_a_shift_is_over_unless_it_is_another_one_by_then() -> None:
    end = EndShift(WILLOW_LANE, DutyPlace.FIRST, FIVE)
    for asked in (given, timed):
        asked(taken(until=FIVE)).when(end).then(left())
        asked(taken(until=FIVE), taken("bao", until=FIVE)).when(end).then(left("bao"))
        asked(taken(until=FIVE), left()).when(end).then()
        asked(taken(until=FIVE), taken()).when(end).then()


@pytest.mark.parametrize(
    ("level", "desks"),
    [
        (WILLOW_LANE, [WILLOW_LANE, EAST, LAKESIDE, "/"]),
        (LAKESIDE, [LAKESIDE, "/"]),
        ("/", ["/"]),
    ],
)
def test_a_level_is_answered_for_up_to_the_root(level: str, desks: list[str]) -> None:
    assert up_from(level) == desks
