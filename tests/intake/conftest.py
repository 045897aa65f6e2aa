"""One intake for its tests; each uses cases of its own."""

from collections.abc import AsyncGenerator

import pytest

from tests.conftest import Databases
from tests.intake.door import FrontDoor, opened_door


@pytest.fixture(scope="session")
async def door(postgres: Databases) -> AsyncGenerator[FrontDoor]:
    async with opened_door(postgres) as door:
        yield door
