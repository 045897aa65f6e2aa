"""One report, by a resident or for one."""

from fastapi import APIRouter, Response

from services.chassis import http
from services.chassis.http import IdempotencyKey, TraceParent
from services.intake.endpoints.door import TheDoor
from services.intake.taking import ReportForm, TakenReport, take

router = APIRouter()


@router.post("/reports", status_code=201, operation_id="report")
async def report(
    door: TheDoor, form: ReportForm, key: IdempotencyKey, traceparent: TraceParent, response: Response
) -> TakenReport:
    """Report a trouble. Sent again under the same key, it gets the same answer and is taken once."""
    taken, position = await take(door, form, key, traceparent)
    response.headers[http.POSITION] = str(position)
    return taken
