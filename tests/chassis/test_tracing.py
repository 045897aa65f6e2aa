"""Traces: one tree from a request to all that it causes, and not a word about who asked or what was said."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from pydantic import ValidationError

from deploy.local.postgres import Dsns
from services.chassis.commands import Intent, handle, handle_all
from services.chassis.database import engine
from services.chassis.eventstore import EventStore
from services.chassis.ids import new_id
from services.chassis.settings import ServiceSettings
from services.chassis.tracing import OFF, Tracing, spans_in, traceparent_of
from services.intake.app import intake
from services.intake.read_models.feeds import READ_MODELS as INTAKE_MODELS
from services.intake.settings import IntakeSettings
from services.mediation.app import mediation
from services.mediation.read_models.feeds import READ_MODELS as MEDIATION_MODELS
from services.mediation.settings import MediationSettings
from services.notifications.app import notifications
from services.notifications.read_models.feeds import READ_MODELS as NOTIFICATIONS_MODELS
from services.notifications.settings import NotificationsSettings
from tests.chassis.test_commands import AT, GIVING
from tests.conftest import Databases
from tests.intake.door import API, NOBODY
from tests.services import keyed, migrated, random_key, running, settings_for, staff

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CAUSE = f"00-{TRACE}-{CALLER}-01"


def spans(folder: Path) -> list[dict[str, Any]]:
    """All that was kept, of all services."""
    return [orjson.loads(line) for file in sorted(folder.glob("*.jsonl*")) for line in file.read_bytes().splitlines()]


def traced(folder: Path, service: str = "chassis") -> Tracing:
    return Tracing.into(service, spans_in(folder, service))


@pytest.fixture
async def store(chassis_database: Dsns, tmp_path: Path) -> AsyncGenerator[EventStore]:
    application, worker = engine(chassis_database.application, "test"), engine(chassis_database.worker, "test")
    async with EventStore("chassis", application, worker, traced(tmp_path)).open() as store:
        yield store
    store.tracing.close()
    await application.dispose()
    await worker.dispose()


def giving(owner: str, cause: str | None) -> Intent[str]:
    stream = new_id()
    return Intent(stream, owner, f"{stream}:{owner}", b"f", "somebody", AT, "/lakeside/", traceparent=cause)


async def causes_in(store: EventStore) -> list[str | None]:
    async with store.worker.connect() as connection:
        return [recorded.traceparent for recorded in await store.read(connection, 0, 1000)]


async def test_an_event_s_cause_is_the_span_of_its_command_below_what_caused_that(
    store: EventStore, tmp_path: Path
) -> None:
    given = giving("mei", CAUSE)
    await handle(store, GIVING, given)
    store.tracing.flush()
    [span] = spans(tmp_path)
    assert (span["service"], span["trace"], span["parent"]) == ("chassis", TRACE, CALLER)
    assert await causes_in(store) == [f"00-{TRACE}-{span['span']}-01"]
    assert span["attributes"] == {"doorstep.commands": 1, "doorstep.stream": str(given.stream)}
    assert 0 < span["end_ns"] - span["start_ns"] < 10**10


async def test_many_commands_of_one_cause_share_one_span(store: EventStore, tmp_path: Path) -> None:
    await handle_all(store, GIVING, [giving("mei", CAUSE) for _ in range(40)])
    store.tracing.flush()
    [span] = spans(tmp_path)
    assert span["attributes"] == {"doorstep.commands": 40}
    assert set(await causes_in(store)) == {f"00-{TRACE}-{span['span']}-01"}


async def test_commands_without_a_cause_begin_traces_of_their_own_unless_they_are_too_many(
    store: EventStore, tmp_path: Path
) -> None:
    await handle_all(store, GIVING, [giving("mei", None), giving("ann", None)])
    await handle_all(store, GIVING, [giving("mei", None) for _ in range(300)])
    store.tracing.flush()
    told = spans(tmp_path)
    assert len({span["trace"] for span in told}) == 2
    assert [span["parent"] for span in told] == [None, None]
    assert sum(cause is None for cause in await causes_in(store)) == 300


async def test_a_refused_command_says_so_by_its_rule_alone(store: EventStore, tmp_path: Path) -> None:
    first = giving("mei", CAUSE)
    again = Intent(first.stream, "mei", "another key", b"f", "somebody", AT, traceparent=CAUSE)
    await handle(store, GIVING, first)
    await handle_all(store, GIVING, [again])
    store.tracing.flush()
    assert [span["attributes"].get("doorstep.refused") for span in spans(tmp_path)] == [None, "AlreadyTheirs"]


async def test_without_traces_an_event_keeps_the_cause_it_was_told(chassis_database: Dsns) -> None:
    application, worker = engine(chassis_database.application, "test"), engine(chassis_database.worker, "test")
    async with EventStore("chassis", application, worker).open() as store:
        await handle(store, GIVING, giving("mei", CAUSE))
        assert await causes_in(store) == [CAUSE]
    await application.dispose()
    await worker.dispose()


def test_without_traces_nothing_that_makes_or_sends_them_is_loaded() -> None:
    asked = (
        "import sys, services.intake.app\n"
        "from services.chassis.tracing import Tracing\n"
        "Tracing.of('intake', '')\n"
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


def test_an_error_leaves_its_class_and_never_its_words(tmp_path: Path) -> None:
    tracing = traced(tmp_path)
    with pytest.raises(ValueError, match="secret"), tracing.span("work", None):
        raise ValueError("a secret that a resident told")
    tracing.close()
    [span] = spans(tmp_path)
    assert span["attributes"] == {"error.type": "ValueError"}
    assert "secret" not in str(span)


def test_a_batch_is_below_its_one_cause_or_linked_to_all(tmp_path: Path) -> None:
    other = f"00-{'1' * 32}-{'2' * 16}-01"
    tracing = traced(tmp_path)
    with tracing.batch("take", [CAUSE, CAUSE], "consumer"), tracing.batch("take", [CAUSE, other, "broken"], "consumer"):
        pass
    tracing.close()
    linked, below = spans(tmp_path)
    assert (below["trace"], below["parent"], below["links"]) == (TRACE, CALLER, [])
    assert (linked["parent"], linked["links"]) == (None, [[TRACE, CALLER], ["1" * 32, "2" * 16]])
    assert linked["trace"] != TRACE


def test_files_stay_below_their_bound_and_keep_the_newest(tmp_path: Path) -> None:
    tracing = Tracing.into("chassis", spans_in(tmp_path, "chassis", largest=4_000))
    for nth in range(200):
        with tracing.span(f"work {nth}", None):
            pass
        if nth % 10 == 9:
            tracing.flush()
    tracing.close()
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["chassis.jsonl", "chassis.jsonl.1"]
    assert all(file.stat().st_size < 4_000 + 10 * 400 for file in tmp_path.iterdir())
    assert "work 199" in {span["name"] for span in spans(tmp_path)}


def test_a_full_disk_costs_traces_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way of the folder")
    tracing = traced(tmp_path / "file")
    with tracing.span("work", CAUSE) as span:
        assert span.traceparent
        assert span.traceparent.startswith(f"00-{TRACE}-")
    tracing.close()


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"00-zz-1-01", CAUSE.encode() + b"0"])
def test_a_record_s_broken_trace_context_is_none(value: bytes | None) -> None:
    assert traceparent_of([("ce_id", b"1"), ("traceparent", value)]) is None


def test_a_record_s_trace_context_is_found() -> None:
    assert traceparent_of([("ce_id", b"1"), ("traceparent", CAUSE.encode())]) == CAUSE
    assert traceparent_of([("ce_id", b"1")]) is None


@pytest.mark.parametrize("place", ["yes", "file:relative", "ftp://somewhere"])
def test_a_place_that_is_none_is_refused_with_the_way_out(place: str) -> None:
    with pytest.raises(ValidationError, match="file:/a/folder"):
        ServiceSettings.model_validate({"traces": place})


def test_off_asks_for_nothing() -> None:
    assert Tracing.of("intake", "") is OFF
    with OFF.span("work", CAUSE) as span:
        assert span.traceparent == CAUSE


PHONE = "+86 10 5550 1234"
SENTENCE = "geese keep the whole lane awake"


async def test_a_report_s_trace_goes_through_intake_mediation_and_notifications(
    postgres: Databases, kafka: str, tmp_path: Path
) -> None:
    keys = {"receipt_key": random_key(), "credential_key": random_key(), "attachments": f"file:{tmp_path}"}
    told = {"mediation_url": NOBODY, "traces": f"file:{tmp_path}"}
    async with (
        migrated(postgres, "intake", chain(*INTAKE_MODELS.values())) as at_intake,
        migrated(postgres, "mediation", chain(*MEDIATION_MODELS.values())) as at_mediation,
        migrated(postgres, "notifications", chain(*NOTIFICATIONS_MODELS.values())) as at_notifications,
        running(intake(settings_for(IntakeSettings, at_intake, kafka, **keys, **told))) as door,
        running(mediation(settings_for(MediationSettings, at_mediation, kafka, **told))),
        running(notifications(settings_for(NotificationsSettings, at_notifications, kafka, **told))),
    ):
        case = await _report(door)
        raised = await _span_of(tmp_path, "RaiseAlert", case)
    told_spans = {span["span"]: span for span in spans(tmp_path)}

    way: list[tuple[str, str]] = []
    above: dict[str, Any] | None = raised
    while above:
        way.append((above["service"], above["name"]))
        above = told_spans.get(above["parent"])
    assert way == [
        ("notifications", "RaiseAlert"),
        ("mediation", "OpenCase"),
        ("intake", "TakeReport"),
        ("intake", "POST /reports"),
    ]
    taken = {(span["service"], span["name"]) for span in told_spans.values() if span["trace"] == raised["trace"]}
    assert {("intake", "publish"), ("mediation", "take mediation-cases")} <= taken or any(
        link[0] == raised["trace"] for span in told_spans.values() for link in span["links"]
    ), "the relay's and the consumers' work is beside it"
    kept = orjson.dumps(list(told_spans.values())).decode()
    assert "POST /reports" in kept, "the positive control must be found"
    for never in (PHONE, SENTENCE, "zxqv", "127.0.0.1", "python-httpx", "livez"):
        assert never not in kept


async def _report(door: httpx.AsyncClient) -> str:
    area = f"/traces-{uuid4().hex[:8]}/"
    place = {"area": area, "name": "Traces", "time_zone": "Asia/Shanghai"}
    made = await door.post(f"{API}/communities", json=place, headers=staff("operator"))
    seen = {"Doorstep-Position": made.headers["Doorstep-Position"]}
    for _ in range(30):
        if "Doorstep-Behind" not in (await door.get(f"{API}/communities", headers=seen)).headers:
            break
    form = {"community": made.json()["community_id"], "kind": "fault", "category": "water-leak"}
    marked = {"text": SENTENCE, "phone": PHONE}
    headers = {**keyed(), "User-Agent": "zxqv", "X-Forwarded-For": "127.0.0.1"}
    answer = await door.post(f"{API}/reports?who=zxqv", json={**form, **marked}, headers=headers)
    assert answer.status_code == 201
    await door.get("/api/intake/livez")
    return answer.json()["case_id"]


async def _span_of(folder: Path, name: str, stream: str) -> dict[str, Any]:
    deadline = asyncio.get_running_loop().time() + 60
    while True:
        for span in await asyncio.to_thread(spans, folder):
            if span["name"] == name and span["attributes"].get("doorstep.stream") == stream:
                return span
        assert asyncio.get_running_loop().time() < deadline, f"no {name} of {stream}"
        await asyncio.sleep(0.1)
