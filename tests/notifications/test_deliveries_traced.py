"""A message stands in the trace of what it tells of, by its outcome; whom it goes to stands nowhere."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from services.chassis.clock import now
from services.chassis.eventstore import Append, NewEvent
from services.chassis.ids import new_id
from services.chassis.tracing import Tracing, spans_in
from services.contracts.alerts import AlertCause, AlertRaised
from services.contracts.cases import Kind, Urgency
from services.contracts.event import StreamKind
from services.notifications.deliveries.sending import sender
from tests.intake.door import AREA
from tests.notifications.post_office import DUE, PostOffice

ADDRESS = "zxqvy.trace@home.example"


async def test_an_alert_s_message_is_below_the_alert(post_office: PostOffice, tmp_path: Path) -> None:
    await post_office.clear()
    reader = f"cadre-{secrets.token_hex(4)}"
    await post_office.reached_at(reader, email=ADDRESS)
    trace, cause = secrets.token_hex(16), secrets.token_hex(8)
    case = await _raised(post_office, reader, f"00-{trace}-{cause}-01")
    tracing = Tracing.into("notifications", spans_in(tmp_path, "notifications"))
    service = replace(post_office.service, tracing=tracing)

    assert await post_office.send(by=sender(service, post_office.settings)) == 1
    tracing.close()

    assert post_office.letterbox.recipients == [ADDRESS]
    [span] = _spans(tmp_path)
    assert (span["name"], span["trace"], span["parent"]) == ("deliver", trace, cause)
    assert span["attributes"] == {"doorstep.stream": case, "doorstep.outcome": "sent"}
    assert ADDRESS not in str(span)
    assert reader not in str(span)


async def _raised(post_office: PostOffice, reader: str, cause: str) -> str:
    """An alert in notifications' own log, and known to its deliveries."""
    case = new_id()
    raised = AlertRaised(
        alert=new_id(),
        cause=AlertCause.OPENED,
        level=AREA,
        recipient=reader,
        kind=Kind.FAULT,
        category="water-leak",
        urgency=Urgency.URGENT,
        answer_by=DUE,
    )
    event = NewEvent.of(raised, now())
    append = Append(case, StreamKind.CASE, AREA, 0, f"test:{case}", b"f", "doorstep", [event], traceparent=cause)
    await post_office.service.store.append([append])
    async with post_office.service.worker.connect() as connection:
        await post_office.tell(*await post_office.service.store.read_stream(connection, case))
    return str(case)


def _spans(folder: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for file in folder.glob("*.jsonl") for line in file.read_bytes().splitlines()]
