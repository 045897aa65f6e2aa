"""What `python -m services.<name>` does: serve, or prepare the service's database."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.chassis.database import asyncpg_dsn
from services.chassis.generations import ensure
from services.chassis.projections import ReadModel
from services.chassis.service import serve
from services.chassis.settings import ServiceSettings

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)

OWNER_DSN = "DOORSTEP_OWNER_DSN"
"""Only `migrate` is told: a serving process has no right to change its tables."""


def run(
    name: str,
    settings_class: type[SettingsT],
    app: Callable[[SettingsT], FastAPI],
    read_models: Iterable[ReadModel[Any]],
) -> None:
    match sys.argv[1:]:
        case []:
            settings = settings_class.from_environment()
            serve(app(settings), settings, name)
        case ["migrate"]:
            migrate(name, os.environ[OWNER_DSN], read_models)
        case _:
            raise SystemExit(f"usage: python -m services.{name} [migrate]")


def migrate(name: str, owner_dsn: str, read_models: Iterable[ReadModel[Any]]) -> None:
    """Bring tables and read models to this version; says which models `doorstep rebuild` has to fill."""
    from services.chassis.migrations import upgrade  # a serving process never needs Alembic, and starts sooner without

    upgrade(name, owner_dsn)

    async def ensure_models() -> list[str]:
        owner = create_async_engine(asyncpg_dsn(owner_dsn), hide_parameters=True, poolclass=NullPool)
        async with owner.begin() as connection:
            due = await ensure(connection, name, read_models)
        await owner.dispose()
        return due

    for model in asyncio.run(ensure_models()):
        sys.stdout.write(f"rebuild due: {model}\n")
