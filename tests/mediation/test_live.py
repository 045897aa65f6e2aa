"""Mediation whole, on real Kafka: told of a report it opens the case, publishes that, and lists what it published."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from itertools import chain
from uuid import UUID

import httpx
import pytest

from services.chassis.ids import new_id
from services.chassis.publisher import publisher
from services.contracts.cases import CaseWithdrawn
from services.contracts.envelope import Recorded
from services.contracts.registry import CommunityRegistered, community_stream
from services.mediation.app import mediation
from services.mediation.read_models.feeds import READ_MODELS
from services.mediation.settings import MediationSettings
from tests.conftest import Databases
from tests.mediation.office import AT, recorded, reported
from tests.services import keyed, migrated, running, settings_for, staff

AREA = f"/lakeside/live-{new_id().hex[-8:]}/"
CADRE = staff("cadre", AREA, subject="mei")
OPERATOR = staff("operator")


@pytest.fixture
async def live(postgres: Databases, kafka: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with (
        migrated(postgres, "mediation", chain(*READ_MODELS.values())) as dsns,
        running(mediation(settings_for(MediationSettings, dsns, kafka))) as client,
    ):
        yield client


async def publish(kafka: str, *told: Recorded) -> None:
    async with publisher(kafka, "test") as to:
        await to.send(await to.encode(told))


async def read(live: httpx.AsyncClient, path: str, position: str) -> httpx.Response:
    """Repeat a read until it has got there; each waits for a second itself."""
    for _ in range(30):
        answer = await live.get(f"/api/mediation/v1/{path}", headers={**CADRE, "Doorstep-Position": position})
        if "Doorstep-Behind" not in answer.headers:
            return answer
    pytest.fail(f"{position} was not reached")


async def test_from_a_report_to_the_list_and_back(live: httpx.AsyncClient, kafka: str) -> None:
    community, case, early = community_stream(AREA), new_id(), new_id()
    registered = CommunityRegistered(community=community, area=AREA, name="Live", time_zone="Asia/Shanghai")
    await publish(kafka, recorded(registered, community, AREA))
    await read(live, "cases", f"intake:{community}:1")
    outcome = {"case_id": str(early), "imported": True, "resolved_on": "2017-05-04", "area": AREA}
    answer = await live.post("/api/mediation/v1/cases:resolve-bulk", headers=OPERATOR, json=outcome)
    assert answer.json()["status"] == "accepted"

    past = recorded(reported(AREA, imported=True), early, AREA, at=AT - timedelta(days=900))
    report = recorded(reported(AREA), case, AREA)
    await publish(kafka, report, past, report)

    assert await state(live, case, f"intake:{case}:1") == "opened"
    assert await state(live, early, f"mediation:{early}:3") == "resolved"

    url = f"/api/mediation/v1/cases/{case}/acknowledge"
    acknowledged = await live.post(url, headers={**CADRE, **keyed()})
    listed = (await read(live, "cases", acknowledged.headers["Doorstep-Position"])).json()["cases"]
    assert [(row["case_id"], row["state"]) for row in listed] == [
        (str(case), "acknowledged"),
        (str(early), "resolved"),
    ]

    await publish(kafka, recorded(CaseWithdrawn(), case, AREA, version=2))
    assert await state(live, case, f"intake:{case}:2") == "closed"
    ready = await live.get("/api/mediation/readyz")
    assert ready.json() == {"status": "ready", "waiting_for": []}


async def state(live: httpx.AsyncClient, case: UUID, position: str) -> str:
    """By mediation's own log, which has the case's state as soon as the command has had its effect."""
    return (await read(live, f"cases/{case}", position)).json()["case"]["state"]
