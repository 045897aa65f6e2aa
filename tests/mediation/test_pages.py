"""The desk's pages over HTTP on a real database: what stands on them, what their forms do, and who gets none."""

import re
from html import unescape
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx

from services.chassis.auth import Staff
from services.chassis.signin.sessions import Sessions
from services.contracts.registry import UnitRegistered, unit_stream
from services.mediation.read_models.feeds import REGISTRY_CONSUMER
from tests.mediation.happened import EAST, WILLOW_LANE
from tests.mediation.office import Office, recorded
from tests.services import staff

OWN = {"Sec-Fetch-Site": "same-origin"}


class Person:
    """Somebody signed in with a browser that has no scripts."""

    def __init__(self, office: Office, who: Staff, cookies: dict[str, str]) -> None:
        self._office, self.who, self._cookies = office, who, cookies

    async def get(self, path: str) -> httpx.Response:
        return await self._send("GET", path)

    async def post(self, path: str, fields: dict[str, str], headers: dict[str, str] = OWN) -> httpx.Response:
        return await self._send("POST", path, fields, headers)

    async def page(self, case: UUID) -> str:
        answer = await self.get(f"/desk/cases/{case}")
        assert answer.status_code == 200, answer.text
        return answer.text

    async def act(self, case: UUID, act: str, *, on: str | None = None, **fields: str) -> httpx.Response:
        """Fill in the form of `act` as it stands on the page, or on an earlier page, and send it."""
        page = on or await self.page(case)
        return await self.post(f"/desk/cases/{case}/{act}", {**hidden(page, f"/desk/cases/{case}/{act}"), **fields})

    async def _send(
        self, method: str, path: str, fields: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return await self._office.client.request(
            method, path, data=fields, headers={"Cookie": cookie, **(headers or {})}
        )


async def signed_in(office: Office, role: str, *areas: str, subject: str) -> Person:
    who = Staff(subject, frozenset({role}), areas)
    sessions = Sessions("mediation", office.service.worker)
    return Person(office, who, {sessions.cookie: await sessions.begin(who), "doorstep-lang": "en"})


async def mei_at(office: Office) -> Person:
    return await signed_in(office, "cadre", WILLOW_LANE, subject="mei")


def hidden(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to `action`."""
    form = page.split(f'action="{action}"', 1)[1].split("</form>", 1)[0]
    return {
        unescape(name): unescape(value)
        for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form)
    }


def acts_on(page: str) -> list[str]:
    return re.findall(r'data-act="(\w+)"', page)


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


async def with_unit(office: Office, unit: str = "water") -> None:
    event = UnitRegistered(unit=unit, area=EAST, name="Water company")
    await office.told(REGISTRY_CONSUMER, recorded(event, unit_stream(unit), EAST, source="mediation"))


async def test_the_list_shows_what_is_due_and_whose_it_is(office: Office) -> None:
    mei = await mei_at(office)
    [case] = await office.report()
    page = (await mei.get("/desk")).text
    row = next(row for row in page.split('class="row"') if str(case) in row)
    assert "Water leak" in row
    assert "A place" in row
    assert "nobody" in row
    assert "why?" in row
    taken = await mei.act(case, "acknowledge")
    assert (taken.status_code, taken.headers["Location"]) == (303, f"/desk/cases/{case}?done=acknowledge")
    await office.project()
    assert str(case) in (await mei.get("/desk?whose=mine")).text
    assert str(case) not in (await mei.get("/desk?whose=nobodys")).text
    assert str(case) not in (await mei.get("/desk?state=dispatched")).text
