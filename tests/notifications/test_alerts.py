"""The list of alerts and the answers to them, over HTTP on a real database."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.clock import now
from services.chassis.database import scoped
from services.contracts.alerts import AlertAcknowledged
from services.contracts.cases import (
    CaseAcknowledged,
    CaseClosed,
    CaseMerged,
    CaseReopened,
    CaseResolved,
    Closure,
    Resolution,
)
from services.contracts.event import Event
from services.notifications.read_models.alert_list import Wanted, alerts_of
from services.notifications.read_models.late_cases import late_cases_since
from services.notifications.read_models.raised_alerts import case_of
from tests.notifications.office import STALE_AFTER, Office
from tests.services import keyed, staff


async def test_an_alert_tells_where_and_how_soon_and_nothing_else(office: Office) -> None:
    await office.on_duty("mei", office.community)
    case = await office.case_opens()
    [alert] = await office.alerts()
    assert alert == {
        "alert_id": alert["alert_id"],
        "case_id": str(case),
        "link": f"/desk/cases/{case}",
        "reference": "WL-7",
        "kind": "fault",
        "category": "water-leak",
        "area": office.community,
        "urgency": "urgent",
        "cause": "opened",
        "level": office.community,
        "recipient": "mei",
        "step": 0,
        "raised_at": alert["raised_at"],
        "answer_by": alert["answer_by"],
        "open": True,
        "state": "waiting",
        "answered_by": None,
        "answered_at": None,
    }


async def test_the_recipient_answers_and_the_alert_is_open_no_more(office: Office) -> None:
    await office.on_duty("mei", office.community)
    case = await office.case_opens()
    [alert] = await office.alerts()
    key, mei = keyed(), office.staff("cadre", "mei")
    answer = await office.post(f"alerts/{alert['alert_id']}/acknowledge", mei, key=key)
    assert answer.json() == {"alert_id": alert["alert_id"], "case_id": str(case), "version": 2}
    assert answer.headers["Doorstep-Position"] == f"notifications:{case}:2"
    again = await office.post(f"alerts/{alert['alert_id']}/acknowledge", mei, key=key)
    assert (again.status_code, again.json()) == (200, answer.json())

    assert await office.alerts() == []
    [answered] = await office.alerts(state="all")
    assert (answered["open"], answered["answered_by"]) == (False, "mei")
    assert answered["answered_at"] is not None


async def test_somebody_else_who_may_see_the_area_answers_and_is_named(office: Office) -> None:
    await office.on_duty("mei", office.community)
    case = await office.case_opens()
    [alert] = await office.alerts()
    answer = await office.post(
        f"alerts/{alert['alert_id']}/acknowledge", office.staff("supervisor", "ana", office.street)
    )
    assert answer.status_code == 200
    assert AlertAcknowledged(alert=alert["alert_id"], by="ana", level=office.community) in await office.events_of(case)
    late = await office.post(f"alerts/{alert['alert_id']}/acknowledge", office.staff("cadre", "mei"))
    assert (late.status_code, late.json()["type"]) == (409, "urn:doorstep:refused:AlreadyAnswered")


async def test_a_newer_alert_of_the_case_takes_the_place_of_the_last(office: Office) -> None:
    await office.on_duty("ana", office.street)
    case = await office.case_opens()
    [first] = await office.alerts()
    await office.case_escalates(case)
    [second] = await office.alerts(state="all")
    assert (second["cause"], second["level"], second["open"]) == ("escalated", office.street, True)
    answer = await office.post(f"alerts/{first['alert_id']}/acknowledge", office.staff("cadre", "mei"))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:doorstep:refused:Superseded")


RESOLVED = CaseResolved(
    resolution=Resolution.EXPLAINED, resolved_on=date(2026, 3, 2), explanation=uuid4(), language="en"
)


ENDS = [CaseAcknowledged(owner="bao"), RESOLVED, CaseClosed(closure=Closure.WITHDRAWN), CaseMerged(into=uuid4())]


@pytest.mark.parametrize("event", ENDS, ids=lambda event: event.type)
async def test_who_looks_after_the_case_itself_ends_its_alert(office: Office, event: Event) -> None:
    case = await office.case_opens()
    [alert] = await office.alerts()
    await office.mediation_says(event, case)
    assert await office.alerts() == []
    late = await office.post(f"alerts/{alert['alert_id']}/acknowledge", office.staff("cadre", "mei"))
    assert (late.status_code, late.json()["type"]) == (409, "urn:doorstep:refused:LookedAfter")
    await office.mediation_says(CaseReopened(level=office.community), case, version=3)
    assert [one["cause"] for one in await office.alerts()] == ["reopened"]


async def test_mine_are_those_for_me_and_for_a_supervisor_those_for_nobody(office: Office) -> None:
    nobodys = await office.case_opens()
    await office.on_duty("mei", office.community)
    meis = await office.case_opens()
    await office.on_duty("ana", office.community)
    anas = await office.case_opens()

    async def mine(who: dict[str, str]) -> set[str]:
        return {alert["case_id"] for alert in await office.alerts(who, mine=True)}

    assert await mine(office.staff("cadre", "mei")) == {str(meis)}
    assert await mine(office.staff("supervisor", "ana", office.street)) == {str(nobodys), str(anas)}
    assert len(await office.alerts(office.staff("cadre", "mei"))) == 3


async def test_pages_hold_every_alert_once_newest_first(office: Office) -> None:
    cases = [str(await office.case_opens()) for _ in range(5)]
    seen: list[str] = []
    query: dict[str, Any] = {"area": office.city, "limit": 2}
    for _ in range(4):
        page = await office.get("alerts", office.operator, **query)
        seen += [alert["case_id"] for alert in page["alerts"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert seen == cases[::-1]


async def test_alerts_of_another_area_are_not_there(office: Office) -> None:
    await office.case_opens()
    [alert] = await office.alerts()
    elsewhere = office.staff("cadre", "far", f"{office.street}other/")
    assert await office.alerts(elsewhere) == []
    answer = await office.post(f"alerts/{alert['alert_id']}/acknowledge", elsewhere)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:doorstep:unknown-alert")
    nowhere = await office.post(f"alerts/{uuid4()}/acknowledge", office.staff("cadre", "mei"))
    assert (nowhere.status_code, nowhere.json()) == (404, answer.json())


async def test_areas_are_kept_apart_by_the_query_as_well_as_by_the_database(office: Office) -> None:
    case = await office.case_opens(at=now() - 2 * STALE_AFTER)
    await office.case_escalates(case)
    [alert] = await office.alerts()
    inside, outside = [office.street], [f"{office.street}other/"]
    alert_id = UUID(alert["alert_id"])

    async def seen(connection: AsyncConnection, areas: list[str]) -> list[bool]:
        return [
            bool(await alerts_of(connection, areas, Wanted(), None, 10)),
            bool(await case_of(connection, areas, alert_id)),
            bool(await late_cases_since(connection, areas, date(1970, 1, 1))),
        ]

    async with office.service.worker.connect() as all_rows:
        assert await seen(all_rows, inside) == [True, True, True]
        assert await seen(all_rows, outside) == [False, False, False]
    async with scoped(office.service.application, inside) as in_scope:
        assert await seen(in_scope, ["/"]) == [True, True, True]
    async with scoped(office.service.application, outside) as out_of_scope:
        assert await seen(out_of_scope, ["/"]) == [False, False, False]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "closed"}, "state"),
        ({"mine": "perhaps"}, "mine"),
        ({"area": "lakeside"}, "area"),
        ({"after": "bm9uc2Vuc2U"}, "after"),
        ({"after": "é"}, "after"),
        ({"limit": 501}, "limit"),
    ],
)
async def test_a_wrong_question_names_the_field(office: Office, query: dict[str, Any], field: str) -> None:
    answer = await office.client.get("/api/notifications/v1/alerts", headers=office.operator, params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [fault["field"] for fault in answer.json()["faults"]] == [field]


async def test_a_key_is_asked_for_and_serves_one_answer_only(office: Office) -> None:
    await office.case_opens()
    await office.case_opens()
    one, other = await office.alerts()
    key, mei = keyed(), office.staff("cadre", "mei")
    missing = await office.client.post(f"/api/notifications/v1/alerts/{one['alert_id']}/acknowledge", headers=mei)
    assert (missing.status_code, missing.json()["faults"][0]["field"]) == (422, "Idempotency-Key")
    await office.post(f"alerts/{one['alert_id']}/acknowledge", mei, key=key)
    reused = await office.post(f"alerts/{other['alert_id']}/acknowledge", mei, key=key)
    assert (reused.status_code, reused.json()["type"]) == (422, "urn:doorstep:key-reused")


@pytest.mark.parametrize("role", ["manager", "operator"])
async def test_only_who_works_on_cases_answers(office: Office, role: str) -> None:
    await office.case_opens()
    [alert] = await office.alerts()
    answer = await office.post(f"alerts/{alert['alert_id']}/acknowledge", staff(role))
    assert answer.status_code == 403


async def test_nobody_reads_without_a_token(office: Office) -> None:
    for path in ("alerts", "duty?area=/"):
        assert (await office.client.get(f"/api/notifications/v1/{path}")).status_code == 401
        manager = await office.client.get(f"/api/notifications/v1/{path}", headers=staff("manager"))
        assert manager.status_code == 403
