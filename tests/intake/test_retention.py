"""What was written goes by itself, in its own time; what has not ended stays."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.chassis.categories import categories
from services.chassis.clock import now
from services.contracts.cases import CaseClosed, CaseMerged, CaseResolved, Closure, Kind, Resolution
from services.contracts.event import Event
from services.intake.retention import Retention, rules
from tests.intake.door import API, FrontDoor
from tests.intake.test_residents_case import from_mediation, opened, resolved
from tests.services import keyed

CLOSED = (opened(), resolved(), CaseClosed(closure=Closure.WINDOW_ENDED))


async def case_of(door: FrontDoor, *told: Event, **form: Any) -> dict[str, str]:
    report = await door.report(**form)
    await door.project()
    await door.tell(*(from_mediation(report["case_id"], nth, event) for nth, event in enumerate(told, 1)))
    return report


async def written(door: FrontDoor, report: dict[str, str]) -> int:
    copy = await door.client.get(f"{API}/case:export", headers={"Doorstep-Receipt": report["receipt"]})
    return len(copy.json()["written"])


async def test_a_fault_is_kept_for_a_year_and_a_dispute_for_three(door: FrontDoor) -> None:
    fault = await case_of(door, *CLOSED)
    dispute = await case_of(door, *CLOSED, kind="dispute", category="rent")
    retention, at = Retention(door.app.state.door), now()
    await retention.round(at + timedelta(days=364))
    assert [await written(door, one) for one in (fault, dispute)] == [1, 1]
    await retention.round(at + timedelta(days=366))
    assert [await written(door, one) for one in (fault, dispute)] == [0, 1]
    assert (await door.types_of(UUID(fault["case_id"])))[-1] == "case.erased"
    await retention.round(at + timedelta(days=1096))
    assert await written(door, dispute) == 0
    assert await retention.round(at + timedelta(days=1096)) == 0, "though the read model has not heard of it yet"
    assert (await door.types_of(UUID(fault["case_id"]))).count("case.erased") == 1


async def test_what_is_not_over_stays_however_old(door: FrontDoor) -> None:
    waits = await case_of(door, opened())
    not_confirmed = await case_of(door, opened(), resolved())
    await Retention(door.app.state.door).round(now() + timedelta(days=5000))
    assert [await written(door, one) for one in (waits, not_confirmed)] == [1, 1]


async def test_what_is_answered_with_another_is_over_when_that_is(door: FrontDoor) -> None:
    merged = (opened(), CaseMerged(into=uuid4()))
    report = await case_of(door, *merged, phone="138 0000")
    retention, at = Retention(door.app.state.door), now()
    await retention.round(at + timedelta(days=5000))
    assert await written(door, report) == 1
    answered = (resolved(), CaseClosed(closure=Closure.WINDOW_ENDED))
    told = [from_mediation(report["case_id"], nth, event) for nth, event in enumerate(answered, len(merged) + 1)]
    await door.tell(*(one._replace(occurred_at=at + timedelta(days=500)) for one in told))
    await retention.round(at + timedelta(days=864))
    assert await written(door, report) == 1
    await retention.round(at + timedelta(days=866))
    assert await written(door, report) == 0


async def test_what_was_withdrawn_goes_too(door: FrontDoor) -> None:
    report = await case_of(door)
    await door.client.post(f"{API}/case:withdraw", headers={"Doorstep-Receipt": report["receipt"], **keyed()})
    await door.project()
    await Retention(door.app.state.door).round(now() + timedelta(days=366))
    assert await written(door, report) == 0


async def test_history_is_kept_from_the_day_that_it_came(door: FrontDoor) -> None:
    old = {"imported": True, "occurred_on": "2015-03-01", "reference": "OLD-1", "kind": "fault"}
    [taken] = await door.send({**old, "category": "water-leak", "text": "A pipe burst long ago."})
    await door.project()
    ended = CaseResolved(resolution=Resolution.EXPLAINED, resolved_on=date(2015, 3, 2), imported=True)
    await door.tell(from_mediation(taken["case_id"], 1, opened()), from_mediation(taken["case_id"], 2, ended))
    retention, at = Retention(door.app.state.door), now()
    await retention.round(at + timedelta(days=364))
    assert "case.erased" not in await door.types_of(UUID(taken["case_id"]))
    await retention.round(at + timedelta(days=366))
    assert (await door.types_of(UUID(taken["case_id"])))[-1] == "case.erased"


def test_every_rule_is_of_a_kind_and_a_category_that_there_is() -> None:
    assert rules().kinds.keys() == set(Kind)
    for kind, codes in rules().categories.items():
        assert codes.keys() <= categories()[kind].keys()
