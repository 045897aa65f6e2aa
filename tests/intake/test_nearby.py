"""Adding oneself to what was reported before: offered is what anybody may read, and what can't be joined is its own."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from services.chassis.clock import now
from services.chassis.database import scoped
from services.contracts.cases import CaseMerged, CaseReported, Kind
from services.intake import nearby as offering
from services.intake.door import Door
from tests.intake.door import FrontDoor
from tests.intake.test_residents_case import from_mediation, opened, resolved
from tests.services import keyed


async def same_as(door: FrontDoor, other: Any, **changed: Any) -> UUID | None:
    """Of a report that names `other`: what was stored of it."""
    case = await door.report(same_as=other, **changed)
    async with scoped(door.service.application, ["/"]) as connection:
        first, *_ = await door.service.store.read_stream(connection, UUID(case["case_id"]))
    event = first.event()
    assert isinstance(event, CaseReported)
    return event.same_as


async def offered(door: FrontDoor, category: str = "water-leak") -> set[str]:
    inside: Door = door.app.state.door
    community = await inside.communities.find(UUID(door.community))
    assert community is not None
    return {str(one.case_id) for one in await offering.nearby(inside, community, Kind.FAULT, category, now())}


async def test_one_adds_oneself_to_an_open_case_of_the_same_category(door: FrontDoor) -> None:
    lamp = (await door.report(category="street-light"))["case_id"]
    await door.project()
    assert lamp in await offered(door, "street-light")
    assert await same_as(door, lamp, category="street-light") == UUID(lamp)
    assert await same_as(door, lamp, category="tree") is None
    for apart in ("about_staff", "danger", "minor"):
        assert await same_as(door, lamp, category="street-light", **{apart: True}) is None
    assert await same_as(door, str(uuid4()), category="street-light") is None


async def test_what_is_nobody_elses_to_see_is_neither_offered_nor_joined(door: FrontDoor) -> None:
    dispute = (await door.report(kind="dispute", category="noise"))["case_id"]
    inside = (await door.report(category="elevator"))["case_id"]
    staff = (await door.report(category="graffiti", about_staff=True))["case_id"]
    await door.project()
    assert await offered(door, "elevator") == set()
    assert await offered(door, "graffiti") == set()
    assert await same_as(door, dispute, kind="dispute", category="noise") is None
    assert await same_as(door, inside, category="elevator") is None
    assert await same_as(door, staff, category="graffiti") is None


async def test_what_is_done_or_answered_with_another_is_not_offered(door: FrontDoor) -> None:
    done, merged, taken_back = [(await door.report(category="parks"))["case_id"] for _ in range(3)]
    await door.project()
    assert {done, merged, taken_back} <= await offered(door, "parks")
    until = now() + timedelta(days=3)
    await door.tell(
        from_mediation(done, 1, opened()),
        from_mediation(done, 2, resolved(until)),
        from_mediation(merged, 1, opened()),
        from_mediation(merged, 2, CaseMerged(into=UUID(done))),
    )
    assert await offered(door, "parks") == {taken_back}
    assert await same_as(door, done, category="parks") is None


async def test_a_retry_gets_the_first_answer_though_the_other_case_has_ended_meanwhile(door: FrontDoor) -> None:
    tree = (await door.report(category="tree"))["case_id"]
    await door.project()
    form, key = door.report_form(category="tree", same_as=tree), keyed()
    first = await door.client.post("/api/intake/v1/reports", json=form, headers=key)
    await door.tell(from_mediation(tree, 1, opened()), from_mediation(tree, 2, resolved(now() + timedelta(days=3))))
    again = await door.client.post("/api/intake/v1/reports", json=form, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
