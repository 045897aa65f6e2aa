"""Gatherings over HTTP on a real database: announced, changed, cancelled, held; and people whom nobody knows."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from icalendar import Calendar

from services.chassis.clock import now
from services.chassis.database import scoped
from services.contracts.cases import CaseReported, Channel
from services.contracts.envelope import Recorded
from services.contracts.gatherings import GatheringAnnounced, GatheringKind
from services.intake.consumers import consumers
from services.intake.pages import counter_gatherings
from services.intake.read_models.feeds import GATHERINGS_CONSUMER
from services.intake.retention import Retention
from tests.intake.door import API, AREA, FrontDoor
from tests.services import keyed, staff
from tests.taking import taken_by

MEI = staff("cadre", AREA, subject="mei")
PHONE = "+86 10 7755 4422"
WORDS = "Zxqvy-Marked-5521 a bench where the old people rest"


class Announcer:
    """What one community's gatherings are made with; each test uses gatherings of its own."""

    def __init__(self, door: FrontDoor) -> None:
        self.door = door

    def plan(self, **changed: Any) -> dict[str, Any]:
        begins = now().replace(microsecond=0) + timedelta(days=3)
        plan = {
            "title": "What a will needs",
            "place": "Reading room",
            "starts_at": begins.isoformat(),
            "ends_at": (begins + timedelta(hours=2)).isoformat(),
            "seats": 3,
        }
        return {name: value for name, value in {**plan, **changed}.items() if value is not None}

    async def announce(self, **changed: Any) -> str:
        form = {"community": self.door.community, "kind": "lecture", **self.plan(**changed)}
        answer = await self.door.client.post(f"{API}/gatherings", json=form, headers={**MEI, **keyed()})
        assert answer.status_code == 201, answer.text
        await self.door.project()
        return answer.json()["gathering_id"]

    async def hear_of(self, starts: datetime, ends: str) -> str:
        """One that was announced before there were bounds."""
        gathering = uuid4()
        event = GatheringAnnounced(
            community=UUID(self.door.community),
            kind=GatheringKind.LECTURE,
            title="Open end",
            place="Yard",
            starts_at=starts,
            ends_at=datetime.fromisoformat(ends),
            time_zone="Asia/Shanghai",
        )
        body, kind = event.model_dump_json().encode(), (event.type, event.schema_version)
        recorded = Recorded("intake", gathering, 1, 1, *kind, AREA, body, now(), now(), "key", b"", "mei")
        [gatherings] = [one for one in consumers(self.door.service) if one.name == GATHERINGS_CONSUMER]
        async with self.door.service.worker.begin() as connection:
            await taken_by(gatherings, connection, [recorded])
        return str(gathering)

    async def act(self, gathering: str, act: str, body: Any = None, who: Any = MEI, **headers: str) -> httpx.Response:
        answer = await self.door.client.post(
            f"{API}/gatherings/{gathering}/{act}", json=body, headers={**keyed(), **who, **headers}
        )
        await self.door.project()
        return answer

    async def sign_up(self, gathering: str, **form: Any) -> httpx.Response:
        return await self.act(gathering, "sign-up", form, {})

    async def sign_off(self, gathering: str, words: str) -> httpx.Response:
        return await self.act(gathering, "sign-off", None, {"Doorstep-Sign-Up": words})

    async def read(self, gathering: str) -> dict[str, Any]:
        return (await self.door.client.get(f"{API}/gatherings/{gathering}")).json()

    async def calendar(self) -> dict[str, Any]:
        """The events of the community's feed, as a calendar reads them, by their UID."""
        answer = await self.door.client.get(f"/gatherings/feed/{self.door.community}.ics")
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        feed = Calendar.from_ical(answer.content)
        assert feed["METHOD"] == "PUBLISH"
        return {str(event["UID"]): event for event in feed.events}

    async def sealed(self, gathering: str) -> int:
        async with self.door.service.worker.connect() as connection:
            found = await connection.exec_driver_sql(
                "SELECT count(*) FROM particulars WHERE stream_id = $1", (UUID(gathering),)
            )
            return found.scalar_one()


@pytest.fixture
async def announcer(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> Announcer:
    monkeypatch.setattr(counter_gatherings, "WAIT_SECONDS", 0.02)
    await door.hear_of_places()
    return Announcer(door)


async def test_what_is_announced_everybody_reads(announcer: Announcer, door: FrontDoor) -> None:
    gathering = await announcer.announce()
    listed = (await door.client.get(f"{API}/gatherings", params={"community": door.community})).json()["gatherings"]
    [told] = [one for one in listed if one["gathering_id"] == gathering]
    assert (told["title"], told["place"], told["state"]) == ("What a will needs", "Reading room", "announced")
    assert (told["seats"], told["seats_left"], told["time_zone"]) == (3, 3, "Asia/Shanghai")
    page = (await door.client.get("/gatherings")).text
    assert f"/gatherings/{gathering}" in page
    assert f"/gatherings/feed/{door.community}.ics" in page


async def test_announcing_again_under_the_same_key_announces_once(announcer: Announcer, door: FrontDoor) -> None:
    form = {"community": door.community, "kind": "bench", **announcer.plan()}
    headers = {**MEI, **keyed()}
    answers = [await door.client.post(f"{API}/gatherings", json=form, headers=headers) for _ in range(2)]
    assert len({answer.json()["gathering_id"] for answer in answers}) == 1


async def test_a_calendar_follows_a_change_and_a_cancellation(announcer: Announcer) -> None:
    gathering = await announcer.announce()
    uid = f"{gathering}@doorstep"
    first = (await announcer.calendar())[uid]
    assert (first["SEQUENCE"], first["STATUS"], first["SUMMARY"]) == (0, "CONFIRMED", "What a will needs")
    begins = first["DTSTART"].dt
    assert begins.tzinfo is not None
    assert str(begins.tzinfo) == "Asia/Shanghai"

    later = datetime.fromisoformat((await announcer.read(gathering))["starts_at"]) + timedelta(days=1)
    moved = announcer.plan(starts_at=later.isoformat(), ends_at=(later + timedelta(hours=1)).isoformat(), place="Hall")
    assert (await announcer.act(gathering, "change", moved)).status_code == 200
    changed = (await announcer.calendar())[uid]
    assert (changed["SEQUENCE"], changed["STATUS"], changed["LOCATION"]) == (1, "CONFIRMED", "Hall")
    assert changed["DTSTART"].dt.astimezone(UTC) == later.astimezone(UTC)

    await announcer.sign_up(gathering, people=2)
    assert (await announcer.calendar())[uid]["SEQUENCE"] == 1, "who comes is no change of what a calendar shows"
    assert (await announcer.act(gathering, "cancel", {})).status_code == 200
    cancelled = (await announcer.calendar())[uid]
    assert (cancelled["SEQUENCE"], cancelled["STATUS"]) == (2, "CANCELLED")
    assert cancelled["UID"] == first["UID"]


async def test_one_gathering_is_taken_into_a_calendar_with_its_time_zone(announcer: Announcer, door: FrontDoor) -> None:
    gathering = await announcer.announce()
    answer = await door.client.get(f"/gatherings/{gathering}/calendar.ics")
    taken = Calendar.from_ical(answer.content)
    [event] = taken.events
    assert event["UID"] == f"{gathering}@doorstep"
    assert [zone["TZID"] for zone in taken.timezones] == ["Asia/Shanghai"]
    assert str(event["URL"]).endswith(f"/gatherings/{gathering}")


async def test_nobody_need_say_who_they_are_to_come_and_not_to_come(announcer: Announcer) -> None:
    gathering = await announcer.announce()
    came = await announcer.sign_up(gathering, people=2)
    assert came.status_code == 201, came.text
    words = came.json()["words"]
    assert len(words.split()) == 7
    assert (await announcer.read(gathering))["seats_left"] == 1
    assert await announcer.sealed(gathering) == 0
    assert (await announcer.sign_off(gathering, words.upper())).status_code == 200
    assert (await announcer.read(gathering))["seats_left"] == 3
    assert (await announcer.sign_off(gathering, words)).status_code == 200
    assert (await announcer.read(gathering))["seats_left"] == 3, "the seats are given back once"


async def test_signing_up_again_under_the_same_key_shows_the_same_words_and_takes_no_more_seats(
    announcer: Announcer, door: FrontDoor
) -> None:
    gathering, headers = await announcer.announce(), keyed()
    told = [
        (await door.client.post(f"{API}/gatherings/{gathering}/sign-up", json={"people": 1}, headers=headers)).json()
        for _ in range(2)
    ]
    await door.project()
    assert told[0] == told[1]
    assert (await announcer.read(gathering))["seats_left"] == 2


async def test_when_the_seats_are_taken_nobody_else_is_let_down_later(announcer: Announcer) -> None:
    gathering = await announcer.announce()
    await announcer.sign_up(gathering, people=2)
    refused = await announcer.sign_up(gathering, people=2)
    assert refused.status_code == 409
    assert "Seats left: 1" in refused.json()["detail"]
    assert (await announcer.sign_up(gathering, people=1)).status_code == 201


async def test_a_way_to_be_reached_is_sealed_and_goes_with_the_sign_off(announcer: Announcer, door: FrontDoor) -> None:
    gathering = await announcer.announce()
    words = (await announcer.sign_up(gathering, people=1, phone=PHONE)).json()["words"]
    assert await announcer.sealed(gathering) == 1
    async with scoped(door.service.application, ["/"]) as connection:
        stored = await door.service.store.read_stream(connection, UUID(gathering))
    assert not [one for one in stored if PHONE.encode() in one.data]
    await announcer.sign_up(gathering, people=1, language="ug")
    assert await announcer.sealed(gathering) == 1, "nobody is told anything who left no way to be reached"
    await announcer.sign_off(gathering, words)
    assert await announcer.sealed(gathering) == 0


async def test_whoever_dies_after_a_sign_off_leaves_its_contact_to_the_consumer(
    announcer: Announcer, door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathering = await announcer.announce()
    words = (await announcer.sign_up(gathering, people=1, phone=PHONE)).json()["words"]

    async def dies(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as dying:
        dying.setattr("services.intake.gatherings.erase_contact", dies)
        headers = {"Doorstep-Sign-Up": words}
        await door.client.post(f"{API}/gatherings/{gathering}/sign-off", headers=headers)
    assert await announcer.sealed(gathering) == 1
    await door.project()
    assert await announcer.sealed(gathering) == 0


async def test_what_people_left_goes_by_itself_a_week_after_it_was_over(announcer: Announcer, door: FrontDoor) -> None:
    gathering = await announcer.announce()
    await announcer.sign_up(gathering, people=1, phone=PHONE)
    ends = datetime.fromisoformat((await announcer.read(gathering))["ends_at"])
    retention = Retention(door.app.state.door)
    await retention.let_contacts_go(ends + timedelta(days=6))
    assert await announcer.sealed(gathering) == 1
    await retention.let_contacts_go(ends + timedelta(days=8))
    assert await announcer.sealed(gathering) == 0


@pytest.mark.parametrize("words", ["", "not these words", "babab " * 7, "x" * 300])
async def test_wrong_words_sign_nobody_off_and_leave_nothing(announcer: Announcer, door: FrontDoor, words: str) -> None:
    gathering = await announcer.announce()
    before = await door.stored()
    answer = await announcer.sign_off(gathering, words)
    assert answer.status_code == 409
    assert "check each of the seven" in answer.json()["detail"]
    assert await door.stored() == before


async def test_what_is_not_there_is_called_by_its_name(announcer: Announcer, door: FrontDoor) -> None:
    nowhere, where = str(uuid4()), f"{API}/gatherings"
    gathering = await announcer.announce()
    told = {
        "There is no such gathering": [
            await door.client.get(f"{where}/{nowhere}"),
            await announcer.sign_up(nowhere, people=1),
            await announcer.act(nowhere, "cancel", {}),
            await announcer.act(gathering, "cancel", {}, staff("cadre", "/nyc/")),
        ],
        "There is no such community": [
            await door.client.post(
                where,
                json={"community": nowhere, "kind": "lecture", **announcer.plan()},
                headers={**MEI, **keyed()},
            ),
            await door.client.post(
                f"{API}/communities/{nowhere}/keys", json={"scopes": ["report"]}, headers=staff("operator")
            ),
        ],
    }
    for title, answers in told.items():
        for answer in answers:
            assert (answer.status_code, answer.json()["type"]) == (404, "urn:doorstep:unknown")
            assert answer.json()["title"] == title
    answer = await door.client.get(f"{where}/{nowhere}", params={"lang": "zh"})
    assert (answer.json()["title"], answer.json()["detail"]) == ("没有这个活动", "请查看已公布的活动列表。")


async def test_words_of_a_sign_up_open_no_case_and_a_receipt_signs_nobody_off(
    announcer: Announcer, door: FrontDoor
) -> None:
    gathering = await announcer.announce()
    words = (await announcer.sign_up(gathering, people=1)).json()["words"]
    opened = await door.client.get(f"{API}/case", headers={"Doorstep-Receipt": words})
    assert opened.status_code == 404
    receipt = (await door.report())["receipt"]
    assert (await announcer.sign_off(gathering, receipt)).status_code == 409
    other = await announcer.announce()
    assert (await announcer.sign_off(other, words)).status_code == 409, "words are of one gathering"


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"title": " "}, 422),
        ({"title": "x" * 121}, 422),
        ({"title": "a\0b"}, 422),
        ({"starts_at": "2026-03-02T10:00:00"}, 422),
        ({"ends_at": "9999-12-31T23:59:59-12:00"}, 422),
        ({"seats": 0}, 422),
        ({"starts_at": "2020-03-02T10:00:00Z"}, 409),
        ({"ends_at": "2020-03-02T10:00:00Z"}, 409),
        ({"ends_at": "9999-12-31T23:59:59Z"}, 422),
        ({"ends_at": "9999-12-31T23:00:00-08:00"}, 422),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, 422),
        ({"ends_at": "2199-12-31T23:59:59Z"}, 409),
        ({"starts_at": "2199-12-30T10:00:00Z", "ends_at": "2199-12-30T12:00:00Z"}, 409),
    ],
)
async def test_what_can_t_be_announced_says_why(
    announcer: Announcer, door: FrontDoor, changed: dict[str, Any], status: int
) -> None:
    form = {"community": door.community, "kind": "council", **announcer.plan(**changed)}
    answer = await door.client.post(f"{API}/gatherings", json=form, headers={**MEI, **keyed()})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("ends", ["9999-12-31T23:59:59Z", "9999-12-31T23:00:00-08:00", "2150-01-01T00:00:00Z"])
async def test_one_that_was_announced_without_an_end_spoils_no_page_and_ends(
    announcer: Announcer, door: FrontDoor, ends: str
) -> None:
    began = now() - timedelta(days=1)
    running = await announcer.hear_of(began, ends)
    over = await announcer.hear_of(began - timedelta(days=31), ends)
    ahead = await announcer.hear_of(datetime.fromisoformat(ends) - timedelta(hours=2), ends)
    for path in (
        f"{API}/gatherings",
        "/gatherings",
        *(f"/gatherings/{one}{what}" for one in (running, over, ahead) for what in ("", "/calendar.ics")),
        f"/gatherings/feed/{door.community}.ics",
        "/counter/gatherings",
        f"/counter/gatherings/{ahead}",
    ):
        answer = await door.client.get(path, headers=MEI)
        assert answer.status_code == 200, (path, answer.text)
    listed = (await door.client.get("/gatherings")).text
    assert running in listed
    assert over not in listed, "nobody means to meet for longer than a month"
    assert over in (await door.client.get("/gatherings", params={"past": "true"})).text


async def test_how_many_came_is_told_once_it_has_begun(announcer: Announcer, monkeypatch: pytest.MonkeyPatch) -> None:
    gathering = await announcer.announce()
    assert (await announcer.act(gathering, "hold", {"attendance": 40})).status_code == 409
    begins = datetime.fromisoformat((await announcer.read(gathering))["starts_at"])
    monkeypatch.setattr("services.intake.gatherings.now", lambda: begins)
    assert (await announcer.act(gathering, "hold", {"attendance": 40})).status_code == 200
    told = await announcer.read(gathering)
    assert (told["state"], told["attendance"]) == ("held", 40)


async def test_what_is_voiced_at_a_meeting_is_a_report_of_that_meeting(announcer: Announcer, door: FrontDoor) -> None:
    gathering = await announcer.announce(seats=None)
    asked = await door.client.get("/counter", params={"gathering": gathering}, headers=MEI)
    assert "Voiced at: What a will needs" in asked.text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', asked.text))
    assert (hidden["gathering"], hidden["community"]) == (gathering, door.community)
    form = {**hidden, "about": "neighbourhood", "text": WORDS, "language": "en"}
    entered = await door.client.post("/counter", data={**form, "about": "For the neighbourhood"}, headers=MEI)
    assert entered.status_code == 200
    await door.project()
    page = (await door.client.get(f"/counter/gatherings/{gathering}", headers=MEI)).text
    [case_id] = re.findall(r"/desk/cases/([0-9a-f-]{36})", page)
    async with scoped(door.service.application, ["/"]) as connection:
        [recorded] = await door.service.store.read_stream(connection, UUID(case_id))
    event = recorded.event()
    assert isinstance(event, CaseReported)
    assert (event.gathering, event.channel, recorded.actor) == (UUID(gathering), Channel.MEETING, "mei")
    elsewhere = staff("cadre", "/orchard/")
    refused = await door.client.post("/counter", data={**form, "community": ""}, headers=elsewhere)
    assert refused.status_code == 404


class TestPages:
    async def test_staff_announce_change_cancel_and_count(
        self, announcer: Announcer, door: FrontDoor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        day = (now() + timedelta(days=5)).date().isoformat()
        plan = {"title": "Bench", "place": "Gate 3", "day": day, "begins": "09:30", "ends": "11:00", "seats": ""}
        form = {"community": door.community, "kind": "bench", "key": "k" * 24, **plan}
        missing = await door.client.post("/counter/gatherings", data={**form, "begins": "soon"}, headers=MEI)
        assert missing.status_code == 422
        assert missing.text.count("Write when it begins, like 19:30.") == 2
        endless = await door.client.post("/counter/gatherings", data={**form, "ends": ""}, headers=MEI)
        assert endless.text.count("Write when it ends, like 21:00.") == 2
        assert "Write when it begins" not in endless.text
        for never in ("9999-12-31", "0001-01-01"):
            too_far = await door.client.post("/counter/gatherings", data={**form, "day": never}, headers=MEI)
            assert too_far.status_code == 422
            assert too_far.text.count("Choose a day within the next two years.") == 2
        announced = await door.client.post("/counter/gatherings", data=form, headers=MEI)
        assert announced.status_code == 303, announced.text
        await door.project()
        listed = (await door.client.get("/counter/gatherings", headers=MEI)).text
        gathering = re.findall(r"/counter/gatherings/([0-9a-f-]{36})\"><strong><bdi>Bench<", listed)[0]
        told = await announcer.read(gathering)
        assert told["starts_at"].startswith(f"{day}T01:30:00"), "by the community's clock"
        page = f"/counter/gatherings/{gathering}"

        changed = await door.client.post(f"{page}/change", data={**plan, "place": "Gate 4"}, headers=MEI)
        assert changed.status_code == 303
        await door.project()
        assert "Gate 4" in (await door.client.get(page, headers=MEI)).text
        begins = datetime.fromisoformat(told["starts_at"])
        with monkeypatch.context() as later:
            later.setattr("services.intake.gatherings.now", lambda: begins)
            wrong = await door.client.post(f"{page}/hold", data={"attendance": "many"}, headers=MEI)
            assert wrong.status_code == 422
            held = await door.client.post(f"{page}/hold", data={"attendance": "12"}, headers=MEI)
            assert held.status_code == 303
        await door.project()
        cancelled = await door.client.post(f"{page}/cancel", headers=MEI)
        assert cancelled.status_code == 409
        assert "It was held already" in cancelled.text

    async def test_who_has_to_tell_them_opens_the_contacts_on_record(
        self, announcer: Announcer, door: FrontDoor
    ) -> None:
        gathering = await announcer.announce()
        await announcer.sign_up(gathering, people=1, phone=PHONE)
        page = f"/counter/gatherings/{gathering}"
        assert PHONE not in (await door.client.get(page, headers=MEI)).text
        assert PHONE in (await door.client.post(f"{page}/contacts", headers=MEI)).text
        async with door.service.worker.connect() as connection:
            looks = await connection.exec_driver_sql(
                "SELECT actor, purpose FROM particulars_access WHERE stream_id = $1", (UUID(gathering),)
            )
            assert looks.all() == [("mei", "gathering")]

    async def test_a_mediator_reads_them_and_changes_nothing(self, announcer: Announcer, door: FrontDoor) -> None:
        gathering = await announcer.announce()
        mediator = staff("mediator", AREA)
        page = (await door.client.get(f"/counter/gatherings/{gathering}", headers=mediator)).text
        assert "Cancel it" not in page
        refused = await door.client.post(f"/counter/gatherings/{gathering}/cancel", headers=mediator)
        assert refused.status_code == 403

    async def test_a_resident_signs_up_and_off_without_scripts(self, announcer: Announcer, door: FrontDoor) -> None:
        gathering = await announcer.announce()
        page = f"/gatherings/{gathering}"
        key = re.findall(r'name="key" value="([^"]*)"', (await door.client.get(page)).text)[0]
        for typed, told in (
            ({"people": "many"}, "Say how many come"),
            ({"people": "11"}, "Say how many come"),
            ({"reach": "call me"}, "Write a number in digits"),
        ):
            wrong = await door.client.post(f"{page}/sign-up", data={"key": key, **typed})
            assert (wrong.status_code, wrong.text.count(told)) == (422, 2), told
        came = await door.client.post(f"{page}/sign-up", data={"key": key, "people": "2", "reach": "wu@home.example"})
        words = " ".join(re.findall(r"<b>([a-z]{5})</b>", came.text))
        assert len(words.split()) == 7
        assert "Seats left" not in came.text, "those before it"
        assert "lang=ug" not in came.text, "the words are shown once: no switch leads away from them"
        await door.project()
        assert await announcer.sealed(gathering) == 1
        full = await door.client.post(f"{page}/sign-up", data={"key": f"{key}-2", "people": "2"})
        assert full.status_code == 409
        assert "Seats left: 1" in unescape(full.text)
        off = await door.client.post(f"{page}/sign-off", data={"words": words})
        assert "You are signed off." in off.text
        assert "Seats left" not in off.text, "those before it"
        assert f'href="{page}?lang=ug"' in off.text
        assert await announcer.sealed(gathering) == 0

    async def test_a_form_of_another_site_is_not_taken(self, announcer: Announcer, door: FrontDoor) -> None:
        gathering = await announcer.announce()
        before, foreign = await door.stored(), {"Sec-Fetch-Site": "cross-site"}
        for act in ("sign-up", "sign-off"):
            path = f"/gatherings/{gathering}/{act}"
            answer = await door.client.post(path, data={"key": "k" * 24}, headers=foreign)
            assert answer.status_code == 403
        assert await door.stored() == before

    @pytest.mark.parametrize("act", ["hold", "change", "cancel", "contacts"])
    async def test_a_counters_form_opened_by_hand_leads_to_its_gathering(self, door: FrontDoor, act: str) -> None:
        page = "/counter/gatherings/019a0000-0000-7000-8000-000000000000"
        answer = await door.client.get(f"{page}/{act}")
        assert (answer.status_code, answer.headers["location"]) == (303, page)

    @pytest.mark.parametrize("address", ["", "/calendar.ics", "/sign-up"])
    async def test_what_was_never_announced_is_not_there(self, door: FrontDoor, address: str) -> None:
        path = f"/gatherings/019a0000-0000-7000-8000-000000000000{address}"
        answer = await door.client.get(path, follow_redirects=True)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
