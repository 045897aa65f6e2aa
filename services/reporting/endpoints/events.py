"""The cursor feed: the events of an area for programs that have no Kafka."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from services.chassis.problems import Problem, unprocessable
from services.contracts.catalogue import EVENTS
from services.contracts.event import AreaPath
from services.reporting.feed import MEDIA_TYPE, Feed, batch
from services.reporting.reading import EventReader

router = APIRouter()

LONGEST_WAIT = 20

_EVENT = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "subject", "time", "area", "cursor", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        **{name: {"type": "string"} for name in ("id", "source", "type", "subject", "area", "cursor")},
        **{name: {"type": "string", "format": "date-time"} for name in ("time", "recordedtime")},
        "data": {"type": "object"},
    },
}


@router.get(
    "/events",
    operation_id="read_on",
    response_class=Response,
    responses={
        200: {
            "content": {MEDIA_TYPE: {"schema": {"type": "array", "items": _EVENT}}},
            "description": "CloudEvents 1.0, a batch in JSON; `Link: rel=next` leads on",
            "headers": {"Link": {"schema": {"type": "string"}, "description": "Where to read on; follow it always"}},
        },
        410: {"model": Problem, "description": "The log was restored from a backup: begin again"},
    },
)
async def read_on(
    request: Request,
    reader: EventReader,
    after: Annotated[
        str,
        Query(
            pattern=r"^(0|now|[0-9]{1,9}-[0-9]{1,18})$",
            description="`cursor` of the last event that you have; 0: from the beginning; now: only what is to come.",
        ),
    ] = "0",
    area: Annotated[AreaPath | None, Query(description="Path prefix; yours if you have but one.")] = None,
    types: Annotated[
        str | None, Query(max_length=2000, description="Only these, with commas between: `case.opened,case.resolved`.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    wait: Annotated[
        int, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the next event if there is none yet.")
    ] = 0,
) -> Response:
    """What was published of an area, in the order in which it arrived, each event at least once.

    Drop what comes twice by `source` and `id`. The order holds within one source's stream (`subject`); between two
    services it is that of arrival. No event holds anything personal.
    """
    feed: Feed = request.app.state.feed
    asked = reader.events(area, types_of(types))
    found = await feed.read(asked, await feed.begin(after), limit, wait)
    onward = {"after": str(found.upto), "area": asked.area, "limit": limit}
    if types is not None:
        onward["types"] = types
    if wait:
        onward["wait"] = wait
    link = f'<{request.url.path}?{urlencode(onward, safe="/,")}>; rel="next"'
    return Response(batch(found), media_type=MEDIA_TYPE, headers={"Link": link})


def types_of(text: str | None) -> list[str] | None:
    """Raises ProblemError: 422, one of them is none of ours."""
    if text is None:
        return None
    types = [one.strip() for one in text.split(",") if one.strip()]
    if not types or not EVENTS.keys() >= set(types):
        raise unprocessable("types", "names an event that there is not", f"Take of these: {', '.join(EVENTS)}.")
    return types
