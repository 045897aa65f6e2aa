"""The rows of the alert list: per case its last alert, and what came of it."""

from datetime import UTC, datetime
from functools import reduce
from uuid import UUID

import pytest

from services.contracts.cases import CaseAcknowledged
from services.contracts.event import Event
from services.notifications.read_models.alert_list import ALERT_LIST, AlertRow, AlertState, evolve
from tests.notifications.happened import EAST, SECOND, WILLOW_LANE, acknowledged, raised, unanswered, withdrawn
from tests.notifications.office import recorded

CASE = UUID("0195a000-0000-7000-8000-000000000001")
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def fold(*events: Event) -> AlertRow | None:
    start: AlertRow | None = None
    return reduce(lambda row, event: evolve(row, recorded(event, CASE, WILLOW_LANE, at=AT), event), events, start)


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (acknowledged(), AlertState.ACKNOWLEDGED),
        (unanswered(), AlertState.UNANSWERED),
        (withdrawn(), AlertState.WITHDRAWN),
    ],
)
def test_an_alert_waits_until_something_comes_of_it(end: Event, state: AlertState) -> None:
    before, after = fold(raised()), fold(raised(), end)
    assert before is not None
    assert after is not None
    assert (before.open, before.state) == (True, AlertState.WAITING)
    assert (after.open, after.state) == (False, state)


def test_the_next_alert_of_a_case_begins_anew() -> None:
    row = fold(raised(), acknowledged(), raised(SECOND, EAST, None, step=1))
    assert row is not None
    assert (row.open, row.alert, row.recipient, row.step, row.answered_by) == (True, SECOND, None, 1, None)


def test_only_our_own_words_make_it() -> None:
    assert CaseAcknowledged.type not in ALERT_LIST.types
    assert fold(CaseAcknowledged(owner="mei"), acknowledged()) is None
