"""Server-sent events of the live feed: numbered by our log, so that whoever comes back goes on where they were."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from time import monotonic
from typing import Annotated, Any, NamedTuple

import orjson
from fastapi import Header, Query
from fastapi.responses import StreamingResponse

from services.chassis.clock import now
from services.chassis.problems import unprocessable
from services.contracts.envelope import Recorded
from services.notifications.feed import Mark

MEDIA_TYPE = "text/event-stream"
_ID = {"pattern": "^[0-9]{1,18}$"}

LIFE_SECONDS = 300.0
"""Then a stream ends: whoever listens comes back by itself, and is asked anew who they are.

So nobody listens on whose session was ended, for longer than a session goes without the provider's word."""
_RETRY = b"retry: 1000\n\n"

Told = AsyncGenerator[Recorded | Mark]


class Message(NamedTuple):
    """What one event says to its listener; `data` becomes JSON."""

    event: str
    data: Any


async def resumed_after(
    last_event_id: Annotated[
        str | None, Header(description="The `id` that you were told last.", json_schema_extra=_ID)
    ] = None,
    after: Annotated[
        str | None, Query(description="The same, for the first time: the header goes before it.", json_schema_extra=_ID)
    ] = None,
) -> int | None:
    """A dependency: the position behind which to go on; none: from now on."""
    field, said = ("Last-Event-ID", last_event_id) if last_event_id else ("after", after)
    if not said:
        return None
    if not said.isascii() or not said.isdigit() or len(said) > 18:
        raise unprocessable(field, "is not the id of an event of this stream", "Send one back as it came, or none.")
    return int(said)


async def streamed(told: Told, write: Callable[[Recorded], Awaitable[Message]]) -> StreamingResponse:
    """An answer that goes on; it begins when the feed has begun, so that a fault before that is an answer of its own.

    Raises:
        StoreUnavailable: the log can't be read just now.
    """
    first = await anext(told)

    async def body() -> AsyncGenerator[bytes]:
        until = monotonic() + LIFE_SECONDS
        async with aclosing(told):
            yield _RETRY
            yield await _block(first, write)
            async for one in told:
                yield await _block(one, write)
                if monotonic() > until:
                    return

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(body(), media_type=MEDIA_TYPE, headers=headers)


async def _block(one: Recorded | Mark, write: Callable[[Recorded], Awaitable[Message]]) -> bytes:
    if isinstance(one, Mark):
        event, data = "anew" if one.anew else "alive", {"at": now().isoformat(timespec="milliseconds")}
    else:
        event, data = await write(one)
    sign = b": alive\n" if isinstance(one, Mark) else b""
    return b"%bid: %d\nevent: %b\ndata: %b\n\n" % (sign, one.position, event.encode(), orjson.dumps(data))
