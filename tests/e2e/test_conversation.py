"""One conversation over the whole stack: to and fro, corrected, looked at, declined, appealed, copied, erased."""

from collections.abc import Generator
from secrets import token_hex
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Stack
from tests.e2e.waiting import until

API, DESK = "/api/intake/v1", "/api/mediation/v1/cases"


@pytest.fixture
def http(stack: Stack) -> Generator[httpx.Client]:
    with httpx.Client(base_url=stack.url, trust_env=False, timeout=30) as client:
        yield client


def test_from_the_first_word_to_the_last(stack: Stack, http: httpx.Client) -> None:
    def keyed(**headers: str) -> dict[str, str]:
        return {**headers, "Idempotency-Key": token_hex(16)}

    def staff(role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {stack.token(role)}"}

    for path in ("/talk/", "/talk/east/"):
        form = {"path": path, "name": path.strip("/").title()}
        http.post(f"{API}/areas", json=form, headers=staff("operator")).raise_for_status()
    place = {"area": "/talk/east/lane/", "name": "Lane", "time_zone": "Asia/Shanghai"}
    community = http.post(f"{API}/communities", json=place, headers=staff("operator")).json()["community_id"]
    report = {"community": community, "kind": "dispute", "category": "noise", "text": "Loud.", "phone": "138 0000"}
    taken = http.post(f"{API}/reports", json=report, headers=keyed()).json()
    case, receipt = taken["case_id"], {"Doorstep-Receipt": taken["receipt"]}

    def follow(what: str = "case") -> dict[str, Any]:
        answer = http.get(f"{API}/{what}", headers=receipt)
        answer.raise_for_status()
        return answer.json()

    def resident(what: str, **form: Any) -> None:
        answer = http.post(f"{API}/case:{what}", json=form or None, headers=keyed(**receipt))
        assert answer.status_code == 200, answer.text

    def tracker(what: str, role: str = "cadre", **form: Any) -> None:
        answer = http.post(f"{DESK}/{case}/{what}", json=form, headers=keyed(**staff(role)))
        assert answer.status_code == 200, answer.text

    def listed() -> dict[str, Any] | None:
        answer = http.get(f"{DESK}/{case}", headers=staff("cadre"))
        return answer.json()["case"] if answer.is_success else None

    until(listed, "the case")
    resident("write", text="It is the drums.")
    assert until(lambda: (row := listed()) and row["heard_at"], "the desk to hear of it")
    tracker("write", message="Which floor?")
    resident("correct", text="Loud from ten to two.", phone=None)
    opened = http.get(f"{API}/cases/{case}/report", params={"purpose": "casework"}, headers=staff("cadre"))
    assert "Loud from ten to two." in opened.text
    assert "138 0000" not in opened.text

    until(lambda: len(follow()["conversation"]) == 2 or None, "both sides")
    seen = {(one["role"], one["purpose"]) for one in follow()["looks"]}
    assert {("cadre", "case-file"), ("cadre", "casework")} <= seen

    tracker("decline", reason="outside_remit", explanation="The court decides it.", language="en")
    until(lambda: follow()["state"] == "declined" or None, "the refusal")
    resident("appeal", text="The court sent me to you.")
    raised = until(lambda: ((told := follow())["level"] == "/talk/east/" and told) or None, "another person's level")
    assert raised["refusal"] is None

    copied = follow("case:export")
    assert {"message": "Which floor?"}.items() <= copied["mediation"]["written"][0].items()
    assert copied["notifications"]["messages"]
    assert copied["not_in_it"]

    resident("erase")
    until(lambda: (follow()["conversation"] == [] and follow()["state"] == "erased") or None, "every word gone")
    assert until(lambda: not follow("case:export")["mediation"]["written"] or None, "at the desk, too")
    assert follow("case:export")["written"] == []
