"""The list of alerts, and the answer to one."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.problems import ProblemError, unprocessable
from services.contracts.event import AreaPath
from services.notifications.domain.commands import AcknowledgeAlert
from services.notifications.domain.decider import ALERTS
from services.notifications.endpoints.desk import ON_DUTY, Desk, Parts, Reader, after_position, desk_for
from services.notifications.read_models import alert_list
from services.notifications.read_models.alert_list import After, AlertRow, Wanted
from services.notifications.read_models.late_cases import LateCases, late_cases_since
from services.notifications.read_models.raised_alerts import case_of

router = APIRouter()

LATE_CASES_SHOWN = timedelta(days=7)

AnsweringDesk = Annotated[Desk, Depends(desk_for(*ON_DUTY))]


class Show(StrEnum):
    OPEN = "open"
    ALL = "all"


class Alert(BaseModel):
    """What is told of a case: enough to know how soon to look, and where; nothing of what it says."""

    alert_id: UUID
    case_id: UUID
    link: str
    reference: str | None
    category: str | None
    area: str
    urgency: str | None
    cause: str | None
    level: str | None
    recipient: str | None
    """None: nobody was on duty up to the root."""
    raised_at: datetime | None
    open: bool
    answered_by: str | None
    answered_at: datetime | None


class AlertList(BaseModel):
    """For each case its last alert, newest first."""

    alerts: list[Alert]
    next: str | None
    """Send it back as `after` for the page behind this one; none on the last."""
    late: list[LateCases]
    """Beside the first page: cases of these days that reached us too late to alert for each."""


class AlertReached(BaseModel):
    """The version of the case's alerts after the answer."""

    alert_id: UUID
    case_id: UUID
    version: int


@router.get("/alerts", dependencies=[after_position], operation_id="read_alerts")
async def read_alerts(
    parts: Parts,
    staff: Reader,
    state: Show = Show.OPEN,
    mine: bool = False,
    area: AreaPath | None = None,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> AlertList:
    """Alerts in your areas. `mine`: those for you, and for a supervisor those that nobody was there for."""
    wanted = Wanted(
        open_only=state is Show.OPEN,
        area=area,
        recipient=staff.id if mine else None,
        or_nobodys="supervisor" in staff.roles,
    )
    async with scoped(parts.application, staff.areas) as connection:
        rows = await alert_list.alerts_of(connection, staff.areas, wanted, _page_after(after), limit)
        late = [] if after else await late_cases_since(connection, staff.areas, (now() - LATE_CASES_SHOWN).date())
    following = _page_mark(rows[-1]) if len(rows) == limit else None
    return AlertList(alerts=[_alert(row) for row in rows], next=following, late=late)


@router.post("/alerts/{alert_id}/acknowledge", operation_id="acknowledge_alert")
async def acknowledge(desk: AnsweringDesk, alert_id: UUID) -> AlertReached:
    """Say that you answer for the case, whether or not the alert was for you; if it is nobody's, it becomes yours."""
    async with scoped(desk.parts.application, desk.staff.areas) as connection:
        case_id = await case_of(connection, desk.staff.areas, alert_id)
    if case_id is None:
        raise ProblemError(
            404,
            "unknown-alert",
            "There is no such alert",
            "Check the id; it may lie outside your areas.",
        )
    outcome = await desk.carry_out(ALERTS, case_id, AcknowledgeAlert(alert_id, desk.staff.id))
    return AlertReached(alert_id=alert_id, case_id=case_id, version=outcome.version)


def _alert(row: AlertRow) -> Alert:
    assert row.alert is not None
    return Alert(
        alert_id=row.alert,
        case_id=row.case_id,
        link=f"/desk#{row.case_id}",
        reference=row.reference,
        category=row.category,
        area=row.area,
        urgency=row.urgency,
        cause=row.cause,
        level=row.level,
        recipient=row.recipient,
        raised_at=row.raised_at,
        open=row.open,
        answered_by=row.answered_by,
        answered_at=row.answered_at,
    )


def _page_mark(row: AlertRow) -> str:
    assert row.raised_at is not None
    return urlsafe_b64encode(f"{row.raised_at.isoformat()}|{row.case_id}".encode()).decode()


def _page_after(mark: str | None) -> After | None:
    if mark is None:
        return None
    try:
        raised_at, case_id = urlsafe_b64decode(mark).decode().split("|")
        after = After(datetime.fromisoformat(raised_at), UUID(case_id))
    except ValueError:
        after = None
    if after is None or after.raised_at.tzinfo is None:
        raise unprocessable("after", "is not the mark of a page", "Send `next` of the page before, or nothing.")
    return after
