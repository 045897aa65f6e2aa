"""Who left a way to be reached with a sign-up is told that the gathering is moved or called off, and nothing else."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.chassis.clock import now
from services.contracts.envelope import Recorded
from services.contracts.gatherings import GatheringAnnounced, GatheringCancelled, GatheringKind, GatheringSignedUp
from services.notifications.deliveries.sending import guests_consumer
from services.notifications.read_models.feeds import GUESTS_CONSUMER
from tests.intake.door import AREA
from tests.notifications.office import recorded
from tests.notifications.post_office import API, PUBLIC, PostOffice, body
from tests.services import keyed, staff
from tests.taking import taken_by

MEI = staff("cadre", AREA, subject="mei")
EMAIL, PHONE = "zxqvy.guest@home.example", "+86 10 7755 4422"
OF_INTAKE = "/api/intake/v1"


@dataclass(slots=True)
class Meeting:
    """A lecture that lies ahead, as notifications hears of it."""

    office: PostOffice
    plan: dict[str, Any]
    gathering: str = ""
    told: int = 0

    async def announce(self) -> None:
        form = {"community": self.office.door.community, "kind": "lecture", **self.plan}
        self.gathering = (await self._post("gatherings", form, MEI))["gathering_id"]

    async def sign_up(self, **form: Any) -> str:
        return (await self._post(f"gatherings/{self.gathering}/sign-up", form, {}))["words"]

    async def sign_off(self, words: str) -> None:
        await self._post(f"gatherings/{self.gathering}/sign-off", None, {"Doorstep-Sign-Up": words})

    async def change(self, **changed: Any) -> None:
        self.plan |= changed
        await self._post(f"gatherings/{self.gathering}/change", self.plan, MEI)

    async def cancel(self) -> None:
        await self._post(f"gatherings/{self.gathering}/cancel", {}, MEI)

    async def _post(self, path: str, form: Any, who: dict[str, str]) -> Any:
        answer = await self.office.door.client.post(f"{OF_INTAKE}/{path}", json=form, headers={**keyed(), **who})
        assert answer.is_success, answer.text
        return answer.json()

    async def events(self) -> list[Recorded]:
        """Those that were not told yet."""
        async with self.office.door.service.worker.connect() as connection:
            log = await self.office.door.service.store.read_stream(connection, UUID(self.gathering))
        fresh, self.told = log[self.told :], len(log)
        return fresh

    async def tell(self) -> None:
        consumer = guests_consumer(self.office.settings)
        assert consumer.name == GUESTS_CONSUMER
        events = await self.events()
        async with self.office.service.worker.begin() as connection:
            await taken_by(consumer, connection, events)

    async def states(self) -> list[tuple[str, str, str | None]]:
        return sorted(await self.office.states(self.gathering))


@pytest.fixture
async def meeting(post_office: PostOffice) -> Meeting:
    begins = (now() + timedelta(days=3)).replace(microsecond=0)
    plan = {
        "title": "Zxqvy what a will needs",
        "place": "Zxqvy reading room",
        "starts_at": begins.isoformat(),
        "ends_at": (begins + timedelta(hours=2)).isoformat(),
        "seats": 9,
    }
    one = Meeting(post_office, plan)
    await one.announce()
    return one


async def test_who_left_a_way_to_be_reached_is_told_that_it_is_moved(post_office: PostOffice, meeting: Meeting) -> None:
    await meeting.sign_up(people=2, email=EMAIL, language="en")
    await meeting.sign_up(people=1)
    await meeting.tell()
    await post_office.send()
    assert post_office.letterbox.raw == []
    later = datetime.fromisoformat(meeting.plan["starts_at"]) + timedelta(hours=1)
    await meeting.change(starts_at=later.isoformat())
    await meeting.tell()
    while await post_office.send():
        pass
    [mail] = post_office.letterbox.mails
    assert (mail["To"], mail["Subject"]) == (EMAIL, "A gathering that you signed up for is changed")
    assert f"{PUBLIC}/gatherings/{meeting.gathering}" in body(mail).splitlines()
    assert "it begins on " in body(mail)
    assert await meeting.states() == [("moved", "cancelled", "no_contact"), ("moved", "sent", None)]


async def test_a_gathering_that_is_called_off_is_told_by_short_message_in_the_reader_s_language(
    post_office: PostOffice, meeting: Meeting
) -> None:
    await meeting.sign_up(people=1, phone=PHONE, language="zh")
    await meeting.cancel()
    await meeting.tell()
    await post_office.send()
    [mail] = post_office.letterbox.mails
    assert mail["Content-Language"] == "zh"
    assert "不举行了" in body(mail)


async def test_no_message_and_no_row_names_anybody_or_says_what_it_is_about(
    post_office: PostOffice, meeting: Meeting
) -> None:
    words = await meeting.sign_up(people=1, email=EMAIL)
    await meeting.change(place="Zxqvy hall")
    await meeting.tell()
    await post_office.send()
    [mail] = post_office.letterbox.mails
    del mail["To"]
    said = f"{mail.as_string()} {body(mail)}".casefold()
    assert not [secret for secret in ("zxqvy", *words.split()) if secret.casefold() in said]
    async with post_office.service.worker.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT row_to_json(d)::text FROM delivery d")
        kept = "".join(rows.scalars())
    assert "moved" in kept, "the positive control must be found"
    assert "zxqvy" not in kept.casefold()


async def test_another_title_or_more_seats_are_no_news(post_office: PostOffice, meeting: Meeting) -> None:
    await meeting.sign_up(people=1, email=EMAIL)
    await meeting.change(title="A will", seats=30)
    await meeting.tell()
    assert await meeting.states() == []


async def test_who_signed_off_is_not_told(post_office: PostOffice, meeting: Meeting) -> None:
    before = await meeting.sign_up(people=1, email=EMAIL)
    await meeting.sign_off(before)
    after = await meeting.sign_up(people=1, email=EMAIL)
    await meeting.tell()
    await meeting.cancel()
    await meeting.tell()
    await meeting.sign_off(after)
    await post_office.send()
    assert post_office.letterbox.raw == []
    assert await meeting.states() == [("called_off", "cancelled", "no_contact")]


@pytest.mark.parametrize("at_once", [False, True])
async def test_later_news_speaks_for_what_still_waits(
    post_office: PostOffice, meeting: Meeting, *, at_once: bool
) -> None:
    await meeting.sign_up(people=1, email=EMAIL)
    await meeting.change(place="Hall")
    if not at_once:
        await meeting.tell()
    await meeting.cancel()
    await meeting.tell()
    while await post_office.send():
        pass
    assert post_office.letterbox.subjects == ["A gathering that you signed up for does not take place"]


async def test_a_batch_that_comes_again_tells_nobody_again(post_office: PostOffice, meeting: Meeting) -> None:
    await meeting.sign_up(people=1, email=EMAIL)
    await meeting.cancel()
    for _ in range(2):
        meeting.told = 0
        await meeting.tell()
        await post_office.send()
    assert len(post_office.letterbox.raw) == 1


async def test_what_has_begun_need_not_be_told_any_more(post_office: PostOffice, meeting: Meeting) -> None:
    await meeting.sign_up(people=1, email=EMAIL)
    await meeting.cancel()
    await meeting.tell()
    await post_office.send(datetime.fromisoformat(meeting.plan["starts_at"]) + timedelta(seconds=1))
    assert post_office.letterbox.raw == []
    assert await meeting.states() == [("called_off", "expired", "too_late")]


async def test_staff_see_what_was_refused_and_not_of_whom(post_office: PostOffice, meeting: Meeting) -> None:
    post_office.letterbox.rcpt = lambda _address: "550 no such user"
    await meeting.sign_up(people=1, email=EMAIL)
    await meeting.cancel()
    await meeting.tell()
    await post_office.send()
    seen = await post_office.client.get(f"{API}/deliveries", headers=MEI, params={"case_id": meeting.gathering})
    [told] = seen.json()["deliveries"]
    assert (told["what"], told["state"], told["recipient"]) == ("called_off", "refused", None)


async def test_a_gathering_at_the_end_of_time_is_called_off_like_any_other(post_office: PostOffice) -> None:
    gathering, never = uuid4(), datetime.fromisoformat("9999-12-31T23:00:00-08:00")
    announced = GatheringAnnounced(
        community=uuid4(),
        kind=GatheringKind.LECTURE,
        title="Open end",
        place="Yard",
        starts_at=never - timedelta(hours=2),
        ends_at=never,
        time_zone="Asia/Shanghai",
    )
    happened = (announced, GatheringSignedUp(sign_up=uuid4(), people=1), GatheringCancelled())
    events = [recorded(event, gathering, AREA, version=nth, source="intake") for nth, event in enumerate(happened, 1)]
    async with post_office.service.worker.begin() as connection:
        await taken_by(guests_consumer(post_office.settings), connection, events)
    [(what, state, _)] = await post_office.states(str(gathering))
    assert (what, state) == ("called_off", "waiting")
