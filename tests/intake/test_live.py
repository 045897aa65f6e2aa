"""Intake whole, on real Kafka: what it publishes comes back to it, beside what the other services say."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.chassis.auth import Staff
from services.chassis.particulars_endpoint import PATH, STAFF_HEADER
from services.chassis.publisher import publisher
from services.chassis.service import Service
from services.intake.app import intake
from services.intake.read_models.feeds import READ_MODELS
from services.intake.settings import IntakeSettings
from tests.conftest import Databases
from tests.intake.door import API, NOBODY
from tests.intake.test_residents_case import from_mediation, opened, resolved
from tests.services import keyed, migrated, random_key, running, settings_for, staff, staff_token

OPERATOR = staff("operator")


@dataclass(frozen=True, slots=True)
class Live:
    client: httpx.AsyncClient
    service: Service

    async def community(self) -> tuple[dict[str, str], str]:
        """A new one, as it is listed, and the position of its registration."""
        area = f"/live-{uuid4().hex[:8]}/"
        place = {"area": area, "name": "Live", "time_zone": "Asia/Shanghai"}
        answer = await self.client.post(f"{API}/communities", json=place, headers=OPERATOR)
        listed = {"community_id": answer.json()["community_id"], "area": area, "name": "Live"}
        return listed, answer.headers["Doorstep-Position"]

    async def report(self, community: dict[str, str]) -> httpx.Response:
        told = {"kind": "fault", "category": "water-leak", "text": "A pipe burst."}
        form = {"community": community["community_id"], **told}
        return await self.client.post(f"{API}/reports", json=form, headers=keyed())

    async def seen(self, path: str, written: httpx.Response, **headers: str) -> Any:
        """What is read once it shows what was written."""
        return await self.reached(path, written.headers["Doorstep-Position"], **headers)

    async def reached(self, path: str, position: str, **headers: str) -> Any:
        """Repeat a read until it has got there; each waits for a second itself."""
        for _ in range(30):
            answer = await self.client.get(f"{API}/{path}", headers={**headers, "Doorstep-Position": position})
            if "Doorstep-Behind" not in answer.headers:
                assert answer.status_code == 200
                return answer.json()
        pytest.fail(f"{position} was not reached")


@pytest.fixture
async def live(postgres: Databases, kafka: str, tmp_path: Path) -> AsyncGenerator[Live]:
    async with migrated(postgres, "intake", chain(*READ_MODELS.values())) as dsns:
        keys = {"receipt_key": random_key(), "credential_key": random_key(), "attachments": f"file:{tmp_path}"}
        app = intake(settings_for(IntakeSettings, dsns, kafka, mediation_url=NOBODY, **keys))
        async with running(app) as client:
            yield Live(client, app.state.service)


async def test_a_report_s_way_from_the_registry_to_its_erasure(live: Live, kafka: str) -> None:
    community, registered = await live.community()
    listed = (await live.reached("communities", registered))["communities"]
    assert any(one.items() >= community.items() for one in listed)

    report = await live.report(community)
    case, receipt = report.json()["case_id"], {"Doorstep-Receipt": report.json()["receipt"]}
    told = await live.seen("case", report, **receipt)
    assert (told["state"], told["you_can"]) == ("reported", ["write", "correct", "withdraw", "erase"])

    said = [from_mediation(case, 1, opened()), from_mediation(case, 2, resolved())]
    async with publisher(kafka, "test") as to:
        await to.send(await to.encode(said))
    told = await live.reached("case", f"mediation:{case}:2", **receipt)
    assert (told["state"], told["solution"]["explanation_waits"]) == ("resolved", True)

    confirmed = await live.client.post(f"{API}/case:confirm", headers={**receipt, **keyed()})
    told = await live.seen("case", confirmed, **receipt)
    assert (told["state"], told["you_can"]) == ("confirmed", ["write", "correct", "erase"])

    erased = await live.client.post(f"{API}/cases/{case}/erase", headers={**OPERATOR, **keyed()})
    told = await live.seen("case", erased, **receipt)
    assert (told["state"], told["you_can"]) == ("erased", [])
    ready = await live.client.get("/api/intake/readyz")
    assert ready.json() == {"status": "ready", "waiting_for": []}


async def test_another_service_reads_for_staff_of_the_area_and_for_nobody_else(live: Live) -> None:
    community, _ = await live.community()
    area, case = community["area"], UUID((await live.report(community)).json()["case_id"])
    async with live.service.worker.connect() as connection:
        found = await connection.exec_driver_sql("SELECT ref FROM particulars WHERE stream_id = $1", (case,))
        ref = str(found.scalar_one())

    async def ask(token: str, person: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", **({STAFF_HEADER: person} if person else {})}
        asked = {"refs": [ref], "purpose": "desk", "case_id": str(case)}
        return await live.client.post(PATH, json=asked, headers=headers)

    tokens = live.service.service_tokens
    issued = tokens.issue("intake")
    assert (await ask(issued, staff_token("cadre", area))).json()["particulars"] == {ref: {"text": "A pipe burst."}}
    assert (await ask(issued, staff_token("cadre", "/elsewhere/"))).json()["particulars"] == {}
    assert (await ask(issued, staff_token("manager", area))).status_code == 403
    assert (await ask(issued)).status_code == 403
    assert (await ask(tokens.issue("intake", receipt_case=case))).status_code == 403
    assert (await ask(tokens.issue("mediation"))).status_code == 401
    assert (await ask(staff_token("cadre", area))).status_code == 401


async def test_a_page_of_another_service_opens_a_whole_report_for_staff_of_its_area(live: Live) -> None:
    community, _ = await live.community()
    area, case = community["area"], (await live.report(community)).json()["case_id"]

    async def ask(**vouched: Any) -> httpx.Response:
        token = live.service.service_tokens.issue("intake", **vouched)
        asked = {"purpose": "casework", "case_id": case}
        return await live.client.post(PATH, json=asked, headers={"Authorization": f"Bearer {token}"})

    def cadre(*areas: str) -> Staff:
        return Staff("mei", frozenset({"cadre"}), areas)

    assert list((await ask(staff=cadre(area))).json()["particulars"].values()) == [{"text": "A pipe burst."}]
    assert (await ask(staff=cadre("/elsewhere/"))).json()["particulars"] == {}
    assert (await ask(staff=Staff("max", frozenset({"manager"}), (area,)))).status_code == 403
    assert (await ask(receipt_case=UUID(case))).status_code == 403
    assert (await ask()).status_code == 403
    async with live.service.worker.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT actor, role, purpose FROM particulars_access WHERE stream_id = $1", (case,)
        )
        assert [tuple(row) for row in found] == [("mei", "cadre", "casework")]
