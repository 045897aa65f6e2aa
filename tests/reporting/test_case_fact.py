"""The fold of a case's events: the same row however the services' events lie between each other."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from services.contracts import cases
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.reporting.read_models.case_fact import CaseFact, evolve
from tests.reporting import constituents
from tests.reporting.bureau import NOON, happened
from tests.reporting.constituents import Casework

CASE = UUID(int=7)
COMMUNITY = UUID(int=8)
AREA = "/nyc/nycc33/"

REPORTED = cases.CaseReported(
    community=COMMUNITY,
    kind=cases.Kind.NEED,
    category="housing",
    urgency=cases.Urgency.ORDINARY,
    channel=cases.Channel.PHONE,
    reported_on=date(2026, 3, 1),
    particulars=UUID(int=9),
)
OPENED = cases.CaseOpened(
    community=COMMUNITY, kind=cases.Kind.FAULT, category="water-leak", urgency=cases.Urgency.URGENT, level=AREA
)
ESCALATED = cases.CaseEscalated(from_level=AREA, to_level="/nyc/", reason=cases.EscalationReason.ASKED_BY_STAFF)
RESOLVED = cases.CaseResolved(resolution=cases.Resolution.ON_THE_SPOT, resolved_on=date(2026, 3, 2))
REOPENED = cases.CaseReopened(level=AREA)
DECLINED = cases.CaseDeclined(
    by="demo-cadre", reason=cases.DeclineReason.OUTSIDE_REMIT, explanation=UUID(int=11), language="en"
)

OF_INTAKE: tuple[Event, ...] = (
    REPORTED,
    cases.CaseAmended(particulars=UUID(int=10)),
    cases.CaseConfirmed(resolution_version=4),
    cases.CaseWithdrawn(),
    cases.CaseErased(),
)
OF_MEDIATION: tuple[Event, ...] = (
    cases.CaseAssigned(owner="demo-cadre"),
    cases.CaseAcknowledged(owner="demo-cadre"),
    ESCALATED,
    RESOLVED,
    DECLINED,
    REOPENED,
    cases.CaseClosed(closure=cases.Closure.CONFIRMED),
)


def told(source: str, events: list[Event], begin: datetime = NOON) -> list[Recorded]:
    """These events, an hour between each and the next."""
    return [
        happened(event, CASE, nth, source=source, area=AREA, at=begin + timedelta(hours=nth))
        for nth, event in enumerate(events, 1)
    ]


def folded(events: list[Recorded]) -> CaseFact | None:
    row = None
    for recorded in events:
        row = evolve(row, recorded, recorded.event())
    return row


def shuffled(draw: st.DrawFn, first: list[Recorded], second: list[Recorded]) -> list[Recorded]:
    """The two in one, each in its own order."""
    turns = draw(st.permutations([0] * len(first) + [1] * len(second)))
    streams = (iter(first), iter(second))
    return [next(streams[turn]) for turn in turns]


@st.composite
def two_interleavings(draw: st.DrawFn) -> tuple[list[Recorded], list[Recorded]]:
    intake = told("intake", [REPORTED, *draw(st.lists(st.sampled_from(OF_INTAKE[1:]), max_size=4))])
    mediation = told(
        "mediation",
        [OPENED, *draw(st.lists(st.sampled_from(OF_MEDIATION), max_size=7))],
        NOON + timedelta(minutes=draw(st.integers(-300, 300))),
    )
    return shuffled(draw, intake, mediation), shuffled(draw, intake, mediation)


@given(two_interleavings())
def test_the_order_between_services_does_not_matter(orders: tuple[list[Recorded], list[Recorded]]) -> None:
    assert folded(orders[0]) == folded(orders[1])


def test_what_mediation_opened_is_what_the_case_is() -> None:
    intake, mediation = told("intake", [REPORTED]), told("mediation", [OPENED])
    fact = folded(intake + mediation)
    assert fact is not None
    assert (fact.kind, fact.category, fact.urgency) == ("fault", "water-leak", "urgent")
    assert fact.reported_on == date(2026, 3, 1)


def test_imported_history_is_known_from_its_business_time() -> None:
    day = datetime(2016, 5, 2, 4, tzinfo=UTC)
    reported = REPORTED.model_copy(update={"imported": True, "reported_on": date(2016, 5, 2)})
    resolved = RESOLVED.model_copy(update={"imported": True, "resolved_on": date(2016, 5, 9)})
    later = day + timedelta(days=7)
    fact = folded(
        [
            happened(reported, CASE, 1, at=day, recorded_at=NOON),
            happened(resolved, CASE, 2, source="mediation", at=later, recorded_at=NOON),
        ]
    )
    assert fact is not None
    assert (fact.imported, fact.reported_from, fact.resolved_from) == (True, day, later)


def test_a_live_fact_is_known_from_when_it_was_recorded() -> None:
    recorded_at = NOON + timedelta(minutes=3)
    fact = folded([happened(REPORTED, CASE, at=NOON, recorded_at=recorded_at)])
    assert fact is not None
    assert fact.reported_from == recorded_at


def test_resolutions_that_did_not_last_are_remembered() -> None:
    again = RESOLVED.model_copy(update={"resolved_on": date(2026, 3, 5)})
    events = told("mediation", [OPENED, RESOLVED, REOPENED, again, REOPENED])
    fact = folded(events)
    assert fact is not None
    assert (fact.resolved_on, fact.resolved_from) == (None, None)
    assert orjson.loads(fact.earlier or "") == [
        [events[1].recorded_at.isoformat(), events[2].recorded_at.isoformat(), "2026-03-02"],
        [events[3].recorded_at.isoformat(), events[4].recorded_at.isoformat(), "2026-03-05"],
    ]


def test_a_refusal_that_was_appealed_is_remembered() -> None:
    events = told("mediation", [OPENED, DECLINED, REOPENED, DECLINED])
    fact = folded(events)
    assert fact is not None
    assert fact.declined_from == events[3].recorded_at
    assert orjson.loads(fact.earlier or "") == [
        [events[1].recorded_at.isoformat(), events[2].recorded_at.isoformat(), None],
    ]


def test_the_first_of_each_and_how_often() -> None:
    events = told("mediation", [OPENED, ESCALATED, cases.CaseAcknowledged(owner="a"), ESCALATED])
    fact = folded([*events, *told("mediation", [cases.CaseAcknowledged(owner="b")], NOON + timedelta(days=1))])
    assert fact is not None
    assert (fact.escalations, fact.escalated_from) == (2, events[1].recorded_at)
    assert fact.acknowledged_from == events[2].recorded_at


def test_the_facts_of_the_sample_are_what_its_events_fold_into(sample: list[Casework]) -> None:
    for work in sample:
        assert folded(list(constituents.events_of(work))) == constituents.fact_of(work)
