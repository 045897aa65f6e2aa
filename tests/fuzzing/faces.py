"""The four services as a caller meets them: each with something in it, and those who may call it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain

import httpx
from fastapi import FastAPI

from services.mediation.read_models.feeds import READ_MODELS as OF_MEDIATION
from services.notifications.read_models.feeds import READ_MODELS as OF_NOTIFICATIONS
from tests.conftest import Databases
from tests.intake.door import API, AREA, opened_door
from tests.mediation import office as mediation
from tests.notifications import office as notifications
from tests.reporting import constituents
from tests.reporting.bureau import bureau, registered
from tests.services import migrated, staff

ROLES = ("operator", "cadre", "mediator", "supervisor", "manager")

Callers = Mapping[str, dict[str, str]]
"""The headers of each."""


@dataclass(frozen=True, slots=True)
class Face:
    """`known` holds, by the name of a parameter or field, values that mean something there."""

    app: FastAPI
    client: httpx.AsyncClient
    callers: Callers
    known: Mapping[str, Sequence[str]]


@asynccontextmanager
async def intake(postgres: Databases) -> AsyncGenerator[Face]:
    async with opened_door(postgres) as door:
        await door.hear_of_places()
        taken = await door.report()
        await door.project()
        system = {"Authorization": f"Bearer {door.key}"}
        resident = {"Doorstep-Receipt": taken["receipt"]}
        known = {
            "case_id": [taken["case_id"]],
            "community": [door.community],
            "community_id": [door.community],
            "area": [AREA],
            "category": ["water-leak"],
        }
        keys = await door.client.get(f"{API}/communities/{door.community}/keys", headers=staff("operator"))
        known["key_id"] = [keys.json()["keys"][0]["key_id"]] if keys.is_success else []
        yield Face(door.app, door.client, _staff(AREA) | {"system": system, "resident": resident}, known)


@asynccontextmanager
async def mediating(postgres: Databases) -> AsyncGenerator[Face]:
    area = mediation.WILLOW_LANE
    async with (
        migrated(postgres, "mediation", chain(*OF_MEDIATION.values())) as dsns,
        mediation.opened_office(dsns) as office,
    ):
        await office.register()
        cases = [str(case) for case in await office.report(times=3)]
        known = {
            "case_id": cases,
            "into": cases,
            "area": [area],
            "owner": ["mei"],
            "unit": ["water"],
            "unit_id": ["water"],
        }
        yield Face(office.app, office.client, _staff(area), known)


@asynccontextmanager
async def notifying(postgres: Databases) -> AsyncGenerator[Face]:
    async with (
        migrated(postgres, "notifications", chain(*OF_NOTIFICATIONS.values())) as dsns,
        notifications.opened_office(dsns) as office,
    ):
        await office.move_to("/lakeside/")
        await office.on_duty("mei", office.community)
        case = await office.case_opens()
        [alert] = await office.alerts()
        known = {
            "case_id": [str(case)],
            "alert_id": [alert["alert_id"]],
            "area": [office.community],
        }
        yield Face(office.app, office.client, _staff(office.community), known)


@asynccontextmanager
async def reporting(postgres: Databases) -> AsyncGenerator[Face]:
    sample = constituents.read(constituents.SAMPLE)
    async with bureau(postgres) as opened:
        events = [event for work in sample for event in constituents.events_of(work)]
        await opened.learn(registered({work.area for work in sample}) + events)
        known = {"area": sorted({work.area for work in sample})[:3], "case_id": [str(events[0].stream_id)]}
        yield Face(opened.app, opened.client, _staff("/nyc/"), known)


FACES = {"intake": intake, "mediation": mediating, "notifications": notifying, "reporting": reporting}


def _staff(area: str) -> dict[str, dict[str, str]]:
    """Each role in the area, and a nobody."""
    return {role: staff(role, area, subject="mei") for role in ROLES} | {"nobody": {}}
