"""The rows of the alert list come out the same, however our events and mediation's lie between each other."""

from datetime import UTC, date, datetime
from functools import reduce
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.cases import (
    CaseAcknowledged,
    CaseClosed,
    CaseEscalated,
    CaseReopened,
    CaseResolved,
    Closure,
    EscalationReason,
    Resolution,
)
from services.contracts.event import Event
from services.notifications.read_models.alert_list import AlertRow, evolve
from tests.notifications.happened import EAST, FIRST, SECOND, WILLOW_LANE, acknowledged, raised, unanswered
from tests.notifications.office import recorded

CASE = UUID("0195a000-0000-7000-8000-000000000001")
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

ours: st.SearchStrategy[Event] = st.sampled_from(
    [raised(), raised(SECOND, EAST, None), acknowledged(), acknowledged(SECOND, "ana"), unanswered()]
)
theirs: st.SearchStrategy[Event] = st.sampled_from(
    [
        CaseAcknowledged(owner="mei"),
        CaseEscalated(from_level=WILLOW_LANE, to_level=EAST, reason=EscalationReason.OVERDUE),
        CaseResolved(resolution=Resolution.EXPLAINED, resolved_on=date(2026, 3, 2), explanation=FIRST, language="en"),
        CaseResolved(resolution=Resolution.IMPORTED, resolved_on=date(2017, 5, 4), imported=True),
        CaseReopened(level=WILLOW_LANE),
        CaseClosed(closure=Closure.CONFIRMED),
    ]
)


def fold(events: list[Event]) -> AlertRow | None:
    start: AlertRow | None = None
    return reduce(lambda row, event: evolve(row, recorded(event, CASE, WILLOW_LANE, at=AT), event), events, start)


@given(st.lists(ours, max_size=6), st.lists(theirs, max_size=6), st.data())
def test_only_the_order_within_a_source_counts(ours: list[Event], theirs: list[Event], data: st.DataObject) -> None:
    mixed: list[Event] = []
    left, right = list(ours), list(theirs)
    while left or right:
        take_ours = bool(left) and (not right or data.draw(st.booleans()))
        mixed.append((left if take_ours else right).pop(0))
    assert fold(mixed) == fold(ours + theirs) == fold(theirs + ours)


def test_an_outcome_that_history_brings_makes_no_row() -> None:
    assert fold([CaseResolved(resolution=Resolution.IMPORTED, resolved_on=date(2017, 5, 4), imported=True)]) is None
