"""An alert that nobody answers goes down its chain, by a clock that the test holds."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.chassis.clock import now
from services.chassis.ids import new_id
from services.contracts.alerts import AlertAcknowledged, AlertCause, AlertRaised, AlertUnanswered, AlertWithdrawn
from services.contracts.cases import (
    CaseAcknowledged,
    CaseClosed,
    CaseEscalated,
    CaseMerged,
    CaseReopened,
    Closure,
    EscalationReason,
    Urgency,
)
from services.contracts.event import Event
from services.notifications.read_models.feeds import ALERTS_CONSUMER
from services.notifications.timing import timers
from tests.notifications.office import STALE_AFTER, WITHIN, Office, opened, recorded

URGENT = timedelta(minutes=5)


async def alerts_of(office: Office, case: UUID) -> list[AlertRaised]:
    return [event for event in await office.events_of(case) if isinstance(event, AlertRaised)]


async def told(office: Office, case: UUID) -> list[tuple[int, str | None]]:
    return [(alert.step, alert.recipient) for alert in await alerts_of(office, case)]


async def due(office: Office, case: UUID) -> datetime:
    """When the time of the last alert is over."""
    answer_by = (await alerts_of(office, case))[-1].answer_by
    assert answer_by is not None
    return answer_by


async def manned(office: Office) -> None:
    await office.on_duty("mei", office.community)
    await office.on_duty("bao", office.community, place="second")
    await office.on_duty("ana", office.street)


async def test_first_second_supervisor_then_nobody_has_answered(office: Office) -> None:
    await manned(office)
    case = await office.case_opens()
    began = (await due(office, case)) - URGENT
    assert abs(began - now()) < timedelta(minutes=1)
    for people in ([(0, "mei")], [(0, "mei"), (1, "bao")], [(0, "mei"), (1, "bao"), (2, "ana")]):
        assert await told(office, case) == people
        at = await due(office, case)
        await office.fire(at - timedelta(microseconds=1))
        assert await told(office, case) == people, "never early"
        await office.fire(at)
    *raised, last = await office.events_of(case)
    assert isinstance(raised[-1], AlertRaised)
    assert last == AlertUnanswered(alert=raised[-1].alert, level=office.community)
    assert len({alert.alert for alert in await alerts_of(office, case)}) == 3
    assert await office.alerts() == []


async def test_who_is_not_there_is_passed_over_and_a_shift_that_has_ended_is_nobody(office: Office) -> None:
    await manned(office)
    until = now() + timedelta(minutes=4)
    await office.on_duty("bao", office.community, place="second", until=until.isoformat())
    case = await office.case_opens()
    await office.fire(await due(office, case))
    assert await told(office, case) == [(0, "mei"), (1, "ana")]
    await office.fire(await due(office, case))
    assert isinstance((await office.events_of(case))[-1], AlertUnanswered)


async def test_with_nobody_on_duty_it_is_unanswered_after_its_time_too(office: Office) -> None:
    case = await office.case_opens()
    [alert] = await office.alerts(office.staff("supervisor", "boss", office.city), mine=True)
    assert (alert["recipient"], alert["case_id"]) == (None, str(case))
    await office.fire(await due(office, case))
    assert await office.events_of(case) == [
        (await alerts_of(office, case))[0],
        AlertUnanswered(alert=alert["alert_id"], level=office.community),
    ]


async def test_who_comes_on_duty_before_the_time_is_over_is_told(office: Office) -> None:
    case = await office.case_opens()
    await office.on_duty("mei", office.community)
    await office.fire(await due(office, case))
    assert await told(office, case) == [(0, None), (1, "mei")]


async def test_ordinary_ones_have_longer(office: Office) -> None:
    await manned(office)
    case = await office.case_opens(urgency=Urgency.ORDINARY)
    at = await due(office, case)
    assert timedelta(minutes=39) < at - now() < timedelta(minutes=41)
    await office.fire(now() + timedelta(minutes=30))
    assert await told(office, case) == [(0, "mei")]


async def test_an_answer_ends_the_chain(office: Office) -> None:
    await manned(office)
    case = await office.case_opens()
    [alert] = await office.alerts()
    await office.fire(await due(office, case))
    answer = await office.post(f"alerts/{alert['alert_id']}/acknowledge", office.staff("cadre", "mei"))
    assert answer.status_code == 200, "who was told first may still answer"
    await office.fire(now() + timedelta(hours=2))
    assert await told(office, case) == [(0, "mei"), (1, "bao")]
    assert isinstance((await office.events_of(case))[-1], AlertAcknowledged)


@pytest.mark.parametrize(
    "event",
    [CaseAcknowledged(owner="mei"), CaseClosed(closure=Closure.WITHDRAWN), CaseMerged(into=new_id())],
    ids=lambda event: event.type,
)
async def test_nobody_is_told_in_vain(office: Office, event: Event) -> None:
    await manned(office)
    case = await office.case_opens()
    at = await due(office, case)
    told = recorded(event, case, office.community, version=2)
    await office.mediation_tells(told)
    await office.mediation_tells(told)
    await office.fire(at + timedelta(hours=1))
    assert [type(one) for one in await office.events_of(case)] == [AlertRaised, AlertWithdrawn]


async def test_opened_answered_and_escalated_in_one_batch_are_taken_in_their_order(office: Office) -> None:
    await manned(office)
    case = new_id()
    up = CaseEscalated(
        from_level=office.community, to_level=office.street, reason=EscalationReason.ASKED_BY_STAFF, owner="ana"
    )
    events: list[Event] = [opened(office.community), CaseAcknowledged(owner="mei"), up]
    batch = [recorded(event, case, office.community, version=nth) for nth, event in enumerate(events, 1)]
    for _ in range(2):
        await office.told(ALERTS_CONSUMER, *batch)
    assert [type(one) for one in await office.events_of(case)] == [AlertRaised, AlertWithdrawn, AlertRaised]
    assert await told(office, case) == [(0, "mei"), (0, "ana")]


async def test_a_late_case_that_was_looked_after_and_goes_up_keeps_its_alert_when_told_twice(office: Office) -> None:
    case, long_ago = new_id(), now() - STALE_AFTER - timedelta(minutes=1)
    up = CaseEscalated(from_level=office.community, to_level=office.street, reason=EscalationReason.ASKED_BY_STAFF)
    batch = [
        recorded(opened(office.community), case, office.community, at=long_ago),
        recorded(CaseAcknowledged(owner="mei"), case, office.community, version=2, at=long_ago),
        recorded(up, case, office.community, version=3),
    ]
    for _ in range(2):
        await office.told(ALERTS_CONSUMER, *batch)
    assert [type(one) for one in await office.events_of(case)] == [AlertRaised]


async def test_an_escalated_case_is_told_to_its_new_owner_first(office: Office) -> None:
    await manned(office)
    await office.on_duty("eli", office.street, place="second")
    case = await office.case_opens()
    up = CaseEscalated(
        from_level=office.community, to_level=office.street, reason=EscalationReason.OVERDUE, owner="eli"
    )
    await office.mediation_says(up, case)
    await office.fire(await due(office, case))
    assert await told(office, case) == [(0, "mei"), (0, "eli"), (1, "ana")]


async def test_a_reopened_case_is_never_told_to_who_had_it(office: Office) -> None:
    await manned(office)
    case = await office.case_opens()
    await office.mediation_says(CaseAcknowledged(owner="mei"), case)
    await office.mediation_says(CaseReopened(level=office.community, previous_owner="mei"), case, version=3)
    for _ in range(3):
        await office.fire(await due(office, case))
    assert await told(office, case) == [(0, "mei"), (0, "bao"), (1, "ana")]
    assert (await alerts_of(office, case))[-1].cause is AlertCause.REOPENED


async def test_a_case_that_was_reopened_twice_is_told_to_neither_who_had_it(office: Office) -> None:
    await manned(office)
    case = await office.case_opens()
    for version, had_it in ((2, "mei"), (3, "bao")):
        reopened = CaseReopened(level=office.community, previous_owner=had_it)
        await office.mediation_says(reopened, case, version=version)
    last = (await alerts_of(office, case))[-1]
    for had_it in ("mei", "bao"):
        refused = await office.post(f"alerts/{last.alert}/acknowledge", office.staff("cadre", had_it))
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:doorstep:refused:HadItBefore")
    await office.fire(await due(office, case))
    assert (await told(office, case))[2:] == [(0, "ana")]


async def test_a_reopened_case_that_goes_up_is_not_told_to_who_had_it_either(office: Office) -> None:
    await manned(office)
    case = await office.case_opens()
    await office.mediation_says(CaseReopened(level=office.community, previous_owner="ana"), case)
    await office.on_duty("eli", office.street, place="second")
    await office.case_escalates(case, version=3)
    await office.fire(await due(office, case))
    assert "ana" not in {recipient for _, recipient in await told(office, case)}


async def test_who_had_a_reopened_case_does_not_end_its_chain(office: Office) -> None:
    await manned(office)
    case = await office.case_opens()
    await office.mediation_says(CaseReopened(level=office.community, previous_owner="mei"), case)
    alert = (await alerts_of(office, case))[-1].alert
    refused = await office.post(f"alerts/{alert}/acknowledge", office.staff("cadre", "mei"))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:doorstep:refused:HadItBefore")
    await office.fire(await due(office, case))
    assert (await told(office, case))[-1] == (1, "ana")
    answer = await office.post(f"alerts/{alert}/acknowledge", office.staff("cadre", "bao"))
    assert answer.status_code == 200


async def test_a_case_about_staff_is_neither_told_nor_shown_below_its_level(office: Office) -> None:
    await manned(office)
    case = new_id()
    event = opened(office.street).model_copy(update={"about_staff": True})
    await office.mediation_tells(recorded(event, case, office.street))
    for _ in range(4):
        await office.fire(await due(office, case))
    assert await told(office, case) == [(0, "ana")]
    for role in ("cadre", "mediator", "supervisor"):
        below: list[dict[str, Any]] = await office.alerts(office.staff(role, "mei"), state="all", area="/")
        assert str(case) not in {alert["case_id"] for alert in below}
    [alert] = await office.alerts(office.staff("supervisor", "ana", office.street), state="all", area=office.street)
    refused = await office.post(f"alerts/{alert['alert_id']}/acknowledge", office.staff("cadre", "mei"))
    assert refused.status_code == 404


async def test_two_that_fire_at_once_tell_the_next_once(office: Office) -> None:
    await manned(office)
    case = await office.case_opens()
    at = await due(office, case)
    one, other = (timers(office.service, WITHIN) for _ in range(2))
    await one.fire(at)
    await other.fire(at)
    assert await told(office, case) == [(0, "mei"), (1, "bao")]
