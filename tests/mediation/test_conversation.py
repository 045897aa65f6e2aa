"""A resident and a tracker, each in front of their own service: messages, corrections, refusals, looks and the copy.

Both services stand on real PostgreSQL and ask each other over HTTP; what Kafka would carry is handed over by hand.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local.postgres import Dsns
from services.mediation.read_models.feeds import CASELOAD_CONSUMER, COMMANDS_CONSUMER
from tests.browser.looking import served
from tests.conftest import Databases
from tests.intake.door import API, FrontDoor, opened_door
from tests.mediation.happened import EAST, WILLOW_LANE
from tests.mediation.office import Office, opened_office
from tests.mediation.test_pages import acts_on, mei_at, signed_in, text_of
from tests.services import keyed, staff

DESK = "/api/mediation/v1/cases"
MEI = staff("cadre", WILLOW_LANE, subject="mei")


@dataclass
class Both:
    """A report at the front door and its case at the office."""

    door: FrontDoor
    office: Office
    case: UUID
    receipt: str
    heard: int = 0
    told: int = field(default=0)

    async def resident(self, what: str, **form: Any) -> httpx.Response:
        headers = {"Doorstep-Receipt": self.receipt, **keyed()}
        answer = await self.door.client.post(f"{API}/case:{what}", json=form or None, headers=headers)
        await self.carry()
        return answer

    async def tracker(self, what: str, who: dict[str, str] = MEI, **form: Any) -> httpx.Response:
        answer = await self.office.client.post(f"{DESK}/{self.case}/{what}", json=form, headers={**who, **keyed()})
        await self.carry()
        return answer

    async def follow(self, what: str = "case") -> dict[str, Any]:
        answer = await self.door.client.get(f"{API}/{what}", headers={"Doorstep-Receipt": self.receipt})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def carry(self) -> None:
        """What each has published, to the other."""
        async with self.door.service.worker.begin() as connection:
            said = await self.door.service.store.read(connection, self.heard, 1000)
        if said:
            self.heard = said[-1].position
            of_cases = [one for one in said if one.type.startswith("case.")]
            await self.office.told(CASELOAD_CONSUMER, *of_cases)
            await self.office.told(COMMANDS_CONSUMER, *of_cases)
        await self.door.project()
        await self.office.project()
        async with self.office.service.worker.begin() as connection:
            answered = await self.office.store.read(connection, self.told, 1000)
        if answered:
            self.told = answered[-1].position
            await self.door.tell(*answered)

    async def sealed(self, service: Any) -> Sequence[str]:
        async with service.worker.connect() as connection:
            found = await connection.exec_driver_sql("SELECT ref FROM particulars WHERE stream_id = $1", (self.case,))
            return found.scalars().all()


@asynccontextmanager
async def beside(postgres: Databases, dsns: Dsns, **report: Any) -> AsyncGenerator[Both]:
    async with (
        opened_door(postgres) as door,
        served(door.app) as intake_url,
        opened_office(dsns, intake_url=intake_url) as office,
        served(office.app) as mediation_url,
    ):
        door.app.state.door = replace(door.app.state.door, mediation_url=mediation_url)
        told = await door.report(kind="dispute", category="noise", **report)
        await office.register()
        both = Both(door, office, UUID(told["case_id"]), told["receipt"])
        await both.carry()
        yield both


@pytest.fixture
async def both(postgres: Databases, mediation_database: Dsns) -> AsyncGenerator[Both]:
    async with beside(postgres, mediation_database, text="Loud at night.", phone="138 0000", name="Ana") as there:
        yield there


async def test_they_write_to_each_other_and_no_word_is_in_an_event(both: Both) -> None:
    assert (await both.resident("write", text="Zxqvy: it is the drums.")).status_code == 200
    assert (await both.tracker("write", message="Zxqvy: which floor?")).status_code == 200
    assert (await both.resident("write", text="Zxqvy: the third.")).status_code == 200
    said = (await both.follow())["conversation"]
    assert [(one["by"], one["who"], one["text"]) for one in said] == [
        ("resident", None, "Zxqvy: it is the drums."),
        ("staff", "mei", "Zxqvy: which floor?"),
        ("resident", None, "Zxqvy: the third."),
    ]
    for service in (both.door.service, both.office.service):
        async with service.worker.connect() as connection:
            found = await connection.exec_driver_sql("SELECT data::text FROM event")
            assert not [row for row in found.scalars() if "Zxqvy" in row]


async def test_the_desk_shows_that_something_was_written_and_both_sides_once_it_is_opened(both: Both) -> None:
    mei = await mei_at(both.office)
    waits = 'href="#report">The resident wrote and waits for a word'
    row = f"/desk/cases/{both.case}"
    assert waits not in await mei.page(both.case)
    await both.resident("write", text="It is the drums.")
    page, listed = await mei.page(both.case), (await mei.get("/desk")).text
    assert waits in page
    assert 'class="heard"' in listed.split(row, 1)[1].split("</a>", 1)[0]
    assert "drums" not in page + listed
    assert (await mei.act(both.case, "write", message="Which <floor>?")).status_code == 303
    await both.carry()
    assert waits not in await mei.page(both.case)
    opened = text_of((await mei.act(both.case, "report", purpose="casework")).text)
    told = [opened.index(words) for words in ("Loud at night.", "It is the drums.", "mei wrote")]
    assert told == sorted(told)
    assert "Which <floor>?" in opened[told[-1] :]


async def test_a_message_without_words_is_answered_at_its_field(both: Both) -> None:
    mei = await mei_at(both.office)
    answer = await mei.act(both.case, "write", message=" ")
    assert (answer.status_code, 'href="#write-message"' in answer.text) == (422, True)


async def test_while_mediation_is_away_the_resident_is_told_so_and_reads_the_rest(both: Both) -> None:
    await both.resident("write", text="It is the drums.")
    await both.tracker("write", message="Which floor?")
    both.door.app.state.door = replace(both.door.app.state.door, mediation_url="http://127.0.0.1:1")
    told = await both.follow()
    assert [one["text"] for one in told["conversation"]] == ["It is the drums."]
    assert (told["conversation_waits"], told["looks_wait"]) == (True, True)
    copied = await both.follow("case:export")
    assert copied["mediation"] is None
    assert any("could not be asked" in sentence for sentence in copied["not_in_it"])


async def test_a_correction_keeps_what_was_told_and_drops_how_they_were_reached(both: Both) -> None:
    changed = await both.resident("correct", text="Loud from ten to two.", phone=None, email="ana@home.example")
    assert changed.status_code == 200, changed.text
    path = f"{API}/cases/{both.case}/report"
    read = await both.door.client.get(path, params={"purpose": "casework"}, headers=MEI)
    versions = sorted(read.json()["particulars"], key=lambda one: "corrects" in one)
    assert versions == [
        {"text": "Loud at night."},
        {"text": "Loud from ten to two.", "email": "ana@home.example", "name": "Ana", "corrects": True},
    ]
    assert "corrected" in [one["what"] for one in (await both.follow())["story"]]
    opened = text_of((await (await mei_at(both.office)).act(both.case, "report", purpose="casework")).text)
    assert "They corrected what they had told" in opened


async def test_whoever_dies_after_a_correction_leaves_the_old_contact_to_the_consumer(both: Both) -> None:
    """The rows as they would stand had the process died right after the append."""
    vault = both.door.service.vault
    await both.resident("correct", phone="139 1111")
    async with both.door.service.worker.begin() as connection:
        refs = await both.sealed(both.door.service)
        first = vault.seal(UUID(str(min(refs))), {"text": "Loud at night.", "phone": "138 0000"})
        await connection.exec_driver_sql(
            "UPDATE particulars SET sealed = $2, key_id = $3 WHERE ref = $1", (first.ref, first.body, first.key_id)
        )
    both.door.told = 0
    await both.door.project()
    path = f"{API}/cases/{both.case}/report"
    read = await both.door.client.get(path, params={"purpose": "casework"}, headers=MEI)
    assert "138 0000" not in read.text


async def test_what_can_not_be_corrected_is_said_by_field(both: Both) -> None:
    for form in ({"text": None}, {"phone": "by night"}, {"kind": "fault"}):
        refused = await both.resident("correct", **form)
        assert refused.status_code == 422
        assert refused.json()["faults"][0]["field"] == next(iter(form))


async def test_the_resident_sees_who_opened_the_case_in_both_services_and_not_their_own_looks(both: Both) -> None:
    mei, ana = await mei_at(both.office), await signed_in(both.office, "supervisor", EAST, subject="ana")
    await ana.page(both.case)
    await mei.act(both.case, "report", purpose="dispatch")
    await both.follow()
    looks = {(one["who"], one["role"], one["purpose"]) for one in (await both.follow())["looks"]}
    assert looks == {
        ("ana", "supervisor", "case-file"),
        ("mei", "cadre", "case-file"),
        ("mei", "cadre", "dispatch"),
    }


async def test_what_is_declined_has_a_person_and_a_reason_and_goes_to_another_on_appeal(both: Both) -> None:
    refusal: dict[str, Any] = {"reason": "outside_remit", "explanation": "The court decides it.", "language": "en"}
    assert (await both.tracker("decline", **refusal)).status_code == 200
    told = await both.follow()
    assert (told["state"], told["you_can"][0]) == ("declined", "appeal")
    assert {name: told["refusal"][name] for name in ("by", "reason", "explanation")} == {
        "by": "mei",
        "reason": "outside_remit",
        "explanation": "The court decides it.",
    }
    assert (await both.resident("appeal", text="The court sent me to you.")).status_code == 200
    types = await both.office.types_of(both.case)
    assert types[-3:] == ["case.declined", "case.closed", "case.reopened"]
    told = await both.follow()
    assert (told["state"], told["level"], told["refusal"]) == ("opened", EAST, None)
    assert [one["text"] for one in told["conversation"]] == ["The court sent me to you."]
    again = await both.tracker("acknowledge", staff("cadre", EAST, subject="mei"))
    assert (again.status_code, again.json()["type"]) == (409, "urn:doorstep:refused:SamePersonAgain")
    assert (await both.tracker("acknowledge", staff("supervisor", EAST, subject="ana"))).status_code == 200
    twice = await both.resident("appeal", text="Again.")
    assert (twice.status_code, twice.json()["type"]) == (409, "urn:doorstep:refused:NothingToAppeal")
    ana = await signed_in(both.office, "supervisor", EAST, subject="ana")
    assert "The resident appealed" in text_of(await ana.page(both.case))


async def test_the_copy_holds_both_sides_and_says_what_is_not_in_it(both: Both) -> None:
    await both.tracker("acknowledge")
    await both.tracker("mediate", result="not_agreed", place="home", note="Sealed to mei.")
    await both.tracker("write", message="Which floor?")
    copied = await both.follow("case:export")
    assert {"message": "Which floor?", "by": "mei"} in copied["mediation"]["written"]
    assert [one["type"] for one in copied["mediation"]["events"]][-2:] == ["case.mediated", "case.message_written"]
    assert all(one["why"] for one in copied["mediation"]["dates"])
    assert "Sealed to mei." not in str(copied)
    assert any("sealed to who made them" in sentence for sentence in copied["not_in_it"])
    assert ("resident", "export") in {(one["role"], one["purpose"]) for one in copied["status"]["looks"]}


async def test_nobody_copies_or_looks_without_the_proof_of_that_receipt(both: Both) -> None:
    other = UUID(int=1)
    for vouched in (None, other):
        token = both.door.service.service_tokens.issue("mediation", receipt_case=vouched)
        for path in ("/internal/case:copy", "/internal/particulars:looks"):
            asked = await both.office.client.post(
                path, json={"case_id": str(both.case)}, headers={"Authorization": f"Bearer {token}"}
            )
            assert asked.status_code == 403


async def test_erasing_takes_every_word_with_it(both: Both) -> None:
    await both.resident("write", text="It is the drums.")
    await both.resident("correct", text="Loud from ten to two.")
    await both.tracker("write", message="Which floor?")
    refusal: dict[str, Any] = {"reason": "nothing_found", "explanation": "It was quiet.", "language": "en"}
    await both.tracker("decline", **refusal)
    await both.resident("appeal", text="Not at night.")
    assert (len(await both.sealed(both.door.service)), len(await both.sealed(both.office.service))) == (4, 2)
    assert (await both.resident("erase")).status_code == 200
    assert not [*await both.sealed(both.door.service), *await both.sealed(both.office.service)]
    assert (await both.follow())["conversation"] == []
    late = await both.tracker("write", staff("supervisor", EAST, subject="ana"), message="Hello?")
    assert (late.status_code, late.json()["type"]) == (409, "urn:doorstep:refused:WordsErased")
    assert (await both.resident("write", text="More.")).status_code == 409


async def test_a_case_in_danger_is_shown_as_such_and_is_not_offered_mediation(
    postgres: Databases, mediation_database: Dsns
) -> None:
    async with beside(postgres, mediation_database, text="He beats her.", danger=True) as there:
        mei = await mei_at(there.office)
        await mei.act(there.case, "acknowledge")
        page = await mei.page(there.case)
        assert {"mediate", "merge"}.isdisjoint(acts_on(page))
        assert "This case is not mediated." in text_of(page)
        assert "Danger" in text_of((await mei.get("/desk")).text)
        refused = await there.tracker("mediate", result="agreed", place="home")
        assert refused.json()["type"] == "urn:doorstep:refused:NotForMediation"
        listed = await there.office.client.get(DESK, headers=MEI)
        [row] = [one for one in listed.json()["cases"] if one["case_id"] == str(there.case)]
        assert (row["urgency"], row["danger"]) == ("urgent", True)
