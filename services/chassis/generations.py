"""The tables behind read models: made, secured, put behind their view, dropped. Run as the owner."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import MetaData, Table, quoted_name
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateIndex, CreateTable

from services.chassis.projections import ReadModel, physical_name

VIEW_ATTEMPTS = 40
VIEW_LOCK_MILLISECONDS = 250
"""Queries behind us wait as long as we wait for those before us, so each attempt is short."""

_IN_SCOPE = "area ^@ ANY ((SELECT scope())::text[])"
_LOCK_NOT_AVAILABLE = "55P03"


class SwitchBlocked(Exception):
    """A query kept the view for as long as we tried; nothing has changed, and it may be tried again."""


async def ensure(connection: AsyncConnection, service: str, models: Iterable[ReadModel[Any]]) -> list[str]:
    """Make the read models that are missing; the names of those that need `doorstep rebuild` are returned."""
    due: list[str] = []
    begun = (await connection.exec_driver_sql("SELECT EXISTS (SELECT FROM progress)")).scalar_one()
    for model in models:
        version = await _version(connection, model)
        if version is None:
            version = 0 if begun else model.version
            await create(connection, model, 1)
            await finish(connection, service, model, 1)
            await show(connection, service, model, 1)
            await connection.exec_driver_sql(
                "INSERT INTO read_model (name, version, generation) VALUES ($1, $2, 1)", (model.name, version)
            )
        if version != model.version:
            due.append(model.name)
    return due


async def create(connection: AsyncConnection, model: ReadModel[Any], generation: int) -> None:
    """An empty table, as `COPY` wants it: not yet secured, without its other indexes."""
    await connection.exec_driver_sql(f"DROP TABLE IF EXISTS {physical_name(model, generation)}")
    await connection.execute(CreateTable(_physical(model, generation)))


async def finish(connection: AsyncConnection, service: str, model: ReadModel[Any], generation: int) -> None:
    """Indexes, row-level security and rights of a table that has been filled."""
    table = _physical(model, generation)
    for index in table.indexes:
        await connection.execute(CreateIndex(index))
    statements = [
        f"GRANT SELECT ON {table.name} TO {service}_application",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO {service}_worker",
        f"ANALYZE {table.name}",
    ]
    if "area" in table.columns:
        everyone_else = f"{service}_worker, {service}_owner"
        statements += [
            f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY seen_in_scope ON {table.name} FOR SELECT TO {service}_application USING ({_IN_SCOPE})",
            f"CREATE POLICY all_areas ON {table.name} TO {everyone_else} USING (true) WITH CHECK (true)",
        ]
    await _execute(connection, statements)


async def show(connection: AsyncConnection, service: str, model: ReadModel[Any], generation: int) -> None:
    """Put the table behind the model's view; a view of other columns is replaced by a new one."""
    physical = physical_name(model, generation)
    columns = ", ".join(column.name for column in model.table.columns)
    statements = [
        f"CREATE OR REPLACE VIEW {model.name} WITH (security_invoker = true) AS SELECT {columns} FROM {physical}",
        f"GRANT SELECT ON {model.name} TO {service}_application, {service}_worker",
    ]
    if await _columns(connection, model.name) != await _columns(connection, physical):
        statements.insert(0, f"DROP VIEW IF EXISTS {model.name}")
    await _execute(connection, statements)


async def switch(connection: AsyncConnection, service: str, model: ReadModel[Any], generation: int) -> None:
    """In a transaction that has locked the model's row: from now on this table is the live one.

    Raises:
        SwitchBlocked: roll back and try again.
    """
    for _ in range(VIEW_ATTEMPTS):
        try:
            async with connection.begin_nested():
                await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {VIEW_LOCK_MILLISECONDS}")
                await show(connection, service, model, generation)
        except DBAPIError as failed:
            if getattr(failed.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
        else:
            await connection.exec_driver_sql(
                "UPDATE read_model SET version = $2, generation = $3, switched_at = clock_timestamp() WHERE name = $1",
                (model.name, model.version, generation),
            )
            return
    raise SwitchBlocked(f"the view {model.name} was in use all the time")


async def drop_others(connection: AsyncConnection, model: ReadModel[Any], live: int) -> None:
    """Drop every table of the model but the live one: the one before it, and what a broken rebuild left."""
    found = await connection.exec_driver_sql(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND relname ~ ('^' || $1 || '_[0-9]+$') AND relname <> $2",
        (model.name, physical_name(model, live)),
    )
    await _execute(connection, [f"DROP TABLE {name}" for (name,) in found.all()])


async def _version(connection: AsyncConnection, model: ReadModel[Any]) -> int | None:
    found = await connection.exec_driver_sql("SELECT version FROM read_model WHERE name = $1", (model.name,))
    return found.scalar_one_or_none()


async def _columns(connection: AsyncConnection, relation: str) -> Sequence[Any]:
    found = await connection.exec_driver_sql(
        "SELECT attname, atttypid, atttypmod FROM pg_attribute"
        " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (relation,),
    )
    return found.all()


def _physical(model: ReadModel[Any], generation: int) -> Table:
    table = model.table.to_metadata(MetaData(), name=physical_name(model, generation))
    for index in table.indexes:
        index.name = quoted_name(f"{index.name}_{generation}", quote=None)
    return table


async def _execute(connection: AsyncConnection, statements: Iterable[str]) -> None:
    for statement in statements:
        await connection.exec_driver_sql(statement)
