"""One database for a file of mediation's tests; each test has cases, and if need be communities, of its own."""

from collections.abc import AsyncGenerator
from itertools import chain

import pytest

from deploy.local.postgres import Dsns
from services.mediation.read_models.feeds import READ_MODELS
from tests.conftest import Databases
from tests.mediation.office import Office, opened_office
from tests.services import migrated


@pytest.fixture(scope="module")
async def mediation_database(postgres: Databases) -> AsyncGenerator[Dsns]:
    async with migrated(postgres, "mediation", chain(*READ_MODELS.values())) as dsns:
        yield dsns


@pytest.fixture(scope="module")
async def office(mediation_database: Dsns) -> AsyncGenerator[Office]:
    async with opened_office(mediation_database) as office:
        await office.register()
        yield office
