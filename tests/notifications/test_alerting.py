"""Who is told of a case: on a real database, with the others' events told by hand."""

from datetime import timedelta
from uuid import UUID

from services.chassis.clock import now
from services.chassis.ids import new_id
from services.contracts.alerts import AlertCause, AlertRaised
from services.contracts.cases import CaseAcknowledged, CaseAssigned, CaseReopened
from services.notifications.read_models.feeds import ALERTS_CONSUMER
from tests.notifications.office import STALE_AFTER, Office, escalated, opened, recorded


async def raised(office: Office, case: UUID) -> list[AlertRaised]:
    return [event for event in await office.events_of(case) if isinstance(event, AlertRaised)]


async def test_a_new_case_alerts_who_is_on_duty_there(office: Office) -> None:
    await office.on_duty("ana", office.street)
    await office.on_duty("mei", office.community)
    [alert] = await raised(office, await office.case_opens())
    assert (alert.cause, alert.level, alert.recipient) == (AlertCause.OPENED, office.community, "mei")
    assert (alert.reference, alert.category) == ("WL-7", "water-leak")


async def test_an_empty_desk_is_answered_for_by_the_next_above(office: Office) -> None:
    await office.on_duty("boss", office.city)
    await office.on_duty("mei", office.community)
    await office.post("duty:leave", office.operator, {"area": office.community, "cadre": "mei"})
    [alert] = await raised(office, await office.case_opens())
    assert (alert.level, alert.recipient) == (office.community, "boss")


async def test_with_nobody_up_to_the_root_the_alert_has_no_recipient(office: Office) -> None:
    [alert] = await raised(office, await office.case_opens())
    assert alert.recipient is None


async def test_an_escalated_case_alerts_the_level_above(office: Office) -> None:
    await office.on_duty("mei", office.community)
    await office.on_duty("ana", office.street)
    case = await office.case_opens()
    await office.case_escalates(case)
    _, alert = await raised(office, case)
    assert (alert.cause, alert.level, alert.recipient) == (AlertCause.ESCALATED, office.street, "ana")
    assert (alert.reference, alert.category) == ("WL-7", "water-leak")


async def test_a_case_that_is_given_on_alerts_who_is_to_acknowledge_it(office: Office) -> None:
    await office.on_duty("mei", office.community)
    case = await office.case_opens()
    await office.mediation_says(CaseAssigned(owner="mei"), case)
    await office.mediation_says(CaseAcknowledged(owner="mei"), case, version=3)
    await office.mediation_says(CaseAssigned(owner="bao", level=office.community), case, version=4)
    opening, alert = await raised(office, case)
    assert opening.cause is AlertCause.OPENED, "its first owner is told of it by that"
    assert (alert.cause, alert.level, alert.recipient) == (AlertCause.ASSIGNED, office.community, "bao")


async def test_in_danger_the_protection_desk_is_told_first_and_again_when_it_is_reopened(office: Office) -> None:
    await office.on_duty("mei", office.community)
    case, danger = new_id(), {"danger": True, "protection": "safe"}
    await office.mediation_says(opened(office.community).model_copy(update=danger), case, version=1)
    await office.mediation_says(CaseReopened(level=office.community, previous_owner="bao"), case)
    assert [alert.recipient for alert in await raised(office, case)] == ["safe", "safe"]
    await office.mediation_says(CaseReopened(level=office.community, previous_owner="safe"), case, version=3)
    assert (await raised(office, case))[-1].recipient == "mei"


async def test_the_same_event_again_alerts_nobody(office: Office) -> None:
    case = new_id()
    told = recorded(opened(office.community), case, office.community)
    await office.told(ALERTS_CONSUMER, told)
    await office.on_duty("mei", office.community)
    await office.told(ALERTS_CONSUMER, told)
    assert len(await raised(office, case)) == 1


async def test_opened_and_escalated_in_one_batch_are_both_told(office: Office) -> None:
    case = new_id()
    await office.mediation_tells(
        recorded(opened(office.community), case, office.community),
        recorded(escalated(office.community, office.street), case, office.community, version=2),
    )
    assert [alert.level for alert in await raised(office, case)] == [office.community, office.street]


async def test_imported_history_alerts_nobody_until_staff_of_today_escalate_it(office: Office) -> None:
    case = await office.case_opens(imported=True)
    assert await raised(office, case) == []
    await office.case_escalates(case)
    [alert] = await raised(office, case)
    assert (alert.cause, alert.reference) == (AlertCause.ESCALATED, "WL-7")


async def test_what_was_answered_at_the_counter_alerts_nobody_until_its_resident_objects(office: Office) -> None:
    await office.on_duty("bao", office.community)
    case, event = new_id(), opened(office.community).model_copy(update={"answered_by": "mei"})
    await office.mediation_tells(recorded(event, case, office.community))
    assert await raised(office, case) == []
    reopened = CaseReopened(level=office.community, previous_owner="mei")
    await office.mediation_says(reopened, case, version=5)
    [alert] = await raised(office, case)
    assert (alert.cause, alert.reference, alert.recipient) == (AlertCause.REOPENED, "WL-7", "bao")


async def test_what_comes_too_late_is_counted_and_alerts_nobody_one_by_one(office: Office) -> None:
    long_ago = now() - STALE_AFTER - timedelta(minutes=1)
    cases = [await office.case_opens(at=long_ago) for _ in range(3)]
    await office.case_escalates(cases[0], at=long_ago)
    for case in cases:
        assert await raised(office, case) == []

    answer = await office.get("alerts", office.staff("supervisor", "ana", office.street))
    assert [(late["area"], late["cases"]) for late in answer["late"]] == [(office.street, 1), (office.community, 3)]
    await office.case_opens()
    first = await office.get("alerts", office.operator, area=office.city, limit=1)
    second = await office.get("alerts", office.operator, area=office.city, limit=1, after=first["next"])
    assert (len(first["late"]) > 0, second["late"]) == (True, [])
    elsewhere = await office.get("alerts", office.staff("supervisor", "far", "/elsewhere/"))
    assert elsewhere["late"] == []


async def test_what_was_alerted_in_time_is_not_late_when_it_comes_again_after_a_restore(office: Office) -> None:
    case = new_id()
    event = recorded(opened(office.community), case, office.community)
    await office.mediation_tells(event)
    long_ago = now() - STALE_AFTER - timedelta(minutes=1)
    await office.told(ALERTS_CONSUMER, event._replace(recorded_at=long_ago))
    answer = await office.get("alerts", office.staff("supervisor", "ana", office.street))
    assert (len(await raised(office, case)), answer["late"]) == (1, [])


async def test_a_late_case_that_is_escalated_today_is_told(office: Office) -> None:
    case = await office.case_opens(at=now() - STALE_AFTER - timedelta(minutes=1))
    await office.case_escalates(case)
    [alert] = await raised(office, case)
    assert alert.level == office.street
