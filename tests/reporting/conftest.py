"""A bureau that knows the committed sample of real casework, for tests that only read; and an empty one."""

from collections.abc import AsyncGenerator

import pytest

from tests.conftest import Databases
from tests.reporting import constituents
from tests.reporting.bureau import Bureau, bureau, registered
from tests.reporting.constituents import Casework


@pytest.fixture(scope="session")
def sample() -> list[Casework]:
    return constituents.read(constituents.SAMPLE)


@pytest.fixture(scope="session")
async def history(postgres: Databases, sample: list[Casework]) -> AsyncGenerator[Bureau]:
    """Only to be read."""
    async with bureau(postgres) as open_bureau:
        events = [event for work in sample for event in constituents.events_of(work)]
        yield await open_bureau.learn(registered({work.area for work in sample}) + events)


@pytest.fixture
async def empty(postgres: Databases) -> AsyncGenerator[Bureau]:
    async with bureau(postgres) as open_bureau:
        yield open_bureau
