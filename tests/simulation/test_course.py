"""How a schedule ends."""

from collections.abc import Generator
from datetime import timedelta

import pytest

from tests.simulation.course import HEALED_SECONDS, until_settled
from tests.simulation.scheduler import Scheduler


@pytest.fixture
def scheduler() -> Generator[Scheduler]:
    made = Scheduler(1)
    yield made
    made.close()


def test_reminders_without_end_end_with_the_day(scheduler: Scheduler) -> None:
    """Whoever looks finds another one: it fell due when the last had just been taken."""
    due = scheduler.wall_clock()

    def behind() -> list[str]:
        nonlocal due
        late = due <= scheduler.wall_clock()
        due = scheduler.wall_clock() + timedelta(seconds=0.05)
        return ["a reminder"] if late else []

    scheduler.run_until_complete(until_settled(scheduler, behind))
    assert HEALED_SECONDS / 2 <= scheduler.time() < HEALED_SECONDS


def test_who_never_catches_up_is_not_waited_for_longer(scheduler: Scheduler) -> None:
    scheduler.run_until_complete(until_settled(scheduler, lambda: ["a relay"]))
    assert HEALED_SECONDS <= scheduler.time() < HEALED_SECONDS + 1
