"""One intake for its tests, and one with two communities for Open311's; each uses cases of its own."""

from collections.abc import AsyncGenerator

import pytest

from tests.conftest import Databases
from tests.intake.door import FrontDoor, opened_door
from tests.intake.open311 import opened_town


@pytest.fixture(scope="session")
async def door(postgres: Databases) -> AsyncGenerator[FrontDoor]:
    async with opened_door(postgres) as door:
        yield door


@pytest.fixture(scope="session")
async def town(postgres: Databases) -> AsyncGenerator[FrontDoor]:
    async with opened_town(postgres) as door:
        yield door
