"""One database for notifications' tests; each test has an area, and so desks and cases, of its own."""

from collections.abc import AsyncGenerator
from itertools import chain

import pytest

from deploy.local.postgres import Dsns
from services.chassis.ids import new_id
from services.notifications.read_models.feeds import READ_MODELS
from tests.conftest import Databases
from tests.notifications.office import Office, opened_office
from tests.notifications.post_office import PostOffice, opened_post_office
from tests.services import migrated


@pytest.fixture(scope="session")
async def notifications_database(postgres: Databases) -> AsyncGenerator[Dsns]:
    async with migrated(postgres, "notifications", chain(*READ_MODELS.values())) as dsns:
        yield dsns


@pytest.fixture(scope="session")
async def shared_office(notifications_database: Dsns) -> AsyncGenerator[Office]:
    async with opened_office(notifications_database) as office:
        yield office


@pytest.fixture
async def office(shared_office: Office) -> Office:
    """In a city of its own, with a street and a community."""
    await shared_office.move_to(f"/city-{new_id().hex[-8:]}/")
    return shared_office


@pytest.fixture(scope="session")
async def shared_post_office(postgres: Databases) -> AsyncGenerator[PostOffice]:
    async with opened_post_office(postgres) as post_office:
        yield post_office


@pytest.fixture
async def post_office(shared_post_office: PostOffice) -> PostOffice:
    """Nothing waits in it."""
    await shared_post_office.clear()
    return shared_post_office
