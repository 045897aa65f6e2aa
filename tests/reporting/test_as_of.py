"""A live case as it was known at every turn: reported, escalated, resolved, reopened, resolved again, withdrawn."""

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.contracts import cases
from services.contracts.cases import CaseResolved, Resolution
from tests.conftest import Databases
from tests.reporting.bureau import Bureau, bureau, happened, registered
from tests.reporting.test_case_fact import AREA, DECLINED, ESCALATED, OPENED, REOPENED, REPORTED
from tests.services import staff

CADRE = staff("cadre", AREA)
DAWN = datetime(2026, 3, 1, 6, tzinfo=UTC)
OTHER = UUID(int=77)


def resolved(day: int) -> CaseResolved:
    return CaseResolved(resolution=Resolution.EXPLAINED, resolved_on=date(2026, 3, day))


def on(day: int, hour: int = 0) -> datetime:
    return DAWN + timedelta(days=day - 1, hours=hour)


@pytest.fixture(scope="module")
async def told(postgres: Databases) -> AsyncGenerator[Bureau]:
    """Only to be read."""
    case, mediation = UUID(int=7), "mediation"
    events = [
        happened(REPORTED, case, 1, at=on(1)),
        happened(OPENED, case, 1, source=mediation, at=on(1, 1)),
        happened(ESCALATED, case, 2, source=mediation, at=on(2)),
        happened(resolved(3), case, 3, source=mediation, at=on(3)),
        happened(REOPENED, case, 4, source=mediation, at=on(5)),
        happened(resolved(9), case, 5, source=mediation, at=on(9)),
        happened(REPORTED, OTHER, 1, at=on(4)),
        happened(cases.CaseWithdrawn(), OTHER, 2, at=on(6)),
    ]
    async with bureau(postgres) as open_bureau:
        yield await open_bureau.learn(registered([AREA]) + events)


@pytest.fixture(scope="module")
async def refused(postgres: Databases) -> AsyncGenerator[Bureau]:
    """Only to be read: a case that was declined, taken up on appeal, and declined again."""
    case, mediation = UUID(int=7), "mediation"
    closed = cases.CaseClosed(closure=cases.Closure.DECLINED)
    events = [
        happened(REPORTED, case, 1, at=on(1)),
        happened(OPENED, case, 1, source=mediation, at=on(1, 1)),
        happened(DECLINED, case, 2, source=mediation, at=on(3)),
        happened(closed, case, 3, source=mediation, at=on(3)),
        happened(REOPENED, case, 4, source=mediation, at=on(5)),
        happened(DECLINED, case, 5, source=mediation, at=on(9)),
        happened(closed, case, 6, source=mediation, at=on(9)),
    ]
    async with bureau(postgres) as open_bureau:
        yield await open_bureau.learn(registered([AREA]) + events)


@pytest.mark.parametrize(
    ("at", "reported", "open_", "resolved_", "withdrawn", "escalated", "median"),
    [
        (on(1) - timedelta(seconds=1), 0, 0, 0, 0, 0, None),
        (on(1), 1, 1, 0, 0, 0, None),
        (on(2), 1, 1, 0, 0, 1, None),
        (on(3), 1, 0, 1, 0, 1, 2),
        (on(4), 2, 1, 1, 0, 1, 2),
        (on(5), 2, 2, 0, 0, 1, None),
        (on(6), 2, 1, 0, 1, 1, None),
        (on(9), 2, 0, 1, 1, 1, 8),
    ],
)
async def test_as_it_was_known_then(
    told: Bureau,
    at: datetime,
    reported: int,
    open_: int,
    resolved_: int,
    withdrawn: int,
    escalated: int,
    median: int | None,
) -> None:
    answer = await told.indicators(CADRE, as_of=at.isoformat())
    found = {indicator["name"]: indicator["value"] for indicator in answer["indicators"]}
    assert found == found | {
        "reported": reported,
        "open": open_,
        "resolved": resolved_,
        "withdrawn": withdrawn,
        "escalated": escalated,
        "days_to_resolution_median": median,
    }


@pytest.mark.parametrize(("at", "stands"), [(on(2), "open"), (on(3), "declined"), (on(5), "open"), (on(9), "declined")])
async def test_what_was_declined_waits_only_from_the_appeal_on(refused: Bureau, at: datetime, stands: str) -> None:
    """Reported = open + resolved + withdrawn + declined, at any time."""
    answer = await refused.indicators(CADRE, as_of=at.isoformat())
    found = {indicator["name"]: indicator["value"] for indicator in answer["indicators"]}
    assert found["reported"] == 1
    assert {name for name in ("open", "resolved", "withdrawn", "declined") if found[name]} == {stands}


async def test_the_event_behind_a_refusal_is_the_one_that_stood_then(refused: Bureau) -> None:
    for at, versions in ((on(3), [2]), (on(5), []), (on(9), [5])):
        answer = await refused.client.get(
            "/api/reporting/v1/indicators/declined/events", params={"as_of": at.isoformat()}, headers=CADRE
        )
        assert [event["version"] for event in answer.json()["events"]] == versions


async def test_a_declined_case_that_is_then_withdrawn_counts_once(empty: Bureau) -> None:
    events = [
        happened(REPORTED, OTHER, 1, at=on(1)),
        happened(DECLINED, OTHER, 1, source="mediation", at=on(2)),
        happened(cases.CaseWithdrawn(), OTHER, 2, at=on(3)),
    ]
    await empty.learn(registered([AREA]) + events)
    answer = await empty.indicators(CADRE)
    found = {indicator["name"]: indicator["value"] for indicator in answer["indicators"]}
    assert found == found | {"reported": 1, "open": 0, "withdrawn": 0, "declined": 1}


async def test_a_clock_ahead_of_ours_hides_nothing(empty: Bureau) -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=5)
    await empty.learn([happened(REPORTED, OTHER, 1, at=ahead)])
    answer = await empty.indicators(CADRE)
    assert next(one["value"] for one in answer["indicators"] if one["name"] == "reported") == 1


async def test_the_event_behind_a_resolution_is_the_one_that_stood_then(told: Bureau) -> None:
    for at, version in ((on(4), 3), (on(9), 5)):
        answer = await told.client.get(
            "/api/reporting/v1/indicators/resolved/events", params={"as_of": at.isoformat()}, headers=CADRE
        )
        assert [event["version"] for event in answer.json()["events"]] == [version]


async def test_a_read_that_sends_its_position_waits_for_it(told: Bureau) -> None:
    url = "/api/reporting/v1/indicators"
    known = {"Doorstep-Position": f"intake:{OTHER}:2"}
    answer = await told.client.get(url, headers=CADRE | known)
    assert "Doorstep-Behind" not in answer.headers
    unknown = {"Doorstep-Position": f"intake:{OTHER}:3"}
    for late in (url, "/board"):
        answer = await told.client.get(late, headers=CADRE | unknown)
        assert answer.status_code == 200
        assert answer.headers["Doorstep-Behind"] == f"intake:{OTHER}:3"
