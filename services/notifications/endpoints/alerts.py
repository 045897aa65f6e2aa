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
from services.chassis.problems import unprocessable
from services.contracts.event import AreaPath
from services.notifications.answering import ON_DUTY, acknowledging
from services.notifications.domain.decider import ALERTS
from services.notifications.endpoints.desk import Desk, Parts, Reader, after_position, desk_for
from services.notifications.read_models import alert_list
from services.notifications.read_models.alert_list import After, AlertRow, AlertState, Wanted
from services.notifications.read_models.late_cases import LateCases, late_cases_since

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
    kind: str
    category: str
    area: str
    urgency: str
    cause: str
    level: str
    recipient: str | None
    """None: nobody was on duty up to the root."""
    step: int
    """How many were told of it before, one after the other."""
    raised_at: datetime
    answer_by: datetime | None
    """When the next is told, or nobody is left and the case goes up."""
    open: bool
    state: AlertState
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
    case_id, command = await acknowledging(desk.parts, desk.staff, alert_id)
    outcome = await desk.carry_out(ALERTS, case_id, command, request=f"acknowledge {alert_id}")
    return AlertReached(alert_id=alert_id, case_id=case_id, version=outcome.version)


def _alert(row: AlertRow) -> Alert:
    return Alert(
        alert_id=row.alert,
        case_id=row.case_id,
        link=f"/desk/cases/{row.case_id}",
        reference=row.reference,
        kind=row.kind,
        category=row.category,
        area=row.area,
        urgency=row.urgency,
        cause=row.cause,
        level=row.level,
        recipient=row.recipient,
        step=row.step,
        raised_at=row.raised_at,
        answer_by=row.answer_by,
        open=row.open,
        state=AlertState(row.state),
        answered_by=row.answered_by,
        answered_at=row.answered_at,
    )


def _page_mark(row: AlertRow) -> str:
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
