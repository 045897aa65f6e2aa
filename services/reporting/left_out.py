"""Streams at which the fold of a read model failed: left out with the reason, and taken in again by mended code."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.passing import passes
from services.chassis.projections import ReadModel, project
from services.chassis.taken import Taken
from services.chassis.telemetry import log, where

Positioned = tuple[int, Taken]
"""An event and its position in the public log."""


LEFT_OUT = "SELECT stream_id, position FROM left_out WHERE model = $1"
LEAVE_OUT = "INSERT INTO left_out (model, stream_id, position, reason) VALUES ($1, $2, $3, $4)"
READMIT = "DELETE FROM left_out WHERE model = $1 AND stream_id = $2"


async def of_model(connection: AsyncConnection, model: ReadModel[Any]) -> dict[UUID, int]:
    """The streams that are left out, each from which position on."""
    rows = await connection.exec_driver_sql(LEFT_OUT, (model.name,))
    return {row.stream_id: row.position for row in rows}


async def project_around(connection: AsyncConnection, model: ReadModel[Any], events: Sequence[Positioned]) -> None:
    """Fold stream by stream, so that a fault stops no more than its own.

    Raises:
        Exception: one that passes; the batch is tried again.
    """
    by_stream = sorted(events, key=lambda one: (one[1].recorded.stream_id, one[0]))
    for stream_id, group in groupby(by_stream, key=lambda one: one[1].recorded.stream_id):
        run = list(group)
        try:
            async with connection.begin_nested():
                await project(connection, model, [taken for _, taken in run])
        except Exception as failed:  # whatever a fold raises is its own stream's trouble
            if passes(failed):
                raise
            log.error("stream left out", model=model.name, stream=str(stream_id), exc_info=failed)
            reason = " < ".join([type(failed).__qualname__, *reversed(where(failed.__traceback__, frames=2))])
            await connection.exec_driver_sql(
                LEAVE_OUT,
                (model.name, stream_id, run[0][0], reason),
            )


async def readmit(connection: AsyncConnection, model: ReadModel[Any], stream_id: UUID) -> None:
    """It is to be folded in the same transaction; should that fail, it is left out again."""
    await connection.exec_driver_sql(READMIT, (model.name, stream_id))
