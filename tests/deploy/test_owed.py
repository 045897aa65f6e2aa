"""What is owed, by the rules of the services themselves: the messages that a log asks for, and the dates it sets."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.evidence import Clock
from deploy.owed import clock_of, clocks_owed, key_of, messages_owed
from services.chassis.clock import LATEST
from services.chassis.ids import new_id
from services.chassis.taken import Taken
from services.contracts.alerts import AlertAcknowledged, AlertCause, AlertRaised
from services.contracts.cases import (
    CaseAcknowledged,
    CaseAssigned,
    CaseErased,
    CaseReminded,
    CaseReopened,
    CaseResolved,
    CaseWithdrawn,
    Kind,
    Resolution,
    Urgency,
)
from services.contracts.deadlines import Rule
from services.contracts.duty import DutyTaken
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.contracts.gatherings import (
    GatheringAnnounced,
    GatheringCancelled,
    GatheringChanged,
    GatheringKind,
    GatheringSignedOff,
    GatheringSignedUp,
)
from services.mediation.timing import set_by
from services.notifications import timing as of_alerts
from services.notifications.deliveries.consumer import in_turn
from services.notifications.deliveries.guests import Gatherings
from services.notifications.deliveries.guests import in_turn as guests_in_turn
from services.notifications.deliveries.planned import Planned
from services.notifications.read_models.told_cases import ToldCase
from tests.mediation.happened import DAY, MONDAY, WILLOW_LANE, due, opened
from tests.mediation.office import recorded, reported

CASE = UUID("0195a000-0000-7000-8000-0000000000c1")
ALERT = UUID("0195a000-0000-7000-8000-0000000000a1")

RAISED = AlertRaised(
    alert=ALERT,
    cause=AlertCause.OPENED,
    level=WILLOW_LANE,
    recipient="mei",
    kind=Kind.FAULT,
    category="water-leak",
    urgency=Urgency.ORDINARY,
)
BY_SOURCE: dict[str, Sequence[Event]] = {
    "intake": (CaseWithdrawn(), CaseErased()),
    "mediation": (
        CaseAssigned(owner="mei"),
        CaseAcknowledged(owner="mei"),
        CaseAcknowledged(owner="bao"),
        CaseReminded(rule=Rule.DONE, level=WILLOW_LANE, owner="mei"),
        CaseReminded(rule=Rule.DONE, level=WILLOW_LANE),
        CaseResolved(resolution=Resolution.ON_THE_SPOT, resolved_on=DAY),
        CaseReopened(level=WILLOW_LANE),
        CaseErased(),
    ),
    "notifications": (RAISED, AlertAcknowledged(alert=ALERT, by="mei")),
}
HAPPENED = [(source, event) for source, events in BY_SOURCE.items() for event in events]


def told(happened: Sequence[tuple[str, Event]], *, imported: bool = False) -> list[Recorded]:
    """A case from its report on, each source's versions counted by itself."""
    first = [("intake", reported(imported=imported)), ("mediation", opened())]
    versions: dict[str, int] = {}
    events: list[Recorded] = []
    for nth, (source, event) in enumerate([*first, *happened]):
        versions[source] = version = versions.get(source, 0) + 1
        at = MONDAY + timedelta(seconds=nth)
        events.append(recorded(event, CASE, source=source, version=version, at=at))
    return events


def rows_of(events: Sequence[Recorded], splits: Sequence[int], at: datetime) -> list[tuple[str, str]]:
    """The rows that the consumer leaves when these events reach it in batches that end at `splits`."""
    cases: dict[UUID, ToldCase] = {}
    rows: list[tuple[str, str]] = []
    for begin, end in pairwise([0, *sorted(splits), len(events)]):
        plans, _ = in_turn([Taken(one) for one in events[begin:end]], cases, at)
        for plan in plans:
            message = plan if isinstance(plan, Planned) else plan.planned
            event = f"{message.source}:{message.stream_id}:{message.version}"
            rows.append((event, str(message.delivery_id)))
    return rows


@given(
    happened=st.lists(st.sampled_from(HAPPENED), max_size=12),
    splits=st.lists(st.integers(0, 14), max_size=4),
    imported=st.booleans(),
    late=st.booleans(),
)
def test_what_the_consumer_writes_is_what_is_owed_however_its_batches_fall(
    happened: list[tuple[str, Event]], splits: list[int], *, imported: bool, late: bool
) -> None:
    events = told(happened, imported=imported)
    at = MONDAY + (timedelta(days=8) if late else timedelta(minutes=1))
    splits = [split for split in splits if split <= len(events)]
    messages = messages_owed(events, rows_of(events, splits, at), at)
    written = {event for event, _ in messages.kept}
    assert set(messages.must) <= written <= messages.may.keys()
    assert all(messages.may[event] in ("", delivery) for event, delivery in messages.kept)
    assert not (late and messages.must)


def test_a_resident_s_first_word_and_an_alert_must_be_there() -> None:
    messages = messages_owed(told([("notifications", RAISED)]), [], MONDAY)
    assert set(messages.must) == {f"intake:{CASE}:1", f"notifications:{CASE}:1"}


@pytest.mark.parametrize("answered_first", [False, True])
def test_what_was_answered_after_it_was_asked_need_not_be_there_in_whichever_order_kafka_has_them(
    answered_first: bool,
) -> None:
    answer = recorded(CaseAcknowledged(owner="mei"), CASE, source="mediation", version=2, at=MONDAY)
    asked_at = MONDAY + timedelta(seconds=1 if answered_first else -1)
    alert = recorded(RAISED, CASE, source="notifications", at=asked_at)
    for order in ([alert, answer], [answer, alert]):
        messages = messages_owed([*told([]), *order], [], MONDAY)
        assert f"notifications:{CASE}:1" in messages.may
        assert (f"notifications:{CASE}:1" in messages.must) is answered_first


def test_an_answer_leaves_owed_who_is_to_stand_beside_a_minor() -> None:
    alone = opened().model_copy(update={"minor": True, "protection": "desk"})
    events = [
        recorded(event, CASE, source="mediation", version=version, at=MONDAY + timedelta(seconds=version))
        for version, event in enumerate((alone, CaseAcknowledged(owner="mei")), 1)
    ]
    assert f"mediation:{CASE}:1" in messages_owed(events, [], MONDAY).must


GATHERING = UUID("0195a000-0000-7000-8000-0000000000d1")
GUESTS = [UUID(int=nth) for nth in (1, 2)]


def met() -> list[Recorded]:
    """A gathering that two sign up for, one of whom takes it back; moved before and after, and called off."""
    begins, ends = MONDAY + timedelta(days=2), MONDAY + timedelta(days=3)
    announced = GatheringAnnounced(
        community=new_id(),
        kind=GatheringKind.LECTURE,
        title="A will",
        place="Hall",
        starts_at=begins,
        ends_at=ends,
        time_zone="Asia/Shanghai",
    )
    moved = GatheringChanged(title="A will", place="Gate 3", starts_at=begins, ends_at=ends)
    happened: list[Event] = [
        announced,
        *(GatheringSignedUp(sign_up=guest, people=1) for guest in GUESTS),
        moved,
        GatheringSignedOff(sign_up=GUESTS[1], people=1),
        moved.model_copy(update={"seats": 30}),
        GatheringCancelled(),
    ]
    return [
        recorded(event, GATHERING, source="intake", version=nth, at=MONDAY + timedelta(seconds=nth))
        for nth, event in enumerate(happened, 1)
    ]


@pytest.mark.parametrize("split", range(8))
def test_guests_of_a_gathering_are_owed_the_last_news_each(split: int) -> None:
    events, at = met(), MONDAY + timedelta(minutes=1)
    known, rows = Gatherings({}, {}), list[tuple[str, str]]()
    for part in (events[:split], events[split:]):
        plans, _ = guests_in_turn([Taken(one) for one in part], known, at)
        rows += [(f"intake:{GATHERING}:{one.version}:{one.recipient}", str(one.delivery_id)) for one in plans]
    messages = messages_owed(events, rows, at)
    assert set(messages.must) == {f"intake:{GATHERING}:7:{GUESTS[0]}"}
    assert set(messages.must) <= {event for event, _ in rows} <= messages.may.keys()
    assert all(messages.may[event] == delivery for event, delivery in rows)
    assert messages.may.keys() == set(messages.must) | {f"intake:{GATHERING}:4:{guest}" for guest in GUESTS}


def test_dates_run_until_something_ends_them() -> None:
    begin = recorded(opened(), CASE, source="mediation")
    ended = recorded(CaseAcknowledged(owner="mei"), CASE, source="mediation", version=2)
    ever, running = clocks_owed([begin, ended], set_by)
    assert Clock.of(CASE, Rule.ACKNOWLEDGE, due(Rule.ACKNOWLEDGE).due_at) in ever - running
    assert {clock.name for clock in running} == {Rule.SAME_DAY, Rule.DONE, f"remind:{Rule.DONE}"}
    assert clocks_owed([begin], set_by)[1] == ever


def test_a_date_beyond_every_calendar_is_owed_as_its_timer_has_it() -> None:
    taken = DutyTaken(area=WILLOW_LANE, cadre="mei", until=datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))))
    ever, running = clocks_owed([recorded(taken, CASE, source="notifications")], of_alerts.set_by)
    assert running == ever == {Clock.of(CASE, "shift:first", LATEST)}


@pytest.mark.parametrize("name", ["answer", "remind:done", "shift:first"])
@pytest.mark.parametrize("microseconds", [0, 70_000])
def test_a_timer_s_key_names_its_clock(name: str, microseconds: int) -> None:
    clock = Clock.of(new_id(), name, MONDAY + timedelta(microseconds=microseconds))
    assert clock_of(key_of(clock)) == clock
