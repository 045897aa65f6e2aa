"""How a command of a member of staff is carried out, sent to the API or from a page, and how far reads have got."""

import asyncio
from typing import Any
from uuid import UUID

from services.chassis import http, inbox
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.database import scoped
from services.chassis.decider import CommandT, Decider, StateT
from services.chassis.eventstore import Outcome
from services.chassis.http import Position
from services.chassis.problems import ProblemError
from services.chassis.service import Service
from services.chassis.web.marked import marked
from services.notifications.domain.commands import AcknowledgeAlert
from services.notifications.read_models.feeds import ALERTS_CONSUMER, DUTY_CONSUMER, LIST_CONSUMER
from services.notifications.read_models.known_cases import known_cases
from services.notifications.read_models.raised_alerts import case_of

ON_DUTY = ("cadre", "mediator", "supervisor")
"""Roles that are told of cases and answer for them."""

ROSTER_KEEPERS = ("supervisor", "operator")
"""Roles that may put others on duty and take them off."""

_POLL_SECONDS = 0.02


async def carry_out(
    parts: Service,
    staff: Staff,
    key: str,
    traceparent: str | None,
    decider: Decider[CommandT, StateT],
    stream: UUID,
    command: CommandT,
    *,
    request: str,
    begins_in: str | None = None,
) -> Outcome:
    """Handle the command under the caller's key; the same key with another `request` is refused.

    `begins_in` is the area of a stream that the command may begin. Only then the caller must have checked it.
    """
    fingerprints = parts.fingerprints
    intent = Intent(
        stream=stream,
        command=command,
        key=fingerprints.key("desk command", f"{staff.id} {key}".encode()),
        fingerprint=fingerprints.digest("desk request", request.encode()),
        actor=staff.id,
        at=now(),
        area=begins_in,
        scope=staff.areas,
        traceparent=traceparent,
    )
    return await handle(parts.store, decider, intent)


async def acknowledging(parts: Service, staff: Staff, alert_id: UUID) -> tuple[UUID, AcknowledgeAlert]:
    """The case of an alert, and the caller's answer to it.

    Raises:
        ProblemError: 404, there is none in the caller's areas.
    """
    async with scoped(parts.application, staff.areas) as connection:
        case_id = await case_of(connection, staff.areas, alert_id)
        if case_id is None:
            raise ProblemError(
                404,
                "unknown-alert",
                marked("There is no such alert"),
                marked("Check the id; it may lie outside your areas."),
            )
        known = (await known_cases(connection, [case_id])).get(case_id)
    return case_id, AcknowledgeAlert(alert_id, staff.id, known.barred if known else frozenset())


async def has_reached(state: Any, position: Position) -> bool:
    """Whether the lists show an event. A case's has arrived when its alert, if it causes one, is in the list."""
    parts: Service = state.service
    event = (position.source, position.stream_id, position.version)
    async with parts.worker.connect() as connection:
        if await inbox.reached(connection, DUTY_CONSUMER, *event):
            return True
        if not await inbox.reached(connection, LIST_CONSUMER, *event):
            return False
        if position.source == parts.name:
            return True
        if not await inbox.reached(connection, ALERTS_CONSUMER, *event):
            return False
        raised = await connection.exec_driver_sql(
            "SELECT version FROM stream WHERE stream_id = $1", (position.stream_id,)
        )
        version = raised.scalar_one_or_none() or 0
        return await inbox.reached(connection, LIST_CONSUMER, parts.name, position.stream_id, version)


async def shown(state: Any, position: Position) -> bool:
    """Wait until the lists show an event, for as long as a read waits; whether they do."""
    try:
        async with asyncio.timeout(http.WAIT_SECONDS):
            while not await has_reached(state, position):  # noqa: ASYNC110 - others' event
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        return False
    return True
