"""The live line for programs: alerts and duty of one's areas as they happen."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from services.contracts.envelope import Recorded
from services.notifications.endpoints.desk import Reader
from services.notifications.feed import Feed
from services.notifications.streaming import MEDIA_TYPE, Message, resumed_after, streamed

router = APIRouter()


@router.get(
    "/alerts:stream",
    operation_id="stream_alerts",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "Goes on"}},
)
async def stream_alerts(
    request: Request, staff: Reader, after: Annotated[int | None, Depends(resumed_after)]
) -> StreamingResponse:
    """Every alert and every change of duty in your areas, each under its type, with who, where and when.

    Send the last `id` back as `Last-Event-ID` and nothing is missed or told twice. `alive` comes every 15 seconds;
    `anew` says that the log was restored to a time before your last `id`: read the list again.
    """
    feed: Feed = request.app.state.feed
    return await streamed(feed.listen(staff.areas, after), _message)


async def _message(recorded: Recorded) -> Message:
    told = {
        "stream_id": str(recorded.stream_id),
        "version": recorded.version,
        "area": recorded.area,
        "occurred_at": recorded.occurred_at,
        "recorded_at": recorded.recorded_at,
        "data": orjson.Fragment(recorded.data),
    }
    return Message(recorded.type, told)
