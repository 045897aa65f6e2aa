"""The desk's pages over HTTP on a real database: what stands on them, what their forms do, and who gets none."""

import re
from datetime import timedelta
from html import unescape
from uuid import UUID, uuid4

import httpx
import pytest

from deploy.local.postgres import Dsns
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.signin.sessions import Sessions
from services.contracts.cases import CaseOpened
from services.contracts.registry import UnitRegistered, unit_stream
from services.mediation.read_models.feeds import COMMANDS_CONSUMER, REGISTRY_CONSUMER
from services.mediation.unit_links import UnitLinks
from tests.browser.looking import served
from tests.conftest import Databases
from tests.intake.door import opened_door
from tests.intake.pictures import jpeg
from tests.mediation.happened import EAST, WILLOW_LANE
from tests.mediation.office import Office, opened_office, recorded, reported
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
        where = "#report" if act == "report" else "" if "letter" in page else "#actions"
        sent = hidden(page, f"/desk/cases/{case}/{act}{where}")
        return await self.post(f"/desk/cases/{case}/{act}", {**sent, **fields})

    async def csrf(self) -> str:
        """What a form of this person's pages holds."""
        shown = re.search(r'name="csrf" value="([^"]*)"', (await self.get("/desk")).text)
        assert shown
        return shown[1]

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
    assert (taken.status_code, taken.headers["Location"]) == (303, f"/desk/cases/{case}?done=acknowledge#file")
    await office.project()
    assert str(case) in (await mei.get("/desk?whose=mine")).text
    assert str(case) not in (await mei.get("/desk?whose=nobodys")).text
    assert str(case) not in (await mei.get("/desk?state=dispatched")).text


async def test_a_case_that_is_somebody_s_is_found_by_its_number_or_its_id(office: Office) -> None:
    mei = await mei_at(office)
    [case] = await office.report()
    _list, _, file = (await mei.page(case)).partition('class="file"')
    reference = re.search(r"R-[0-9a-f]{8}", file)
    assert reference
    for sought in (reference[0], str(case)):
        found = await mei.get(f"/desk?find={sought}")
        assert (found.status_code, found.headers.get("Location")) == (303, f"/desk/cases/{case}")
    assert "No case in your areas has this number." in (await mei.get("/desk?find=R-nothing")).text
    far = await signed_in(office, "cadre", "/lakeside/west/", subject="far")
    assert "No case in your areas has this number." in (await far.get(f"/desk?find={reference[0]}")).text


async def test_the_desk_of_an_area_without_cases_says_what_would_be_there(office: Office) -> None:
    nobody = await signed_in(office, "cadre", "/lakeside/east/nowhere/", subject="nia")
    assert "A new report comes here by itself" in text_of((await nobody.get("/desk")).text)
    assert "No case is like that." in text_of((await nobody.get("/desk?whose=mine")).text)


UNTAKEN = ["acknowledge", "write", "resolve", "dispatch", "assign", "escalate", "merge", "decline"]
TAKEN = ["write", "resolve", "dispatch", "mediate", "assign", "escalate", "merge", "decline"]


async def test_a_case_from_taking_it_on_to_its_resolution(office: Office) -> None:
    mei = await mei_at(office)
    [case] = await office.report()
    assert acts_on(await mei.page(case)) == [
        "acknowledge",
        "write",
        "resolve",
        "dispatch",
        "assign",
        "escalate",
        "merge",
        "decline",
    ]
    await mei.act(case, "acknowledge")
    assert acts_on(await mei.page(case)) == [
        "write",
        "resolve",
        "dispatch",
        "mediate",
        "assign",
        "escalate",
        "merge",
        "decline",
    ]
    held = await mei.act(case, "mediate", result="agreed", place="home", note="Both were tired.")
    assert held.status_code == 303
    page = text_of(await mei.page(case))
    assert "mei held a mediation session. They agreed At home" in page
    assert "Your note, which nobody else reads Both were tired." in page

    explanation = "The pipe was mended.\nCall if it drips <again>."
    fields = {"resolution": "mediated", "language": "ug", "explanation": explanation}
    looked = await mei.act(case, "resolve", go="look", **fields)
    assert looked.status_code == 200
    assert "case.resolved" not in await office.types_of(case)
    letter = looked.text.split('class="letter"', 1)[1].split("</div>", 1)[0]
    assert 'lang="ug" dir="rtl"' in letter
    assert "Call if it drips &lt;again&gt;." in letter
    sent = await mei.act(case, "resolve", on=looked.text, go="send", **fields)
    assert sent.headers["Location"] == f"/desk/cases/{case}?done=resolve#file"
    page = await mei.page(case)
    assert acts_on(page) == ["write"]
    assert "Told to the resident The pipe was mended. Call if it drips <again>." in text_of(page)
    assert "The resident can confirm, or ask to have it taken up again." in page


async def test_what_its_reporter_takes_for_the_same_is_proposed_and_merged_by_people(office: Office) -> None:
    mei = await mei_at(office)
    [first] = await office.report()
    [second] = await office.report(same_as=first)
    assert "case.merged" not in await office.types_of(second), "nobody but people merges"
    page = await mei.page(second)
    assert "Its reporter says that it is the same trouble as another case." in text_of(page)
    assert f'<input id="merge-into" name="into" value="{first}"' in page
    assert "Its reporter says" not in text_of(await mei.page(first))
    await mei.act(second, "acknowledge")
    merged = await mei.act(second, "merge", into=str(first))
    assert merged.status_code == 303
    page = text_of(await mei.page(second))
    assert "Its reporter says" not in page
    assert "It is answered with the case that it was merged into." in page


async def test_what_was_written_goes_back_into_its_form_to_be_changed(office: Office) -> None:
    mei = await mei_at(office)
    [case] = await office.report()
    fields = {"resolution": "explained", "language": "zh", "explanation": 'It is "done".'}
    back = await mei.act(case, "resolve", go="back", **fields)
    form = back.text.split('data-act="resolve" open', 1)[1].split("</form>", 1)[0]
    assert "It is &#34;done&#34;.</textarea>" in form
    assert 'value="zh" lang="zh" selected' in form


async def test_every_date_says_why(office: Office) -> None:
    mei = await mei_at(office)
    [case] = await office.report()
    page = await mei.page(case)
    running = page.split('id="promises"', 1)[1].split("</section>", 1)[0]
    assert running.count("why this date?") == 3
    assert "The policy gives 2 hours, by day and by night." in running
    assert "By policy default-1 and calendar cn-2026; a later version does not change this date." in running
    await mei.act(case, "acknowledge")
    assert "1 earlier date" in await mei.page(case)


async def test_the_case_file_of_the_api_says_why_too(office: Office) -> None:
    [case] = await office.report()
    headers = {**staff("cadre", WILLOW_LANE), "Accept-Language": "en"}
    file = (await office.client.get(f"/api/mediation/v1/cases/{case}", headers=headers)).json()
    assert [(promise["rule"], promise["running"]) for promise in file["promises"]] == [
        ("acknowledge", True), ("same-day", True), ("done", True),
    ]  # fmt: skip
    assert "The policy gives 2 hours, by day and by night." in file["promises"][0]["why"]


async def test_who_comes_late_is_told_and_loses_nothing(office: Office) -> None:
    mei, bao = await mei_at(office), await signed_in(office, "cadre", WILLOW_LANE, subject="bao")
    [case] = await office.report()
    before = await mei.page(case)
    await bao.act(case, "acknowledge")
    late = await mei.act(
        case, "resolve", on=before, go="send", resolution="explained", language="en", explanation="Mine."
    )
    assert late.status_code == 412
    assert "Somebody changed the case meanwhile" in late.text
    assert "bao has taken the case on and answers for it." in late.text
    late = await mei.act(case, "assign", on=before, owner="lin")
    assert late.status_code == 412
    assert 'name="owner" list="people" value="lin"' in late.text
    again = await mei.act(case, "assign", on=late.text, owner="lin")
    assert again.status_code == 303


async def test_an_open_page_can_ask_whether_it_still_shows_all(office: Office) -> None:
    mei = await mei_at(office)
    [case] = await office.report()
    shown = re.search(r'data-version="(\d+)"', await mei.page(case))
    assert shown
    assert (await mei.get(f"/desk/cases/{case}/version")).json() == {"version": int(shown[1])}
    await mei.act(case, "acknowledge")
    assert (await mei.get(f"/desk/cases/{case}/version")).json()["version"] > int(shown[1])


async def test_a_refusal_is_told_with_its_way_out(office: Office) -> None:
    mei, bao = await mei_at(office), await signed_in(office, "cadre", WILLOW_LANE, subject="bao")
    [case] = await office.report()
    await mei.act(case, "acknowledge")
    page = await bao.page(case)
    assert "mei has it. To solve it or hand it over yourself, have it given to you first." in text_of(page)
    assert "resolve" not in acts_on(page)
    refused = await bao.post(
        f"/desk/cases/{case}/resolve",
        {**hidden(page, f"/desk/cases/{case}/assign#actions"), "go": "send", "resolution": "explained",
         "language": "en", "explanation": "Done."},
    )  # fmt: skip
    assert refused.status_code == 409
    assert "The case belongs to mei; have it assigned to you first." in text_of(refused.text)


async def test_the_same_form_sent_twice_is_done_once(office: Office) -> None:
    mei = await mei_at(office)
    [case] = await office.report()
    page = await mei.page(case)
    first = await mei.act(case, "assign", on=page, owner="lin")
    again = await mei.act(case, "assign", on=page, owner="lin")
    assert first.headers["Location"] == again.headers["Location"]
    assert await office.types_of(case) == ["case.opened", "case.assigned"]
    other = await mei.act(case, "assign", on=page, owner="bao")
    assert (other.status_code, "with other words" in other.text) == (409, True)


@pytest.mark.parametrize(
    ("act", "fields", "field"),
    [
        ("assign", {"owner": "a b"}, "owner"),
        ("assign", {}, "owner"),
        ("resolve", {"go": "look", "resolution": "explained", "language": "en", "explanation": "  "}, "explanation"),
        ("resolve", {"go": "send", "resolution": "imported", "language": "en", "explanation": "x"}, "resolution"),
        (
            "resolve",
            {"go": "send", "resolution": "explained", "language": "en", "explanation": "x" * 5001},
            "explanation",
        ),
        ("dispatch", {"unit": "nobody"}, "unit"),
        ("merge", {"into": "R-nothing"}, "into"),
    ],
)
async def test_a_field_that_can_t_be_taken_says_so_and_keeps_what_was_typed(
    office: Office, act: str, fields: dict[str, str], field: str
) -> None:
    mei = await mei_at(office)
    [case] = await office.report()
    await with_unit(office)
    answer = await mei.act(case, act, **fields)
    assert answer.status_code == 422
    assert f'href="#{act}-{field}"' in answer.text
    form = answer.text.split(f'data-act="{act}" open', 1)[1].split("</form>", 1)[0]
    assert 'class="fault"' in form
    assert 'aria-invalid="true"' in form
    assert await office.types_of(case) == ["case.opened"]


async def test_merging_names_the_other_case_by_its_number(office: Office) -> None:
    mei = await mei_at(office)
    case, other = await office.report(times=2)
    opened = (await office.events_of(other))[0].event()
    assert isinstance(opened, CaseOpened)
    assert opened.reference
    assert (await mei.act(case, "merge", into=opened.reference)).status_code == 303
    page = await mei.page(case)
    assert f'href="/desk/cases/{other}"' in page
    assert acts_on(page) == ["write"]


class TestWhatTheResidentWrote:
    async def test_it_is_folded_and_nothing_of_it_is_asked_before(self, office: Office) -> None:
        mei = await mei_at(office)
        [case] = await office.report()
        page = text_of(await mei.page(case))
        assert "Opening it is recorded, with your name at sign-in, your role and the reason." in page

    async def test_intake_away_is_said_and_the_rest_of_the_page_stands(self, office: Office) -> None:
        mei = await mei_at(office)
        [case] = await office.report()
        opened = await mei.act(case, "report", purpose="casework")
        assert opened.status_code == 200
        assert "It lies with intake, which does not answer just now." in opened.text
        assert acts_on(opened.text)

    async def test_intake_opens_it_for_the_one_who_looks_and_records_that(
        self, postgres: Databases, mediation_database: Dsns
    ) -> None:
        async with (
            opened_door(postgres) as door,
            served(door.app) as intake_url,
            opened_office(mediation_database, intake_url=intake_url) as office,
        ):
            case = UUID((await door.report(text="A pipe <burst>.", name="Somebody"))["case_id"])
            await office.told(COMMANDS_CONSUMER, recorded(reported(), case))
            mei = await mei_at(office)
            opened = await mei.act(case, "report", purpose="dispatch")
            assert "A pipe &lt;burst&gt;." in opened.text
            assert "Somebody" in opened.text
            assert opened.headers["Cache-Control"] == "no-store"
            assert "burst" not in await mei.page(case), "it is kept nowhere"
            async with door.service.worker.connect() as connection:
                found = await connection.exec_driver_sql(
                    "SELECT actor, role, purpose FROM particulars_access WHERE stream_id = $1", (case,)
                )
                assert [tuple(row) for row in found] == [("mei", "cadre", "dispatch")]

    async def test_photos_are_shown_by_links_to_intake_alone(
        self, postgres: Databases, mediation_database: Dsns
    ) -> None:
        async with (
            opened_door(postgres) as door,
            served(door.app) as intake_url,
            opened_office(mediation_database, intake_url=intake_url) as office,
        ):
            report = await door.report()
            case = UUID(report["case_id"])
            receipt = {"Doorstep-Receipt": report["receipt"]}
            await door.client.post("/api/intake/v1/case:add-photo", content=jpeg(), headers=receipt)
            await office.told(COMMANDS_CONSUMER, recorded(reported(), case))
            mei = await mei_at(office)
            assert "/photos/" not in await mei.page(case), "they are folded with what was written"
            opened = await mei.act(case, "report", purpose="casework")
            [link], [thumbnail] = (
                re.findall(pattern, opened.text) for pattern in (r'href="(/photos/[^"]+)"', r'src="(/photos/[^"]+)"')
            )
            assert (await office.client.get(thumbnail)).status_code == 404, "no picture lies here"
            looks = "SELECT count(*) FROM particulars_access WHERE stream_id = $1"
            async with door.service.worker.connect() as connection:
                assert (await connection.exec_driver_sql(looks, (case,))).scalar_one() == 1, "what was written"
            for picture in (thumbnail, link):
                assert (await door.client.get(picture)).headers["Content-Type"] == "image/jpeg"
            async with door.service.worker.connect() as connection:
                assert (await connection.exec_driver_sql(looks, (case,))).scalar_one() == 2, "and the photo"


class TestWhoMay:
    async def test_nobody_is_sent_to_sign_in(self, office: Office) -> None:
        [case] = await office.report()
        for path in ("/desk", f"/desk/cases/{case}"):
            answer = await office.client.get(path)
            assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/desk/sign-in")

    async def test_a_case_of_another_area_is_not_there(self, office: Office) -> None:
        far = await signed_in(office, "cadre", "/lakeside/west/", subject="far")
        [case] = await office.report()
        csrf = await far.csrf()
        for missing in (case, uuid4()):
            assert (await far.get(f"/desk/cases/{missing}")).status_code == 404
            assert (await far.get(f"/desk/cases/{missing}/version")).status_code == 404
            for act in (
                "report",
                "acknowledge",
                "escalate",
                "resolve",
                "assign",
                "merge",
                "dispatch",
                "unit",
                "mediate",
            ):
                answer = await far.post(f"/desk/cases/{missing}/{act}", {"csrf": csrf})
                assert (answer.status_code, "There is no such case" in answer.text) == (404, True)
        assert await office.types_of(case) == ["case.opened"]

    @pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.test"}])
    async def test_a_form_of_another_site_is_not_taken(self, office: Office, headers: dict[str, str]) -> None:
        mei = await mei_at(office)
        [case] = await office.report()
        fields = hidden(await mei.page(case), f"/desk/cases/{case}/acknowledge#actions")
        answer = await mei.post(f"/desk/cases/{case}/acknowledge", fields, headers)
        assert (answer.status_code, "This form was not taken" in answer.text) == (403, True)
        assert await office.types_of(case) == ["case.opened"]

    async def test_a_form_of_another_session_is_not_taken(self, office: Office) -> None:
        mei, bao = await mei_at(office), await signed_in(office, "cadre", WILLOW_LANE, subject="bao")
        [case] = await office.report()
        theirs = await bao.page(case)
        assert (await mei.act(case, "acknowledge", on=theirs)).status_code == 403
        assert (await mei.act(case, "report", on=theirs)).status_code == 403

    @pytest.mark.parametrize(
        ("role", "acts"),
        [
            ("cadre", UNTAKEN),
            ("mediator", ["acknowledge", "write", "resolve", "dispatch", "escalate", "decline"]),
            ("supervisor", UNTAKEN),
        ],
    )
    async def test_each_role_is_offered_what_it_may_do(self, office: Office, role: str, acts: list[str]) -> None:
        [case] = await office.report()
        person = await signed_in(office, role, WILLOW_LANE, subject="mo")
        assert acts_on(await person.page(case)) == acts

    async def test_what_a_role_may_not_do_is_refused_though_its_form_is_sent(self, office: Office) -> None:
        [case] = await office.report()
        mediator = await signed_in(office, "mediator", WILLOW_LANE, subject="lin")
        answer = await mediator.post(f"/desk/cases/{case}/assign", {"csrf": await mediator.csrf(), "owner": "lin"})
        assert answer.status_code == 403
        assert await office.types_of(case) == ["case.opened"]

    @pytest.mark.parametrize("role", ["manager", "operator"])
    async def test_others_are_told_that_it_is_not_for_them(self, office: Office, role: str) -> None:
        [case] = await office.report()
        person = await signed_in(office, role, "/", subject="max")
        assert (await person.get("/desk")).status_code == 403
        assert (await person.get(f"/desk/cases/{case}")).status_code == 403


class TestTheUnit:
    async def test_it_sees_what_was_shared_and_no_more_and_answers(self, office: Office) -> None:
        mei, case, link = await handed_over(office)
        page = await office.client.get(link)
        assert page.status_code == 200
        told = text_of(page.text)
        for shown in ("Water company", "Water leak", "A place", "The tap is behind the door."):
            assert shown in told
        for kept in ("mei", str(case), "R-"):
            assert kept not in told
        accepted = await unit_says(office, link, page.text, "accept")
        assert accepted.headers["Location"] == f"{link}?done=accept"
        assert "You have taken it on." in (await office.client.get(link)).text
        assert "Water company has taken it on." in text_of(await mei.page(case))

        done = await unit_says(office, link, (await office.client.get(link)).text, "done", note="New seal.")
        assert "Nothing more is asked of you." in (await office.client.get(done.headers["Location"])).text
        assert (await office.client.get(link)).status_code == 404
        page_then = text_of(await mei.page(case))
        assert "Water company says that its work is done. What the unit said New seal." in page_then

    async def test_it_gives_the_case_back_with_a_reason(self, office: Office) -> None:
        mei, case, link = await handed_over(office)
        page = (await office.client.get(link)).text
        unsaid = await unit_says(office, link, page, "return")
        assert (unsaid.status_code, "Choose the reason." in unsaid.text) == (422, True)
        assert (await unit_says(office, link, unsaid.text, "return", reason="not_ours")).status_code == 303
        assert "Water company gave the case back. It is not ours to do" in text_of(await mei.page(case))
        assert "dispatch" in acts_on(await mei.page(case))

    async def test_its_reading_is_recorded(self, office: Office) -> None:
        _, case, link = await handed_over(office)
        await office.client.get(link)
        async with office.service.worker.connect() as connection:
            found = await connection.exec_driver_sql(
                "SELECT actor, role, purpose FROM particulars_access WHERE stream_id = $1 AND role = 'unit'", (case,)
            )
            assert {tuple(row) for row in found} == {("unit:water", "unit", "dispatch")}

    async def test_a_forged_old_or_foreign_link_opens_nothing(self, office: Office) -> None:
        _, case, link = await handed_over(office)
        other = (await handed_over(office))[2]
        links = UnitLinks(office.service)
        foreign = [
            f"{link}x",
            link.rpartition(".")[0] + other[other.rindex(".") :],
            link.replace(".water.", ".trees."),
            links.issue(case, "water", now() - timedelta(days=31)),
            links.issue(case, "trees", now()),
            links.issue(uuid4(), "water", now()),
            "/desk/unit/nothing",
        ]
        for path in foreign:
            for method in ("GET", "POST"):
                answer = await office.client.request(
                    method, path, data={"answer": "accept"} if method == "POST" else None
                )
                assert answer.status_code == 404
                assert answer.headers["content-type"].startswith("text/html")
        assert (await office.types_of(case))[-1] == "case.dispatched"

    async def test_its_link_is_shown_to_those_alone_who_can_act_on_the_case(self, office: Office) -> None:
        mei, above = await mei_at(office), await signed_in(office, "supervisor", EAST, subject="ana")
        [case] = await office.report()
        await with_unit(office)
        await above.act(case, "escalate")
        await above.act(case, "dispatch", unit="water")
        assert "/desk/unit/" in await above.page(case)
        page = await mei.page(case)
        assert "With a unit" in page
        assert "/desk/unit/" not in page

    async def test_staff_take_down_what_it_said_on_the_telephone(self, office: Office) -> None:
        mei, case, _ = await handed_over(office)
        assert (await mei.act(case, "unit", answer="return")).status_code == 422
        assert (await mei.act(case, "unit", answer="accept")).status_code == 303
        assert (await mei.act(case, "unit", answer="done", note="By telephone.")).status_code == 303
        assert acts_on(await mei.page(case)) == [
            "write",
            "resolve",
            "dispatch",
            "mediate",
            "assign",
            "escalate",
            "merge",
            "decline",
        ]


async def handed_over(office: Office) -> tuple[Person, UUID, str]:
    """A case that is with the water company, and the path of its link."""
    mei = await mei_at(office)
    [case] = await office.report()
    await with_unit(office)
    await mei.act(case, "dispatch", unit="water", shared="The tap is behind the door.")
    shown = re.search(r'id="link" class="link" value="http://doorstep.test([^"]*)"', await mei.page(case))
    assert shown
    return mei, case, shown[1]


async def unit_says(office: Office, link: str, page: str, answer: str, **fields: str) -> httpx.Response:
    form = page.split(f'value="{answer}"', 1)[1].split("</form>", 1)[0]
    key = re.search(r'name="key" value="([^"]*)"', form)
    assert key
    return await office.client.post(link, data={"answer": answer, "key": key[1], **fields})
