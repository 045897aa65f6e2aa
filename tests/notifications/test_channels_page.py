"""/duty/channels as a browser without scripts uses it: what one says is kept, shown again, tested, forgotten."""

from typing import Any
from uuid import uuid4

import httpx

from tests.intake.door import AREA
from tests.notifications.post_office import PostOffice
from tests.services import staff

PAGE = "/duty/channels"


async def send(post_office: PostOffice, who: dict[str, str], **form: Any) -> httpx.Response:
    return await post_office.client.post(PAGE, headers=who, data=form, follow_redirects=True)


def somebody() -> dict[str, str]:
    return staff("cadre", AREA, subject=f"cadre-{uuid4().hex[:8]}")


async def test_what_one_says_is_kept_and_a_test_message_comes(post_office: PostOffice) -> None:
    who = somebody()
    empty = await post_office.client.get(PAGE, headers=who)
    assert empty.status_code == 200
    assert empty.text.count(" checked") == 3
    said = {"email": "mei@staff.example", "phone": "", "language": "ug", "urgencies": ["urgent"]}
    kept = await send(post_office, who, do="test", **said)
    assert kept.status_code == 200
    assert "A test message is on its way." in kept.text
    assert 'value="mei@staff.example"' in kept.text
    assert kept.text.count(" checked") == 1
    await post_office.send()
    [mail] = post_office.letterbox.mails
    assert (mail["To"], mail["Content-Language"]) == ("mei@staff.example", "ug")


async def test_it_leads_to_the_other_workplaces(post_office: PostOffice) -> None:
    page = await post_office.client.get(PAGE, headers=somebody())
    assert [there for there in ("desk", "counter", "duty", "board") if f'<li><a href="/{there}"' in page.text] == [
        "desk",
        "counter",
        "duty",
        "board",
    ]
    assert '<a href="/duty" aria-current="true">' in page.text


async def test_what_can_not_be_read_is_said_beside_its_field_and_nothing_is_changed(post_office: PostOffice) -> None:
    who = somebody()
    await send(post_office, who, do="keep", email="mei@staff.example", language="en")
    wrong = await send(post_office, who, do="keep", email="nowhere", phone="call me", language="en")
    assert wrong.status_code == 422
    assert 'aria-describedby="email-wrong"' in wrong.text
    assert 'aria-describedby="phone-wrong"' in wrong.text
    assert 'value="mei@staff.example"' in (await post_office.client.get(PAGE, headers=who)).text


async def test_it_can_be_forgotten(post_office: PostOffice) -> None:
    who = somebody()
    await send(post_office, who, do="keep", email="mei@staff.example", language="en")
    forgotten = await send(post_office, who, do="forget")
    assert "Forgotten." in forgotten.text
    assert "mei@staff.example" not in forgotten.text


async def test_it_is_no_manager_s_page(post_office: PostOffice) -> None:
    assert (await post_office.client.get(PAGE, headers=staff("manager"))).status_code == 403
    assert (await send(post_office, staff("manager"), do="forget")).status_code == 403
