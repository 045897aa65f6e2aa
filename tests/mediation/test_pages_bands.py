"""The bands of the desk: every open case lies in exactly one, wherever the clock stands, and an index finds it."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from services.chassis.clock import now
from services.chassis.database import scoped
from services.mediation.read_models.bands import Band, Moments, Narrowed, cases_in, count_in, query_of
from services.mediation.read_models.caseload import State, case_of
from tests.mediation.office import Office
from tests.services import keyed, staff

AREA = "/lakeside/east/reed-bank/"
MEI = staff("cadre", AREA, subject="mei")
SOLUTION = {"resolution": "explained", "explanation": "Mended.", "language": "en"}


async def done(office: Office, case: UUID, act: str, body: object) -> None:
    path = f"/api/mediation/v1/cases/{case}/{act}"
    answer = await office.client.post(path, headers={**MEI, **keyed()}, json=body)
    assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
async def cases(office: Office) -> dict[str, UUID]:
    """One of each, in an area of their own."""
    await office.register(AREA)
    [open_one, taken, solved, merged] = await office.report(AREA, times=4)
    [history] = await office.report(AREA, imported=True)
    await done(office, taken, "acknowledge", {})
    await done(office, solved, "resolve", SOLUTION)
    await done(office, merged, "merge", {"into": str(taken)})
    await office.project()
    return {"open": open_one, "taken": taken, "solved": solved, "merged": merged, "history": history}


async def bands_of(office: Office, moments: Moments, narrowed: Narrowed | None = None) -> dict[UUID, list[Band]]:
    found: dict[UUID, list[Band]] = {}
    async with scoped(office.service.application, [AREA]) as connection:
        for band in Band:
            rows = await cases_in(connection, [AREA], band, moments, narrowed or Narrowed(), 100)
            assert len(rows) == await count_in(connection, [AREA], band, moments, narrowed or Narrowed())
            for row in rows:
                found.setdefault(row.case_id, []).append(band)
    return found


def moments(at: datetime) -> Moments:
    return Moments(at, at + timedelta(hours=4), at + timedelta(days=7))


@pytest.mark.parametrize(
    ("left", "band"),
    [
        (timedelta(days=20), Band.LATER),
        (timedelta(days=7), Band.LATER),
        (timedelta(days=7) - timedelta(seconds=1), Band.WEEK),
        (timedelta(hours=4), Band.WEEK),
        (timedelta(hours=4) - timedelta(seconds=1), Band.TODAY),
        (timedelta(0), Band.TODAY),
        (timedelta(seconds=-1), Band.OVERDUE),
        (timedelta(days=-30), Band.OVERDUE),
    ],
)
@pytest.mark.parametrize("which", ["open", "taken"])
async def test_every_open_case_lies_in_exactly_one_band(
    office: Office, cases: dict[str, UUID], which: str, left: timedelta, band: Band
) -> None:
    async with scoped(office.service.application, [AREA]) as connection:
        row = await case_of(connection, cases[which])
    assert row is not None
    assert row.due_at is not None
    found = await bands_of(office, moments(row.due_at - left))
    assert found[cases[which]] == [band]
    assert found.keys() == set(cases.values())
    assert all(len(bands) == 1 for bands in found.values())
    assert found[cases["solved"]] == found[cases["merged"]] == [Band.WAITING]
    assert found[cases["history"]] == [Band.UNDATED]


async def test_a_band_is_narrowed_to_what_is_asked(office: Office, cases: dict[str, UUID]) -> None:
    at = moments(now())
    assert set(await bands_of(office, at, Narrowed(owner="mei"))) == {cases["taken"], cases["solved"]}
    assert set(await bands_of(office, at, Narrowed(nobodys=True))) == {
        cases["open"], cases["merged"], cases["history"],
    }  # fmt: skip
    assert set(await bands_of(office, at, Narrowed(state=State.RESOLVED))) == {cases["solved"]}
    assert await bands_of(office, at, Narrowed(area="/lakeside/west/")) == {}


@pytest.mark.parametrize(
    ("band", "index"),
    [
        (Band.OVERDUE, "caseload_due"),
        (Band.TODAY, "caseload_due"),
        (Band.WEEK, "caseload_due"),
        (Band.LATER, "caseload_due"),
        (Band.WAITING, "caseload_waiting"),
        (Band.UNDATED, "caseload_undated"),
    ],
)
async def test_an_index_leads_to_each_band_in_its_order(
    office: Office, cases: dict[str, UUID], band: Band, index: str
) -> None:
    query = query_of([AREA], band, moments(now()), Narrowed(), 30)
    dialect = postgresql.dialect()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    told = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    async with office.service.worker.begin() as connection:
        # Of a few rows the planner reads all; this asks whether it could do otherwise.
        for off in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
            await connection.execute(text(f"SET LOCAL {off} = off"))
        plan = "\n".join((await connection.exec_driver_sql(f"EXPLAIN {told}")).scalars())
    assert index in plan
    assert Counter(plan.split())["Sort"] == 0, plan
