"""Intake without Kafka: a community to report to, and what was stored of it."""

import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.database import scoped
from services.chassis.service import Service
from services.contracts.envelope import Recorded
from services.intake.app import intake
from services.intake.consumers import consumers
from services.intake.read_models.feeds import (
    GATHERINGS_CONSUMER,
    READ_MODELS,
    REGISTRY_CONSUMER,
    STATUS_CONSUMER,
)
from services.intake.settings import IntakeSettings
from tests.conftest import Databases
from tests.services import NOWHERE, answering, keyed, lines, migrated, random_key, settings_for, staff
from tests.taking import taken_by

AREA = "/lakeside/east/willow-lane/"
API = "/api/intake/v1"
NOBODY = "http://127.0.0.1:1"


@dataclass(slots=True)
class FrontDoor:
    app: FastAPI
    client: httpx.AsyncClient
    service: Service
    community: str
    key: str
    """Of the community's system; may bring history."""
    attachments: Path
    """Where sealed photos lie."""
    owner_dsn: str
    told: int = 0
    heard: int = 0

    def report_form(self, **changed: Any) -> dict[str, Any]:
        """A report as a resident sends it; a field given as none is left out."""
        form = {"community": self.community, "kind": "fault", "category": "water-leak", "text": "A pipe burst."}
        return {name: value for name, value in {**form, **changed}.items() if value is not None}

    async def report(self, **changed: Any) -> dict[str, str]:
        answer = await self.client.post(f"{API}/reports", json=self.report_form(**changed), headers=keyed())
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def bulk(self, content: bytes, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return await self.client.post(f"{API}/reports:bulk", content=content, headers=headers)

    async def send(self, *told: dict[str, Any], key: str | None = None) -> Sequence[dict[str, Any]]:
        """The answers to these lines."""
        return lines(await self.bulk(b"\n".join(map(orjson.dumps, told)), key))

    async def stored(self) -> dict[str, int]:
        """How many rows there are where a report leaves any."""
        tables = ("event", "stream", "command", "particulars", "set_aside")
        async with self.service.worker.connect() as connection:
            return {table: await _count(connection, table) for table in tables}

    async def project(self) -> None:
        """Bring intake's own events since the last time into the case's status, and into the list of gatherings."""
        fed = [one for one in consumers(self.service) if one.name in (STATUS_CONSUMER, GATHERINGS_CONSUMER)]
        async with self.service.worker.begin() as connection:
            while batch := await self.service.store.read(connection, self.told, 1000):
                for one in fed:
                    await taken_by(one, connection, batch)
                self.told = batch[-1].position

    async def hear_of_places(self) -> None:
        """Hand intake's own registrations to what lists the communities."""
        [registry] = [one for one in consumers(self.service) if one.name == REGISTRY_CONSUMER]
        async with self.service.worker.begin() as connection:
            while batch := await self.service.store.read(connection, self.heard, 1000):
                await taken_by(registry, connection, batch)
                self.heard = batch[-1].position

    async def tell(self, *taken: Recorded) -> None:
        """Hand events of other services to the case's status."""
        [status] = [one for one in consumers(self.service) if one.name == STATUS_CONSUMER]
        async with self.service.worker.begin() as connection:
            await taken_by(status, connection, taken)

    async def types_of(self, case_id: Any) -> list[str]:
        async with scoped(self.service.application, ["/"]) as connection:
            return [one.type for one in await self.service.store.read_stream(connection, case_id)]


def line(**changed: Any) -> dict[str, Any]:
    """A good line of a bulk request; a field given as none is left out."""
    good = {"reference": f"R-{uuid4().hex}", "kind": "fault", "category": "water-leak", "text": "A pipe burst."}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


async def _count(connection: AsyncConnection, table: str) -> int:
    return (await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")).scalar_one()


@asynccontextmanager
async def opened_door(postgres: Databases, kafka: str = NOWHERE, **settled: object) -> AsyncGenerator[FrontDoor]:
    with tempfile.TemporaryDirectory(prefix="doorstep-attachments-") as folder:
        async with _opened(postgres, kafka, Path(folder), settled) as door:
            yield door


@asynccontextmanager
async def _opened(
    postgres: Databases, kafka: str, folder: Path, settled: Mapping[str, object]
) -> AsyncGenerator[FrontDoor]:
    async with migrated(postgres, "intake", chain(*READ_MODELS.values())) as dsns:
        settings = settings_for(
            IntakeSettings,
            dsns,
            kafka,
            receipt_key=random_key(),
            credential_key=random_key(),
            attachments=f"file:{folder}",
            mediation_url=NOBODY,
            **settled,
        )
        app = intake(settings)
        async with answering(app) as client:
            operator = staff("operator")
            for path, name in (("/lakeside/", "Lakeside"), ("/lakeside/east/", "East Street")):
                await client.post(f"{API}/areas", json={"path": path, "name": name}, headers=operator)
            form = {"area": AREA, "name": "Willow Lane", "time_zone": "Asia/Shanghai"}
            community = (await client.post(f"{API}/communities", json=form, headers=operator)).json()
            keys = f"{API}/communities/{community['community_id']}/keys"
            key = (await client.post(keys, json={"scopes": ["report", "history"]}, headers=operator)).json()
            yield FrontDoor(
                app, client, app.state.service, community["community_id"], key["api_key"], folder, dsns.owner
            )
