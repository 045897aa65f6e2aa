"""The rules of a duty desk, each by what happened before and what happens then."""

import pytest

from services.contracts.event import Event
from services.notifications.domain.commands import LeaveDuty, TakeDuty
from services.notifications.domain.decider import DUTY
from services.notifications.domain.duty_desk import desks_above
from services.notifications.domain.errors import NobodyOnDuty, SomebodyElseOnDuty
from tests.given import Given
from tests.notifications.happened import EAST, LAKESIDE, WILLOW_LANE, left, taken

given = Given(DUTY)


def test_somebody_takes_an_empty_desk() -> None:
    given().when(TakeDuty(WILLOW_LANE, "mei")).then(taken())
    given(taken(), left()).when(TakeDuty(WILLOW_LANE, "mei")).then(taken())


def test_taking_over_needs_no_leave() -> None:
    given(taken()).when(TakeDuty(WILLOW_LANE, "bao")).then(taken("bao"))
    given(taken(), taken("bao")).when(LeaveDuty(WILLOW_LANE, "bao")).then(left("bao"))


def test_who_is_on_duty_already_is_no_news() -> None:
    given(taken()).when(TakeDuty(WILLOW_LANE, "mei")).then()


def test_only_who_is_on_duty_leaves() -> None:
    given(taken()).when(LeaveDuty(WILLOW_LANE, "bao")).refused(SomebodyElseOnDuty, area=WILLOW_LANE, cadre="mei")
    given(taken(), taken("bao")).when(LeaveDuty(WILLOW_LANE, "mei")).refused(
        SomebodyElseOnDuty, area=WILLOW_LANE, cadre="bao"
    )


@pytest.mark.parametrize("happened", [(), (taken(), left())])
def test_an_empty_desk_has_nobody_to_leave(happened: tuple[Event, ...]) -> None:
    given(*happened).when(LeaveDuty(WILLOW_LANE, "mei")).refused(NobodyOnDuty, area=WILLOW_LANE)


@pytest.mark.parametrize(
    ("level", "desks"),
    [
        (WILLOW_LANE, [WILLOW_LANE, EAST, LAKESIDE, "/"]),
        (LAKESIDE, [LAKESIDE, "/"]),
        ("/", ["/"]),
    ],
)
def test_a_level_is_answered_for_up_to_the_root(level: str, desks: list[str]) -> None:
    assert desks_above(level) == desks
