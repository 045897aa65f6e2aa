"""What nobody can read through Open311: another's words and place, whatever is of a person, and what was taken back."""

from collections.abc import AsyncGenerator, Sequence
from itertools import product
from uuid import UUID

import pytest

from services.chassis.categories import categories
from services.contracts.cases import CaseAcknowledged, CaseDispatched, CaseMediated, MediationPlace, MediationResult
from services.intake.open311.offered import IN_THE_OPEN
from tests.conftest import Databases
from tests.intake.door import API, FrontDoor, line, opened_door
from tests.intake.open311 import ELM_ROW, FORMATS, V2, get, listed, post, reported
from tests.intake.test_residents_case import from_mediation, opened
from tests.services import keyed, staff

MARK = "Zxqvy-Marked-9917"
"""Stands in whatever a person writes."""
OFF_THE_MAP = {"lat": "12.987654", "long": "98.123456"}


async def everything(door: FrontDoor, case_id: str, **asked: str) -> str:
    """All that the methods say, each in both formats, asked also for this case."""
    paths = ("requests", f"requests/{case_id}", f"tokens/{case_id}", "servicerequestupdates", "services")
    answers = [await get(door, f"{path}.{written}", **asked) for path, written in product(paths, FORMATS)]
    by_id = [await get(door, f"requests.{written}", service_request_id=case_id, **asked) for written in FORMATS]
    return "\n".join(answer.text for answer in (*answers, *by_id))


async def cannot_be_found(door: FrontDoor, case_id: str, **asked: str) -> None:
    for path, written in product((f"requests/{case_id}", f"tokens/{case_id}"), FORMATS):
        assert (await get(door, f"{path}.{written}", **asked)).status_code == 404
    assert await listed(door, service_request_id=case_id, **asked) == []
    assert case_id not in await everything(door, case_id, **asked)


async def test_no_word_that_a_person_wrote_comes_back(town: FrontDoor) -> None:
    marked = dict.fromkeys(("description", "address_string", "address_id", "first_name", "last_name"), MARK)
    own = {"email": f"{MARK}@home.example", "phone": "555 0199 7731", "device_id": MARK, "account_id": MARK}
    case = await reported(town, **marked, **own, **OFF_THE_MAP, media_url=f"https://pictures.example/{MARK}")
    also = await town.report(text=MARK, place=MARK, name=MARK)
    [bulk] = await town.send(line(reference=MARK, text=MARK, place=MARK, row={"who": MARK}))
    await town.project()
    for case_id in (case, also["case_id"], bulk["case_id"]):
        told = await everything(town, case_id)
        assert case_id in told, "the positive control must be found"
        for secret in (MARK, "555 0199", *OFF_THE_MAP.values(), "12.98", "98.12"):
            assert secret not in told


async def test_nobody_s_name_is_told_and_no_session_of_mediation(town: FrontDoor) -> None:
    case = await reported(town)
    held = CaseMediated(result=MediationResult.AGREED, place=MediationPlace.HOME, mediator="mediator-zhou")
    for version, event in enumerate((opened(), CaseAcknowledged(owner="cadre-lin"), held), 1):
        await town.tell(from_mediation(case, version, event))
    told = await everything(town, case)
    assert case in told
    assert "Somebody has taken it on." in told
    for secret in ("cadre-lin", "mediator-zhou", "ediat", "agreed"):
        assert secret not in told
    await town.tell(from_mediation(case, 4, CaseDispatched(unit="water-company", tracker="cadre-lin")))
    told = await everything(town, case)
    assert "It was handed to those who can mend it." in told
    for secret in ("cadre-lin", "water-company"):
        assert secret not in told


async def test_only_faults_in_the_open_can_be_read(town: FrontDoor) -> None:
    reports = {
        (kind, code): await town.report(kind=kind, category=code)
        for kind, codes in categories().items()
        for code in codes
    }
    await town.project()
    public = {str(one["case_id"]) for (kind, code), one in reports.items() if kind == "fault" and code in IN_THE_OPEN}
    ids = {str(one["case_id"]) for one in reports.values()}
    assert len(public) == len(IN_THE_OPEN)
    assert {one["service_request_id"] for one in await listed(town)} & ids == public
    updates = (await get(town, "servicerequestupdates.json")).json()
    assert {one["service_request_id"] for one in updates} & ids == public
    for code in ("legal-question", "neighbours", "talk", "welfare", "noise", "other"):
        assert await listed(town, service_code=code) == []
    for case_id in sorted(ids - public)[::7]:
        await cannot_be_found(town, case_id)


@pytest.mark.parametrize("written", FORMATS)
async def test_what_nobody_may_read_is_taken_without_an_id(town: FrontDoor, written: str) -> None:
    answer = await post(town, written, service_code="noise", description=MARK)
    assert answer.status_code == 200
    assert "service_notice" in answer.text
    assert "service_request_id" not in answer.text
    assert MARK not in answer.text


async def test_a_report_about_staff_is_never_shown(town: FrontDoor) -> None:
    report = await town.report(about_staff=True)
    await town.project()
    await cannot_be_found(town, report["case_id"])
    await cannot_be_found(town, report["case_id"], jurisdiction_id=ELM_ROW)


@pytest.fixture(scope="module")
async def outpost(postgres: Databases) -> AsyncGenerator[FrontDoor]:
    """A community with nothing above it: a report about its staff lies in its own area."""
    async with opened_door(postgres) as door:
        place = {"area": "/outpost/", "name": "Outpost", "time_zone": "Asia/Shanghai"}
        made = await door.client.post(f"{API}/communities", json=place, headers=staff("operator"))
        door.community = made.json()["community_id"]
        yield door


async def test_nor_where_no_level_lies_above(outpost: FrontDoor) -> None:
    hidden, shown = await outpost.report(about_staff=True), await outpost.report()
    await outpost.project()
    assert [one["service_request_id"] for one in await listed(outpost, jurisdiction_id="outpost")] == [shown["case_id"]]
    await cannot_be_found(outpost, hidden["case_id"], jurisdiction_id="outpost")


async def test_what_was_erased_is_gone_whatever_else_is_said_of_it(town: FrontDoor) -> None:
    report = await town.report()
    await town.project()
    assert report["case_id"] in await everything(town, report["case_id"])
    headers = {"Doorstep-Receipt": report["receipt"], **keyed()}
    assert (await town.client.post(f"{API}/case:erase", headers=headers)).status_code == 200
    await town.project()
    await cannot_be_found(town, report["case_id"])
    await town.tell(from_mediation(report["case_id"], 1, opened()))
    await cannot_be_found(town, report["case_id"])


async def test_that_it_was_taken_back_looks_like_any_other_end(town: FrontDoor) -> None:
    report = await town.report()
    headers = {"Doorstep-Receipt": report["receipt"], **keyed()}
    assert (await town.client.post(f"{API}/case:withdraw", headers=headers)).status_code == 200
    await town.project()
    [told] = await listed(town, service_request_id=report["case_id"])
    assert (told["status"], told["status_notes"]) == ("closed", "It is closed.")
    assert "withdr" not in await everything(town, report["case_id"])


async def test_a_request_is_found_in_its_own_jurisdiction_alone(town: FrontDoor) -> None:
    await cannot_be_found(town, await reported(town), jurisdiction_id=ELM_ROW)


async def test_nothing_is_shown_before_intake_has_said_what_it_is(town: FrontDoor) -> None:
    case = str(UUID(int=7))
    await town.tell(from_mediation(case, 1, opened()))
    await cannot_be_found(town, case)


async def test_who_asks_needs_no_key_and_can_do_nothing_else(town: FrontDoor) -> None:
    case = await reported(town)
    methods: Sequence[str] = ("PUT", "PATCH", "DELETE")
    for method in methods:
        answer = await town.client.request(method, f"{V2}/requests/{case}.json")
        assert answer.status_code == 405
