"""How far reporting has got: whether an answer may still change, and whether it shows a given write."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request

from services.chassis.consuming import Consumers
from services.chassis.http import Position
from services.chassis.service import Service
from services.reporting.public_log import shown
from services.reporting.read_models.following import LOG_CONSUMER, READ_MODELS

_STANDING = """
SELECT (SELECT position FROM public_log) - coalesce((SELECT min(position) FROM cursor WHERE consumer = ANY($1)), 0)
        AS unfolded,
    (SELECT count(*) FROM held WHERE consumer = $2) AS held,
    (SELECT count(*) FROM left_out WHERE model = ANY($1)) AS left_out
"""
_MODELS = [model.name for model in READ_MODELS]


@dataclass(frozen=True, slots=True)
class Freshness:
    connected: bool
    """Kafka is listened to, and no partition lost records."""
    waiting: int
    """Events that are published and not yet counted; known ones only, a stream that is left out as one."""

    @property
    def provisional(self) -> bool:
        return self.waiting > 0 or not self.connected


async def freshness(request: Request) -> Freshness:
    """A dependency: how much is known to be missing from the numbers now."""
    parts: Service = request.app.state.service
    consumers: Consumers = request.app.state.consumers
    async with parts.worker.connect() as connection:
        standing = (await connection.exec_driver_sql(_STANDING, (_MODELS, LOG_CONSUMER))).one()
    lag = consumers.lag(LOG_CONSUMER)
    waiting = standing.unfolded + standing.held + standing.left_out + (lag or 0)
    return Freshness(connected=lag is not None, waiting=waiting)


async def has_reached(state: Any, position: Position) -> bool:
    """Whether every read model has folded that version of the stream."""
    parts: Service = state.service
    async with parts.worker.connect() as connection:
        for model in READ_MODELS:
            if not await shown(connection, model, position.source, position.stream_id, position.version):
                return False
    return True
