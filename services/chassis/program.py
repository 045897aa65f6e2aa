"""What `python -m services.<name>` does: serve, prepare the service's database, or what an operator asks of it."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.chassis.database import asyncpg_dsn
from services.chassis.generations import ensure
from services.chassis.projections import ReadModel
from services.chassis.rebuild import Placed
from services.chassis.service import serve
from services.chassis.settings import ServiceSettings

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def run(
    name: str,
    settings_class: type[SettingsT],
    app: Callable[[SettingsT], FastAPI],
    placed: Sequence[Placed],
) -> None:
    if not sys.argv[1:]:
        settings = settings_class.from_environment()
        serve(app(settings), settings, name)
        return
    from services.chassis.operating.commands import commands  # a serving process never needs them

    def prepare(owner_dsn: str) -> None:
        migrate(name, owner_dsn, [one.model for one in placed])

    commands(name, settings_class.from_environment, placed, prepare)(prog_name=f"python -m services.{name}")


def migrate(name: str, owner_dsn: str, read_models: Iterable[ReadModel[Any]]) -> None:
    """Bring tables and read models to this version; says which models `rebuild` has to fill."""
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
