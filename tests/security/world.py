"""Something of everything, in one area of each service: what staff of other areas must not find."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.chassis.ids import new_id
from services.chassis.service import Service
from services.contracts.cases import Kind
from services.contracts.registry import UnitRegistered, unit_stream
from services.mediation.read_models.feeds import READ_MODELS as MEDIATION
from services.mediation.read_models.feeds import REGISTRY_CONSUMER
from services.notifications.read_models.feeds import READ_MODELS as NOTIFICATIONS
from tests.conftest import Databases
from tests.intake.door import API, line, opened_door
from tests.intake.door import AREA as WILLOW_LANE
from tests.mediation.office import opened_office as mediation_office
from tests.mediation.office import recorded, reported
from tests.notifications.office import opened_office as notifications_office
from tests.reporting.bureau import bureau, happened, registered
from tests.security.areas import PLAN
from tests.services import keyed, migrated, staff


@dataclass(frozen=True, slots=True)
class Home:
    """One service, and what of it lies in `things["area"]`."""

    client: httpx.AsyncClient
    service: Service
    things: dict[str, str]


@asynccontextmanager
async def world(postgres: Databases) -> AsyncGenerator[dict[str, Home]]:
    """The four services, each with a case in one area."""
    async with AsyncExitStack() as stack:
        yield {
            "intake": await stack.enter_async_context(_intake(postgres)),
            "mediation": await stack.enter_async_context(_mediation(postgres)),
            "notifications": await stack.enter_async_context(_notifications(postgres)),
            "reporting": await stack.enter_async_context(_reporting(postgres)),
        }


@asynccontextmanager
async def _intake(postgres: Databases) -> AsyncGenerator[Home]:
    async with opened_door(postgres) as door:
        case = await door.report()
        twice = line()
        await door.send(twice)
        await door.send({**twice, "text": "Another pipe."})
        operator, cadre = staff("operator"), staff("cadre")
        await door.hear_of_places()
        plan, headers = {"community": door.community, "kind": "bench", **PLAN}, {**cadre, **keyed()}
        announced = await door.client.post(f"{API}/gatherings", json=plan, headers=headers)
        await door.project()
        paper_forms = door.app.state.door.paper_forms
        keys = await door.client.get(f"{API}/communities/{door.community}/keys", headers=operator)
        conflicts = await door.client.get(f"{API}/conflicts", headers=cadre)
        things = {
            "area": WILLOW_LANE,
            "case_id": case["case_id"],
            "community_id": door.community,
            "key_id": keys.json()["keys"][0]["key_id"],
            "gathering_id": announced.json()["gathering_id"],
            "number": paper_forms.new(UUID(door.community)),
            "ref": conflicts.json()["conflicts"][0]["ref"],
        }
        yield Home(door.client, door.service, things)


@asynccontextmanager
async def _mediation(postgres: Databases) -> AsyncGenerator[Home]:
    async with migrated(postgres, "mediation", chain(*MEDIATION.values())) as dsns, mediation_office(dsns) as office:
        await office.register(WILLOW_LANE)
        unit = UnitRegistered(unit="water-company", area=WILLOW_LANE, name="Water company")
        await office.told(REGISTRY_CONSUMER, recorded(unit, unit_stream(unit.unit), WILLOW_LANE, source="mediation"))
        case, other = await office.report(WILLOW_LANE, times=2)
        await office.report(WILLOW_LANE, kind=Kind.IDEA, category="golden-idea")
        things = {"area": WILLOW_LANE, "case_id": str(case), "other_case_id": str(other), "unit": unit.unit}
        yield Home(office.client, office.service, things)


@asynccontextmanager
async def _notifications(postgres: Databases) -> AsyncGenerator[Home]:
    models = chain(*NOTIFICATIONS.values())
    async with migrated(postgres, "notifications", models) as dsns, notifications_office(dsns) as office:
        await office.move_to("/lakeside/")
        await office.case_opens()
        [alert] = await office.alerts()
        things = {"area": office.community, "alert_id": alert["alert_id"]}
        yield Home(office.client, office.service, things)


@asynccontextmanager
async def _reporting(postgres: Databases) -> AsyncGenerator[Home]:
    async with bureau(postgres, webhook_inner_hosts="127.0.0.1:9") as opened:
        area = "/nyc/nycc33/"
        cases = [happened(reported(area), new_id(), area=area) for _ in range(20)]
        await opened.learn([*registered({area}), *cases])
        told = {"url": "http://127.0.0.1:9/", "area": area}
        webhook = await opened.client.post("/api/reporting/v1/webhooks", json=told, headers=staff("operator"))
        app: FastAPI = opened.app
        things = {"area": area, "name": "reported", "webhook_id": webhook.json()["webhook_id"]}
        yield Home(opened.client, app.state.service, things)
