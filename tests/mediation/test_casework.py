"""Casework over HTTP on a real database: one case from the desk's side, and what is refused there."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.chassis.auth import ServiceTokens
from services.chassis.particulars_endpoint import PATH
from services.contracts.cases import CaseErased, CaseMediated, CaseResolved
from services.mediation.read_models.feeds import COMMANDS_CONSUMER
from tests.mediation.happened import EAST, WILLOW_LANE
from tests.mediation.office import Office, recorded
from tests.services import keyed, service_key, staff

CADRE = staff("cadre", WILLOW_LANE, subject="mei")
OTHER_CADRE = staff("cadre", WILLOW_LANE, subject="bao")
MEDIATOR = staff("mediator", WILLOW_LANE, subject="lin")
SUPERVISOR = staff("supervisor", EAST, subject="ana")
OPERATOR = staff("operator", subject="ops")
ELSEWHERE = staff("cadre", "/lakeside/west/", subject="far")

EXPLAINED = {"resolution": "explained", "explanation": "The pipe was mended on Tuesday.", "language": "en"}


async def post(
    office: Office, path: str, who: dict[str, str], body: Any = None, key: dict[str, str] | None = None
) -> httpx.Response:
    return await office.client.post(f"/api/mediation/v1/cases/{path}", headers={**who, **(key or keyed())}, json=body)


async def case_file(office: Office, case_id: UUID, who: dict[str, str]) -> dict[str, Any]:
    answer = await office.client.get(f"/api/mediation/v1/cases/{case_id}", headers=who)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_one_case_from_acknowledgement_to_resolution(office: Office) -> None:
    [case] = await office.report()
    assert (await post(office, f"{case}/acknowledge", CADRE)).json() == {"case_id": str(case), "version": 3}
    session = {"result": "not_agreed", "place": "home", "note": "Both were angry."}
    assert (await post(office, f"{case}/mediate", MEDIATOR, session)).status_code == 200
    assert (await post(office, f"{case}/escalate", CADRE)).status_code == 200
    below = await post(office, f"{case}/resolve", CADRE, EXPLAINED)
    assert (below.status_code, below.json()["type"]) == (409, "urn:doorstep:refused:NotYourLevel")
    solved = await post(office, f"{case}/resolve", SUPERVISOR, EXPLAINED)
    assert solved.headers["Doorstep-Position"] == f"mediation:{case}:8"

    file = await case_file(office, case, SUPERVISOR)
    assert (file["case"]["state"], file["case"]["level"], file["case"]["owner"]) == ("resolved", EAST, "ana")
    assert [event["type"] for event in file["events"]] == [
        "case.opened", "case.assigned", "case.acknowledged", "case.mediated",
        "case.escalated", "case.assigned", "case.acknowledged", "case.resolved",
    ]  # fmt: skip
    assert list(file["texts"].values()) == [{"explanation": "The pipe was mended on Tuesday.", "language": "en"}]


async def test_a_note_is_for_the_mediator_who_wrote_it(office: Office) -> None:
    [case] = await office.report()
    await post(office, f"{case}/acknowledge", CADRE)
    await post(office, f"{case}/mediate", MEDIATOR, {"result": "agreed", "place": "station", "note": "Sealed."})
    assert list((await case_file(office, case, MEDIATOR))["texts"].values()) == [{"note": "Sealed."}]
    assert (await case_file(office, case, SUPERVISOR))["texts"] == {}


async def test_looking_at_an_explanation_is_recorded_and_operators_have_none(office: Office) -> None:
    [case] = await office.report()
    await post(office, f"{case}/resolve", CADRE, EXPLAINED)
    assert (await case_file(office, case, OPERATOR))["texts"] == {}
    assert len((await case_file(office, case, CADRE))["texts"]) == 1
    async with office.service.worker.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT actor, role, purpose FROM particulars_access WHERE stream_id = $1", (case,)
        )
        assert {tuple(row) for row in found} == {("ops", "operator", "case-file"), ("mei", "cadre", "case-file")}


async def test_texts_lie_sealed_and_in_no_event(office: Office) -> None:
    [case] = await office.report()
    await post(office, f"{case}/resolve", CADRE, {**EXPLAINED, "explanation": "A marked sentence."})
    async with office.service.worker.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT data::text FROM event WHERE stream_id = $1"
            " UNION ALL SELECT encode(sealed, 'escape') FROM particulars WHERE stream_id = $1",
            (case,),
        )
        stored = [row[0] for row in found]
    assert len(stored) == 5
    assert not any("marked" in row for row in stored)


async def test_an_erased_case_keeps_its_events_and_loses_its_texts(office: Office) -> None:
    [case] = await office.report()
    await post(office, f"{case}/resolve", CADRE, EXPLAINED)
    assert await office.particulars_of(case) == 1
    await office.told(COMMANDS_CONSUMER, recorded(CaseErased(), case, version=2))
    assert await office.particulars_of(case) == 0
    assert (await office.types_of(case))[-1] == "case.erased"
    assert (await case_file(office, case, CADRE))["texts"] == {}


async def test_nothing_is_written_of_an_erased_case_any_more(office: Office) -> None:
    [case] = await office.report()
    assert (await post(office, f"{case}/acknowledge", CADRE)).status_code == 200
    await office.told(COMMANDS_CONSUMER, recorded(CaseErased(), case, version=2))
    session = {"result": "agreed", "place": "home", "note": "Both were angry."}
    assert (await post(office, f"{case}/mediate", CADRE, session)).status_code == 200
    assert (await post(office, f"{case}/resolve", CADRE, EXPLAINED)).status_code == 200
    assert (await office.types_of(case))[-1] == "case.resolved"
    assert await office.particulars_of(case) == 0


async def test_the_same_key_is_the_same_answer_and_another_body_is_refused(office: Office) -> None:
    [case] = await office.report()
    key = keyed()
    first = await post(office, f"{case}/assign", CADRE, {"owner": "bao"}, key)
    again = await post(office, f"{case}/assign", CADRE, {"owner": "bao"}, key)
    assert first.json() == again.json()
    assert again.headers["Doorstep-Position"] == f"mediation:{case}:2"
    other = await post(office, f"{case}/assign", CADRE, {"owner": "lin"}, key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:doorstep:key-reused")
    theirs = await post(office, f"{case}/assign", SUPERVISOR, {"owner": "lin"}, key)
    assert theirs.status_code == 200, "another person's key is another key"


async def test_a_refusal_is_kept_with_its_key(office: Office) -> None:
    [case] = await office.report()
    key = keyed()
    session = {"result": "agreed", "place": "home"}
    refused = await post(office, f"{case}/mediate", MEDIATOR, session, key)
    assert refused.json()["detail"] == "Nobody has acknowledged the case; its owner acknowledges it first."
    await post(office, f"{case}/acknowledge", CADRE)
    assert (await post(office, f"{case}/mediate", MEDIATOR, session, key)).json() == refused.json()
    assert (await post(office, f"{case}/mediate", MEDIATOR, session)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("assign", {"owner": "far"}),
        ("acknowledge", None),
        ("escalate", None),
        ("resolve", EXPLAINED),
    ],
)
async def test_a_case_of_another_area_is_not_there(office: Office, path: str, body: Any) -> None:
    [case] = await office.report()
    foreign = await post(office, f"{case}/{path}", ELSEWHERE, body)
    missing = await post(office, f"{uuid4()}/{path}", CADRE, body)
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json() == missing.json()
    assert await office.types_of(case) == ["case.opened"]


ROLES = ("cadre", "mediator", "supervisor", "manager", "operator")
ALLOWED = {
    ("GET", ""): {"cadre", "mediator", "supervisor", "operator"},
    ("GET", "/{case}"): {"cadre", "mediator", "supervisor", "operator"},
    ("POST", "/{case}/assign"): {"cadre", "supervisor"},
    ("POST", "/{case}/acknowledge"): {"cadre", "mediator", "supervisor"},
    ("POST", "/{case}/mediate"): {"cadre", "mediator"},
    ("POST", "/{case}/escalate"): {"cadre", "mediator", "supervisor"},
    ("POST", "/{case}/resolve"): {"cadre", "mediator", "supervisor"},
    ("POST", ":resolve-bulk"): {"cadre", "mediator", "supervisor", "operator"},
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path"), ALLOWED)
async def test_who_may_do_what(office: Office, method: str, path: str, role: str) -> None:
    url = f"/api/mediation/v1/cases{path.format(case=uuid4())}"
    asked = await office.client.request(method, url, headers={**staff(role), **keyed()})
    assert (asked.status_code == 403) == (role not in ALLOWED[method, path])
    assert (await office.client.request(method, url, headers=keyed())).status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("assign", {}, "owner"),
        ("assign", {"owner": "a b"}, "owner"),
        ("assign", {"owner": "bao", "why": "?"}, "why"),
        ("mediate", {"result": "won", "place": "home"}, "result"),
        ("mediate", {"result": "agreed", "place": "home", "note": "\0"}, "note"),
        ("escalate", {"reason": "alert_unanswered"}, "reason"),
        ("resolve", {"resolution": "explained", "language": "en"}, "explanation"),
        ("resolve", {**EXPLAINED, "explanation": "   "}, "explanation"),
        ("resolve", {**EXPLAINED, "explanation": "x" * 5001}, "explanation"),
        ("resolve", {**EXPLAINED, "explanation": "a\0b"}, "explanation"),
        ("resolve", {**EXPLAINED, "language": "English"}, "language"),
        ("resolve", {**EXPLAINED, "resolution": "imported"}, "resolution"),
    ],
)
async def test_bad_input_names_its_field_and_stores_nothing(office: Office, path: str, body: Any, field: str) -> None:
    [case] = await office.report()
    who = MEDIATOR if path == "mediate" else CADRE
    answer = await post(office, f"{case}/{path}", who, body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    [fault] = answer.json()["faults"]
    assert fault["field"] == field
    assert fault["remedy"]
    assert await office.types_of(case) == ["case.opened"]
    assert await office.particulars_of(case) == 0


async def test_a_command_needs_a_key(office: Office) -> None:
    [case] = await office.report()
    answer = await office.client.post(f"/api/mediation/v1/cases/{case}/acknowledge", headers=CADRE)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == "Idempotency-Key"


async def test_before_the_community_is_known_its_calendar_day_is_not_guessed(office: Office) -> None:
    [case] = await office.report("/lakeside/east/unheard-of/", imported=True)
    answer = await post(office, f"{case}/resolve", SUPERVISOR, EXPLAINED)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert await office.types_of(case) == ["case.opened"]


async def test_a_case_about_staff_is_resolved_by_the_clock_of_the_communities_below(office: Office) -> None:
    [case] = await office.report(EAST)
    answer = await post(office, f"{case}/resolve", SUPERVISOR, EXPLAINED)
    assert answer.status_code == 200, answer.text


async def test_the_resident_reads_the_explanation_and_no_note(office: Office) -> None:
    [case] = await office.report()
    await post(office, f"{case}/acknowledge", CADRE)
    await post(office, f"{case}/mediate", MEDIATOR, {"result": "agreed", "place": "home", "note": "Sealed."})
    await post(office, f"{case}/resolve", CADRE, EXPLAINED)
    events = await office.events_of(case)
    note, explanation = events[3].event(), events[4].event()
    assert isinstance(note, CaseMediated)
    assert isinstance(explanation, CaseResolved)

    async def asked(ref: UUID | None, receipt_case: UUID) -> httpx.Response:
        token = ServiceTokens("intake", service_key()).issue("mediation", receipt_case)
        body = {"refs": [str(ref)], "purpose": "receipt", "case_id": str(case)}
        return await office.client.post(PATH, headers={"Authorization": f"Bearer {token}"}, json=body)

    told = await asked(explanation.explanation, case)
    assert told.json()["particulars"][str(explanation.explanation)]["language"] == "en"
    assert (await asked(note.note, case)).status_code == 403
    assert (await asked(explanation.explanation, uuid4())).status_code == 403
