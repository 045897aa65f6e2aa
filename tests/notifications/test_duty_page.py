"""/duty over HTTP, as a browser without scripts uses it, by the session of who signed in."""

import re
from datetime import datetime, timedelta
from html import unescape
from uuid import UUID, uuid4

import httpx
import pytest

from services.chassis.clock import now
from services.contracts.alerts import AlertAcknowledged
from services.contracts.cases import Urgency
from services.contracts.duty import DutyLeft, DutyPlace, DutyTaken, duty_stream
from services.contracts.registry import CommunityRegistered, community_stream
from services.notifications.read_models.feeds import DUTY_CONSUMER
from tests.notifications.office import STALE_AFTER, Office, recorded

COOKIE = "__Host-doorstep-notifications"
OWN = {"Sec-Fetch-Site": "same-origin", "Origin": "http://doorstep.test"}


class Browser:
    """Shows pages and sends their forms, with a cookie and nothing else."""

    def __init__(self, office: Office, session: str) -> None:
        self._office = office
        self.cookie = {"Cookie": f"{COOKIE}={session}"}

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self._office.client.get(path, headers={**self.cookie, **headers})

    async def page(self, path: str = "/duty") -> str:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def send(
        self, html: str, action: str, *, more: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        form = re.search(rf'<form method="post" action="{action}".*?</form>', html, re.DOTALL)
        assert form, f"no form for {action}"
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0])) | (more or {})
        answer = await self._office.client.post(action, data=fields, headers={**self.cookie, **OWN, **(headers or {})})
        await self._office.project()
        return answer


async def browser(office: Office, subject: str = "mei", role: str = "cadre", area: str | None = None) -> Browser:
    return Browser(office, await office.signed_in(subject, role, area))


async def test_it_tells_who_is_on_duty_until_when_and_who_is_next(office: Office) -> None:
    mei = await browser(office)
    assert "Nobody is on duty." in await mei.page()
    await office.on_duty("mei", office.community, until=(now() + timedelta(hours=8)).isoformat())
    await office.on_duty("bao", office.community, place="second")
    html = await mei.page()
    desk = html[html.index('id="desk"') :]
    assert re.search(r"<bdi>mei</bdi>.*until <time.*Then.*<bdi>bao</bdi>.*second", desk, re.DOTALL)


async def test_it_leads_to_the_other_workplaces(office: Office) -> None:
    html = await (await browser(office)).page()
    assert re.findall(r'<li><a href="(/\w+)"( aria-current="true")?>', html) == [
        ("/desk", ""),
        ("/counter", ""),
        ("/duty", ' aria-current="true"'),
        ("/board", ""),
    ]


async def test_going_on_duty_and_off_takes_no_script(office: Office) -> None:
    mei, stream = await browser(office), duty_stream(office.community)
    taken = await mei.send(await mei.page(), "/duty/take", more={"place": "second", "hours": "4"})
    assert (taken.status_code, taken.headers["location"].split("?")[0]) == (303, "/duty")
    [event] = await office.events_of(stream)
    assert isinstance(event, DutyTaken)
    assert (event.cadre, event.place) == ("mei", DutyPlace.SECOND)
    assert event.until is not None
    assert abs(event.until - now() - timedelta(hours=4)) < timedelta(minutes=1)
    left = await mei.send(await mei.page(taken.headers["location"]), "/duty/leave")
    assert left.status_code == 303
    assert (await office.events_of(stream))[1:] == [
        DutyLeft(area=office.community, cadre="mei", place=DutyPlace.SECOND)
    ]


async def test_a_form_sent_twice_does_its_work_once(office: Office) -> None:
    mei = await browser(office)
    html = await mei.page()
    for _ in range(2):
        assert (await mei.send(html, "/duty/take", more={"hours": "4"})).status_code == 303
    assert len(await office.events_of(duty_stream(office.community))) == 1


async def test_others_are_put_on_duty_by_those_who_keep_the_roster(office: Office) -> None:
    mei, ana = await browser(office), await browser(office, "ana", "supervisor", office.street)
    html = await mei.page()
    assert 'name="cadre"' not in html
    refused = await mei.send(html, "/duty/take", more={"cadre": "bao"})
    assert refused.status_code == 403
    html = await ana.page(f"/duty?area={office.community}")
    assert (await ana.send(html, "/duty/take", more={"cadre": "bao"})).status_code == 303
    assert [
        one.cadre for one in await office.events_of(duty_stream(office.community)) if isinstance(one, DutyTaken)
    ] == ["bao"]


async def test_alerts_are_cards_urgent_first_each_with_one_button(office: Office) -> None:
    await office.on_duty("mei", office.community)
    ordinary = await office.case_opens(urgency=Urgency.ORDINARY)
    urgent = await office.case_opens()
    html = await (await browser(office)).page()
    cards = re.findall(r'<li class="card.*?</li>', html, re.DOTALL)
    assert [re.findall(r'id="case-([\w-]+)"', card) for card in cards] == [[str(urgent)], [str(ordinary)]]
    assert ["Urgent" in card for card in cards] == [True, False]
    for case, card in zip((urgent, ordinary), cards, strict=True):
        assert card.count("<button") == 1
        assert f'href="/desk/cases/{case}"' in card
        assert "For you" in card


@pytest.mark.parametrize(("language", "called"), [("en", "Water leak"), ("zh", "漏水"), ("ug", "سۇ ئېقىش")])
async def test_a_card_names_its_category_in_the_reader_s_language(office: Office, language: str, called: str) -> None:
    await office.case_opens()
    html = await (await browser(office)).page(f"/duty?lang={language}")
    assert f"<bdi>{called}</bdi>" in html
    assert "water leak" not in html


async def test_i_take_it(office: Office) -> None:
    await office.on_duty("mei", office.community)
    case = await office.case_opens()
    mei, bao = await browser(office), await browser(office, "bao")
    [alert] = await office.alerts()
    html, action = await bao.page(), f"/duty/alerts/{alert['alert_id']}/take"
    assert (await mei.send(await mei.page(), action)).status_code == 303
    assert f"case-{case}" not in await mei.page()
    assert (await office.events_of(case))[-1] == AlertAcknowledged(
        alert=UUID(alert["alert_id"]), by="mei", level=office.community
    )
    late = await bao.send(html, action)
    assert late.status_code == 409
    assert "mei has answered this alert" in late.text
    scripted = await bao.send(html, action, headers={"Doorstep-Scripted": "1"})
    assert (scripted.status_code, scripted.headers["content-type"]) == (409, "text/plain; charset=utf-8")


async def test_a_refused_page_is_offered_in_other_languages_where_it_lies(office: Office) -> None:
    mei = await browser(office)
    await office.on_duty("mei", office.community)
    html = await mei.page()
    await office.on_duty("bao", office.community)
    refused = await mei.send(html, "/duty/leave")
    assert refused.status_code == 409
    [link] = re.findall(r'href="([^"]*)" lang="zh"', refused.text)
    answer = await mei.get(unescape(link))
    assert (answer.status_code, '<html lang="zh"' in answer.text, "<bdi>A place</bdi>" in answer.text) == (
        200,
        True,
        True,
    )


async def test_a_script_is_told_the_position_instead_of_a_page(office: Office) -> None:
    mei = await browser(office)
    answer = await mei.send(await mei.page(), "/duty/take", headers={"Doorstep-Scripted": "1"})
    assert (answer.status_code, answer.text) == (204, "")
    position = answer.headers["Doorstep-Position"]
    assert position == f"notifications:{duty_stream(office.community)}:1"
    part = await mei.get(f"/duty/desk?area={office.community}")
    assert part.text.lstrip().startswith('<section id="desk"')


async def test_a_form_from_elsewhere_is_not_taken(office: Office) -> None:
    case = await office.case_opens()
    mei = await browser(office)
    html, [alert] = await mei.page(), await office.alerts()
    action = f"/duty/alerts/{alert['alert_id']}/take"
    assert (await mei.send(html, action, more={"csrf": "guessed"})).status_code == 403
    assert (await mei.send(html, action, headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert len(await office.events_of(case)) == 1


@pytest.mark.parametrize("path", ["", "/desk", "/waiting", "/events"])
async def test_another_area_is_not_there(office: Office, path: str) -> None:
    mei = await browser(office)
    answer = await mei.get(f"/duty{path}?area={office.street}")
    assert (answer.status_code, "There is no such area" in answer.text, "To the duty page" in answer.text) == (
        404,
        True,
        True,
    )


async def test_alerts_and_desks_of_other_areas_cant_be_touched(office: Office) -> None:
    await office.case_opens()
    [alert] = await office.alerts()
    far = await browser(office, "far", area=f"{office.street}far/")
    csrf = re.search(r'name="csrf" value="([^"]+)"', await far.page())
    assert csrf
    headers = {**far.cookie, **OWN}
    fields = {"csrf": csrf[1], "area": office.community, "key": "k" * 20}
    for action in (f"alerts/{alert['alert_id']}/take", f"alerts/{uuid4()}/take", "take", "leave"):
        answer = await office.client.post(f"/duty/{action}", data=fields, headers=headers)
        assert answer.status_code == 404, action
    assert await office.events_of(duty_stream(office.community)) == []


@pytest.mark.parametrize("address", ["take", "leave", "alerts/{alert}/take"])
async def test_a_forms_address_opened_by_hand_leads_to_the_page(office: Office, address: str) -> None:
    answer = await office.client.get(f"/duty/{address.format(alert=uuid4())}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/duty")


async def test_nobody_sees_it_without_signing_in(office: Office) -> None:
    answer = await office.client.get("/duty")
    assert (answer.status_code, answer.headers["location"]) == (303, "/duty/sign-in?next=%2Fduty")
    stream = await office.client.get(f"/duty/events?area={office.community}", headers={"Accept": "text/event-stream"})
    assert stream.status_code == 401
    manager = await browser(office, "max", "manager")
    assert (await manager.get("/duty")).status_code == 403


async def test_what_came_too_late_is_a_number_beside_the_list(office: Office) -> None:
    for _ in range(3):
        await office.case_opens(at=now() - STALE_AFTER - timedelta(minutes=1))
    assert "3 cases came too late" in await (await browser(office)).page()


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "9" * 19])
async def test_a_wrong_mark_names_the_field(office: Office, after: str) -> None:
    for path in ("/duty/events", "/api/notifications/v1/alerts:stream"):
        answer = await office.client.get(
            path, headers=office.staff("cadre", "mei"), params={"after": after, "area": "/"}
        )
        assert (answer.status_code, answer.json()["faults"][0]["field"]) == (422, "after")


async def test_a_language_is_chosen_and_the_direction_follows(office: Office) -> None:
    html = await (await browser(office)).page("/duty?lang=ug")
    assert '<html lang="ug" dir="rtl">' in html


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z"])
async def test_a_shift_beyond_every_calendar_leaves_the_page_standing(office: Office, until: str) -> None:
    """From before an end had bounds: it is in the log for good."""
    community = community_stream(office.community)
    registered = CommunityRegistered(
        community=community, area=office.community, name="Willow Lane", time_zone="Asia/Shanghai"
    )
    await office.told(DUTY_CONSUMER, recorded(registered, community, office.community))
    taken = DutyTaken(area=office.community, cadre="bao", until=datetime.fromisoformat(until))
    desk = duty_stream(office.community)
    await office.told(DUTY_CONSUMER, recorded(taken, desk, office.community, source="notifications"))
    assert "<bdi>bao</bdi>" in await (await browser(office)).page()
