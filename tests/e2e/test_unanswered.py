"""The unanswered case in real time, with limits of seconds: reminded, raised, and somebody told at each level."""

import asyncio
from datetime import datetime
from secrets import token_hex
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson

from deploy.local.tokens import mint
from tests.e2e.conftest import Stack
from tests.e2e.waiting import until

DISTRICT = "/slow-hill/"
STREET = "/slow-hill/upper/"
CORNER = "/slow-hill/upper/corner/"
ON_DUTY = {CORNER: "cadre-an", STREET: "supervisor-bei", DISTRICT: "director-cao"}


def seconds(amount: int) -> dict[str, Any]:
    return {"amount": amount, "unit": "seconds"}


def policy() -> dict[str, Any]:
    hours = {"amount": 2, "unit": "hours"}
    terms = {"acknowledge": seconds(4), "accept": hours, "done": hours, "escalate_every": seconds(4)}
    days = {"amount": 7, "unit": "days"}
    every = dict.fromkeys(("urgent", "ordinary", "complex"), terms)
    return {"version": f"quick-{token_hex(4)}", **every, "confirm": days, "reopen": days}


async def recipients_of(stack: Stack, case: UUID) -> set[str]:
    """Everybody whom an alert of this case was raised for."""
    connection = await asyncpg.connect(stack.dsns("notifications").worker)
    try:
        rows = await connection.fetch("SELECT data FROM event WHERE stream_id = $1 AND type = 'alert.raised'", case)
    finally:
        await connection.close()
    return {orjson.loads(row["data"])["recipient"] for row in rows}


def test_it_climbs_and_each_level_is_told(stack: Stack) -> None:
    def by(subject: str, role: str, area: str) -> dict[str, str]:
        token = mint(stack.state.staff_private_key, role, (area,), subject)
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": token_hex(16)}

    def operator() -> dict[str, str]:
        return by("operator-1", "operator", "/")

    with httpx.Client(base_url=f"{stack.url}/api", trust_env=False, timeout=30) as http:
        for path, name in ((DISTRICT, "Slow hill"), (STREET, "Upper street")):
            http.post("/intake/v1/areas", json={"path": path, "name": name}, headers=operator()).raise_for_status()
        place = {"area": CORNER, "name": "Corner", "time_zone": "Asia/Shanghai"}
        registered = http.post("/intake/v1/communities", json=place, headers=operator())
        there = {"Doorstep-Position": registered.headers["Doorstep-Position"]}

        def set_policy() -> httpx.Response | None:
            answer = http.put(
                "/mediation/v1/policies", params={"area": DISTRICT}, json=policy(), headers={**operator(), **there}
            )
            return answer if answer.status_code == 200 else None

        until(set_policy)
        for area, cadre in ON_DUTY.items():

            def take(area: str = area, cadre: str = cadre) -> httpx.Response | None:
                shift = {"area": area, "cadre": cadre}
                answer = http.post("/notifications/v1/duty:take", json=shift, headers={**operator(), **there})
                return answer if answer.status_code == 200 else None

            taken = until(take)
            position = taken.headers["Doorstep-Position"]

            def known(position: str = position) -> bool | None:
                headers = {**operator(), "Doorstep-Position": position}
                answer = http.get("/mediation/v1/cases", headers=headers)
                return True if "Doorstep-Behind" not in answer.headers else None

            until(known)

        report = {"community": registered.json()["community_id"], "kind": "fault", "category": "water-leak"}
        answer = http.post(
            "/intake/v1/reports",
            json={**report, "text": "Water runs down the stairs."},
            headers={"Idempotency-Key": token_hex(16)},
        )
        case = answer.json()["case_id"]

        def file() -> dict[str, Any] | None:
            answer = http.get(f"/mediation/v1/cases/{case}", headers=by("director-cao", "supervisor", DISTRICT))
            return answer.json() if answer.status_code == 200 else None

        def at_the_top() -> dict[str, Any] | None:
            found = file()
            return found if found and found["case"]["level"] == DISTRICT else None

        events = until(at_the_top)["events"]
        climbed = [one for one in events if one["type"] == "case.escalated"]
        assert [(one["data"]["to_level"], one["data"]["owner"]) for one in climbed] == [
            (STREET, "supervisor-bei"),
            (DISTRICT, "director-cao"),
        ]
        reminded = [one for one in events if one["type"] == "case.reminded"]
        assert [one["data"]["owner"] for one in reminded[:2]] == ["cadre-an", "supervisor-bei"]

        promised = [
            (deadline["due_at"], deadline["policy"])
            for one in events
            for deadline in one["data"].get("deadlines", ())
            if deadline["rule"] == "acknowledge"
        ]
        for (due_at, version), escalated in zip(promised, climbed, strict=False):
            late = (datetime.fromisoformat(escalated["at"]) - datetime.fromisoformat(due_at)).total_seconds()
            assert late >= 0, "never early"
            assert version.startswith("quick-")

        def told() -> bool | None:
            return asyncio.run(recipients_of(stack, UUID(case))) >= set(ON_DUTY.values()) or None

        until(told)
        done = http.post(f"/mediation/v1/cases/{case}/acknowledge", headers=by("director-cao", "supervisor", DISTRICT))
        assert done.status_code == 200, done.text
