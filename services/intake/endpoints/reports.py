"""One report, by a resident or for one."""

from fastapi import APIRouter, Request, Response

from services.chassis import http
from services.chassis.http import IdempotencyKey, TraceParent
from services.chassis.problems import TOO_MANY
from services.intake.endpoints.door import TheDoor
from services.intake.limits import client_of
from services.intake.taking import ReportForm, TakenReport, take

router = APIRouter()


@router.post("/reports", status_code=201, operation_id="report", responses=TOO_MANY)
async def report(
    request: Request,
    door: TheDoor,
    form: ReportForm,
    key: IdempotencyKey,
    traceparent: TraceParent,
    response: Response,
) -> TakenReport:
    """Report a trouble. Sent again under the same key, it gets the same answer and is taken once."""
    if client := client_of(request):
        door.limits.reports_of_a_client.take(client)
    taken, position = await take(door, form, key, traceparent)
    response.headers[http.POSITION] = str(position)
    return taken
