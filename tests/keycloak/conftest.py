"""Three services with pages behind the real gateway, and a real Keycloak that staff sign in at."""

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest

from deploy.local.gateway import Gateway
from deploy.local.state import SERVICES, free_ports
from services.chassis.service import Service
from services.mediation.read_models.feeds import READ_MODELS as MEDIATION
from services.notifications.read_models.feeds import READ_MODELS as NOTIFICATIONS
from tests.browser.conftest import chromium
from tests.browser.looking import served
from tests.conftest import Databases, free_port, running
from tests.keycloak.server import Keycloak, keycloak
from tests.mediation.office import opened_office as mediation_office
from tests.notifications.office import opened_office as notifications_office
from tests.reporting.bureau import bureau
from tests.services import NOWHERE, migrated

__all__ = ["chromium"]

FACES = {"mediation": "/desk", "notifications": "/duty", "reporting": "/board"}


@dataclass(frozen=True, slots=True)
class Site:
    url: str
    services: dict[str, Service]

    async def due(self) -> None:
        """So much time goes by that every service asks the provider again."""
        for service in self.services.values():
            async with service.worker.begin() as connection:
                await connection.exec_driver_sql("UPDATE session SET confirmed_at = confirmed_at - interval '1 hour'")


@pytest.fixture(scope="module")
def gateway_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, gateway_port: int) -> Generator[Keycloak]:
    with keycloak(tmp_path_factory.mktemp("keycloak"), f"http://127.0.0.1:{gateway_port}") as started:
        yield started


@pytest.fixture(scope="module")
async def site(
    postgres: Databases, provider: Keycloak, gateway_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Site]:
    """What the realm file is made for, told by configuration alone."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    ports: dict[str, int] = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    gateway = Gateway(folder, gateway_port, ports, issuer=free_port())
    gateway.create()
    told: dict[str, str] = {
        "public_url": gateway.url,
        "oidc_issuer": provider.issuer,
        "oidc_client_secret": provider.secret,
        "oidc_staff_claim": "doorstep_staff",
        **{f"{name}_url": f"http://127.0.0.1:{ports[name]}" for name in FACES},
    }
    async with AsyncExitStack() as stack:
        mediation_dsns = await stack.enter_async_context(migrated(postgres, "mediation", chain(*MEDIATION.values())))
        notifications_dsns = await stack.enter_async_context(
            migrated(postgres, "notifications", chain(*NOTIFICATIONS.values()))
        )
        desk = await stack.enter_async_context(mediation_office(mediation_dsns, **told))
        await desk.register()
        duty = await stack.enter_async_context(notifications_office(notifications_dsns, **told))
        await duty.move_to("/lakeside/")
        board = await stack.enter_async_context(bureau(postgres, NOWHERE, **told))
        apps = {"mediation": desk.app, "notifications": duty.app, "reporting": board.app}
        for name, app in apps.items():
            await stack.enter_async_context(served(app, ports[name]))
        stack.enter_context(running(gateway.command(), gateway.answers, folder / "gateway.log"))
        yield Site(gateway.url, {name: app.state.service for name, app in apps.items()})
