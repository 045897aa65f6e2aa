"""Cases of a community that mediation has not heard of yet: their dates wait for its clock, others not for long."""

from datetime import time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from services.chassis.ids import new_id
from services.chassis.passing import Passing
from services.contracts.cases import CaseOpened
from services.contracts.deadlines import Rule
from services.contracts.envelope import Recorded
from services.mediation import circumstances
from services.mediation.circumstances import ASKED_AGAIN_SECONDS, PATIENCE_SECONDS
from services.mediation.read_models.feeds import COMMANDS_CONSUMER
from tests.mediation.happened import EAST
from tests.mediation.office import Office, recorded, reported
from tests.services import keyed, staff

SHANGHAI = ZoneInfo("Asia/Shanghai")
SUPERVISOR = staff("supervisor", EAST, subject="ana")
MEDIATOR = staff("mediator", EAST, subject="lin")


def a_report(*, imported: bool = False) -> Recorded:
    """From a community of its own."""
    area = f"{EAST}unheard-of-{new_id().hex[-8:]}/"
    return recorded(reported(area, imported=imported), new_id(), area)


async def closing_hours(office: Office, case: UUID) -> set[time]:
    """The times of day, in Shanghai, that the case was promised to be done by, and explained by."""
    [event] = [event for one in await office.events_of(case) if isinstance(event := one.event(), CaseOpened)]
    ends = [one.due_at for one in event.deadlines if one.rule in (Rule.DONE, Rule.SAME_DAY)]
    return {end.astimezone(SHANGHAI).time() for end in ends}


async def test_a_case_that_comes_before_its_community_waits_for_its_clock(office: Office) -> None:
    report = a_report()
    with pytest.raises(Passing):
        await office.told(COMMANDS_CONSUMER, report)
    assert await office.types_of(report.stream_id) == []
    await office.register(report.area)
    await office.told(COMMANDS_CONSUMER, report)
    assert await closing_hours(office, report.stream_id) == {time(18)}


async def test_it_waits_so_long_and_is_then_counted_by_utc_until_the_clock_is_known(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So long as it could ask: while the database was away nothing was waited for."""
    report, other = a_report(), a_report()
    away = 2 * ASKED_AGAIN_SECONDS
    for at in (0.0, *(away + 5 * n for n in range(int(PATIENCE_SECONDS) // 5))):
        monkeypatch.setattr(circumstances, "monotonic", lambda at=at: at)
        with pytest.raises(Passing):
            await office.told(COMMANDS_CONSUMER, report, other)
    monkeypatch.setattr(circumstances, "monotonic", lambda: away + PATIENCE_SECONDS)
    with capture_logs() as logs:
        await office.told(COMMANDS_CONSUMER, report, other)
    told = {(one["log_level"], one["area"]) for one in logs}
    assert told == {("warning", report.area), ("warning", other.area)}, "they were waited for together"
    assert await closing_hours(office, report.stream_id) == {time(2)}, "six in the evening, by UTC"
    await office.register(report.area)
    later = recorded(reported(report.area), new_id(), report.area)
    await office.told(COMMANDS_CONSUMER, later)
    assert await closing_hours(office, later.stream_id) == {time(18)}


async def test_history_needs_no_clock(office: Office) -> None:
    report = a_report(imported=True)
    await office.told(COMMANDS_CONSUMER, report)
    assert await office.types_of(report.stream_id) == ["case.opened"]


@pytest.mark.parametrize(
    ("act", "who", "form"),
    [
        ("mediate", MEDIATOR, {"result": "agreed", "place": "home"}),
        ("dispatch", SUPERVISOR, {"unit": "water"}),
        ("escalate", SUPERVISOR, None),
        ("resolve", SUPERVISOR, {"resolution": "explained", "explanation": "Mended.", "language": "en"}),
        ("decline", SUPERVISOR, {"reason": "outside_remit", "explanation": "Ask the owner.", "language": "en"}),
    ],
)
async def test_what_gives_a_date_is_not_done_before_the_clock_is_known(
    office: Office, act: str, who: dict[str, str], form: Any
) -> None:
    report = a_report(imported=True)
    await office.told(COMMANDS_CONSUMER, report)
    path = f"/api/mediation/v1/cases/{report.stream_id}/{act}"
    answer = await office.client.post(path, headers={**who, **keyed()}, json=form)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "2"), answer.text
    assert await office.types_of(report.stream_id) == ["case.opened"]
