"""Notifications whole, on real Kafka: a case alerts once though its record comes twice, and the list shows it."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from itertools import chain

import httpx
import pytest

from deploy.local.postgres import Dsns
from services.chassis import inbox
from services.chassis.clock import now
from services.chassis.database import engine
from services.chassis.history import KafkaHistory
from services.chassis.ids import new_id
from services.chassis.publisher import publisher
from services.chassis.rebuild import verify
from services.contracts.envelope import Recorded
from services.contracts.gatherings import GatheringAnnounced, GatheringKind, GatheringSignedUp
from services.contracts.registry import AreaRegistered, area_stream, community_stream
from services.notifications.app import notifications
from services.notifications.read_models.feeds import GUESTS_CONSUMER, READ_MODELS
from services.notifications.settings import NotificationsSettings
from tests.conftest import Databases
from tests.notifications.office import escalated, opened, recorded
from tests.services import keyed, migrated, running, settings_for, staff

STREET = f"/lakeside-{new_id().hex[-8:]}/"
AREA = f"{STREET}willow-lane/"
MEI = staff("cadre", AREA, subject="mei")
BOUND = 30.0


@pytest.fixture
async def database(postgres: Databases) -> AsyncGenerator[Dsns]:
    async with migrated(postgres, "notifications", chain(*READ_MODELS.values())) as dsns:
        yield dsns


@pytest.fixture
async def live(database: Dsns, kafka: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with running(notifications(settings_for(NotificationsSettings, database, kafka))) as client:
        yield client


async def publish(kafka: str, *told: Recorded) -> None:
    async with publisher(kafka, "test") as to:
        await to.send(await to.encode(told))


async def read(live: httpx.AsyncClient, path: str, position: str) -> httpx.Response:
    """Repeat a read until it has got there; each waits for a second itself."""
    for _ in range(60):
        answer = await live.get(f"/api/notifications/v1/{path}", headers={**MEI, "Doorstep-Position": position})
        if "Doorstep-Behind" not in answer.headers:
            return answer
    pytest.fail(f"{position} was not reached")


async def test_from_a_new_case_to_its_answer(live: httpx.AsyncClient, database: Dsns, kafka: str) -> None:
    place, case, past = area_stream(AREA), new_id(), new_id()
    await publish(kafka, recorded(AreaRegistered(path=AREA, name="Willow Lane"), place, AREA, source="intake"))
    await read(live, f"duty?area={AREA}", f"intake:{place}:1")
    on_duty = await live.post("/api/notifications/v1/duty:take", headers={**MEI, **keyed()}, json={"area": AREA})
    answers = await read(live, f"duty?area={AREA}", on_duty.headers["Doorstep-Position"])
    assert (answers.json()["name"], answers.json()["cadre"]) == ("Willow Lane", "mei")

    told = recorded(opened(AREA), case, AREA)
    await publish(kafka, told, recorded(opened(AREA, imported=True), past, AREA), told)
    listed = (await read(live, "alerts?state=all", f"mediation:{case}:1")).json()["alerts"]
    assert [(alert["case_id"], alert["recipient"]) for alert in listed] == [(str(case), "mei")]

    alert = listed[0]["alert_id"]
    answered = await live.post(f"/api/notifications/v1/alerts/{alert}/acknowledge", headers={**MEI, **keyed()})
    assert answered.json()["version"] == 2, "one alert was raised before"
    assert (await read(live, "alerts", answered.headers["Doorstep-Position"])).json()["alerts"] == []

    await publish(kafka, told, recorded(escalated(AREA, STREET), past, AREA, version=2))
    listed = (await read(live, "alerts", f"mediation:{past}:2")).json()["alerts"]
    assert [(one["case_id"], one["cause"], one["recipient"]) for one in listed] == [(str(past), "escalated", None)]
    ready = await live.get("/api/notifications/readyz")
    assert ready.json() == {"status": "ready", "waiting_for": []}
    await read(live, f"duty?area={AREA}", on_duty.headers["Doorstep-Position"])
    await somebody_signs_up(database, kafka)
    await every_model_equals_one_made_anew(database, kafka)


async def somebody_signs_up(database: Dsns, kafka: str) -> None:
    """Nothing shows it; the consumer's progress says that it was heard."""
    begins, gathering = now() + timedelta(days=2), new_id()
    announced = GatheringAnnounced(
        community=community_stream(AREA),
        kind=GatheringKind.LECTURE,
        title="What a will needs",
        place="Reading room",
        starts_at=begins,
        ends_at=begins + timedelta(hours=2),
        time_zone="Asia/Shanghai",
    )
    signed_up = GatheringSignedUp(sign_up=new_id(), people=1)
    told = (announced, signed_up)
    await publish(
        kafka,
        *(recorded(one, gathering, AREA, version=nth, source="intake") for nth, one in enumerate(told, 1)),
    )
    worker = engine(database.worker, "test")
    async with asyncio.timeout(BOUND), worker.connect() as connection:
        while not await inbox.reached(connection, GUESTS_CONSUMER, "intake", gathering, 2):
            await asyncio.sleep(0.02)
            await connection.rollback()
    await worker.dispose()


async def every_model_equals_one_made_anew(database: Dsns, kafka: str) -> None:
    owner = engine(database.owner, "test")
    for feeding, models in READ_MODELS.items():
        for model in models:
            verified = await verify(owner, "notifications", model, KafkaHistory(kafka, feeding))
            assert verified.equal, (model.name, verified)
            assert verified.live.rows > 0, model.name
    await owner.dispose()
