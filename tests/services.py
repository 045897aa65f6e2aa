"""A service for a test: its database migrated, its settings made up, its application answering without a socket."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import httpx
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import FastAPI

from deploy.local.postgres import Dsns
from deploy.local.tokens import mint
from services.chassis.program import migrate
from services.chassis.projections import ReadModel
from services.chassis.service import Service
from services.chassis.settings import ServiceSettings
from tests.conftest import Databases

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)

NOWHERE = "127.0.0.1:1"
"""A Kafka that never answers, for tests that need none."""


@dataclass(frozen=True, slots=True)
class StaffKey:
    private: str
    public: str


@cache
def staff_key() -> StaffKey:
    """What signs the staff tokens of this run."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return StaffKey(private.decode(), public.decode())


@cache
def service_key() -> str:
    """What the services of this run sign their tokens to each other with."""
    return random_key()


def random_key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()


def staff_token(role: str, *areas: str, subject: str = "") -> str:
    return mint(staff_key().private, role, areas or ("/",), subject)


def staff(role: str, *areas: str, subject: str = "") -> dict[str, str]:
    """Headers of a request by staff."""
    return {"Authorization": f"Bearer {staff_token(role, *areas, subject=subject)}"}


def keyed() -> dict[str, str]:
    """A header with a new idempotency key."""
    return {"Idempotency-Key": secrets.token_hex(16)}


@asynccontextmanager
async def migrated(postgres: Databases, name: str, read_models: Iterable[ReadModel[Any]]) -> AsyncGenerator[Dsns]:
    """A fresh database of one service, gone afterwards."""
    dsns = await postgres.create_migrated(
        name, lambda first: asyncio.to_thread(migrate, name, first.owner, list(read_models))
    )
    try:
        yield dsns
    finally:
        await postgres.drop_database(dsns)


def settings_for(settings_class: type[SettingsT], dsns: Dsns, kafka: str = NOWHERE, **more: object) -> SettingsT:
    """Settings with keys of their own."""
    told = {
        "env": "local",
        "port": 0,
        "application_dsn": dsns.application,
        "worker_dsn": dsns.worker,
        "kafka": kafka,
        "staff_public_key": staff_key().public,
        "service_key": service_key(),
        "fingerprint_key": random_key(),
        "particulars_keys": f"1:{random_key()}",
    }
    return settings_class.model_validate({**told, **more})


@asynccontextmanager
async def answering(app: FastAPI, headers: dict[str, str] | None = None) -> AsyncGenerator[httpx.AsyncClient]:
    """The application's endpoints and its store, without relay and consumers: for tests that need no Kafka."""
    service: Service = app.state.service
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        service.store.open(),
        httpx.AsyncClient(transport=transport, base_url="http://doorstep.test", headers=headers) as client,
    ):
        yield client
    await service.application.dispose()
    await service.worker.dispose()


@asynccontextmanager
async def running(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    """The whole service, relay and consumers too."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://doorstep.test") as client,
    ):
        yield client


def lines(answer: httpx.Response) -> Sequence[dict[str, Any]]:
    """The lines of an NDJSON answer."""
    return [orjson.loads(line) for line in answer.content.splitlines()]
