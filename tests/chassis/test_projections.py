"""Read models on real PostgreSQL: folded batch by batch, seen in scope only, each event once in any order."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Dsns
from services.chassis.database import engine, scoped
from services.chassis.generations import ensure
from services.chassis.projections import MisshapenModel, RebuildDue, concerned, fold, project
from services.chassis.taken import Taken
from services.contracts.cases import CaseErased
from services.contracts.envelope import Recorded
from tests.chassis.visits import COUNTS, VISITS, Visit, of_intake, of_mediation, recorded, visits


async def projected(worker: AsyncEngine, *events: Recorded) -> None:
    async with worker.begin() as connection:
        await project(connection, VISITS, [Taken(event) for event in events])


async def test_a_batch_is_folded_into_its_rows(owner: AsyncEngine, worker: AsyncEngine) -> None:
    first, second, other = uuid4(), uuid4(), uuid4()
    await projected(worker, of_intake(first, 1), of_mediation(first, 1), of_intake(second, 1), of_intake(other, 1))
    await projected(worker, of_mediation(first, 2), of_intake(first, 2), of_intake(first, 3))
    await projected(worker, recorded("intake", other, 2, CaseErased()))
    expected = fold(
        VISITS,
        {},
        concerned(
            VISITS,
            [
                Taken(event)
                for event in (
                    *(of_intake(first, version) for version in (1, 2, 3)),
                    *(of_mediation(first, version) for version in (1, 2)),
                    of_intake(second, 1),
                )
            ],
        ),
    )
    assert await visits(worker) == expected
    assert expected[first] == Visit(first, "/lakeside/", 2, 2, "cadre-1", expected[first].resolved_on)


async def test_rows_are_seen_in_scope_only(owner: AsyncEngine, worker: AsyncEngine, application: AsyncEngine) -> None:
    east, west = uuid4(), uuid4()
    await projected(worker, of_intake(east, 1, "/city/d1/"), of_intake(west, 1, "/city/d10/"))

    async def seen(*areas: str) -> set[UUID]:
        async with scoped(application, areas) as connection:
            rows = await connection.exec_driver_sql("SELECT case_id FROM visit")
            return set(rows.scalars())

    assert await seen("/city/d1/") == {east}
    assert await seen("/city/") == {east, west}
    assert await visits(application) == {}
    with pytest.raises(DBAPIError):
        async with scoped(application, ["/city/"]) as connection:
            await connection.exec_driver_sql("DELETE FROM visit_1")


async def test_an_event_type_that_a_model_does_not_fold_is_never_decoded(
    owner: AsyncEngine, worker: AsyncEngine
) -> None:
    await projected(worker, of_intake(uuid4(), 1)._replace(type="case.amended", data=b"{broken"))
    assert await visits(worker) == {}


# Installing.


async def test_another_version_waits_for_its_rebuild(owner: AsyncEngine, worker: AsyncEngine) -> None:
    newer = replace(VISITS, version=2)
    async with owner.begin() as connection:
        assert await ensure(connection, "chassis", [newer]) == ["visit"]
    async with worker.begin() as connection:
        with pytest.raises(RebuildDue):
            await project(connection, newer, [Taken(of_intake(uuid4(), 1))])


async def test_a_model_that_comes_after_its_history_waits_for_its_rebuild(chassis_database: Dsns) -> None:
    pool = engine(chassis_database.owner, "test")
    async with pool.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO progress (consumer, source, stream_id, version) VALUES ('c', 'intake', $1, 1)", (uuid4(),)
        )
        assert await ensure(connection, "chassis", [VISITS]) == ["visit"]
        with pytest.raises(RebuildDue):
            await project(connection, VISITS, [])
    await pool.dispose()


def test_a_misshapen_model_is_refused() -> None:
    def table(*columns: "Column[Any]") -> Table:
        return Table("visit", MetaData(), *columns)

    key = Column("case_id", Uuid, primary_key=True)
    with pytest.raises(MisshapenModel, match="fields"):
        replace(VISITS, table=table(key, Column("area", Text)))
    with pytest.raises(MisshapenModel, match="called"):
        replace(VISITS, name="visits")
    with pytest.raises(MisshapenModel, match="primary key"):
        replace(COUNTS, table=table(Column("case_id", Integer, primary_key=True), Column("events", Integer)))


VERSIONS = st.tuples(st.integers(0, 6), st.integers(0, 6))


@given(VERSIONS, st.data())
def test_the_order_between_sources_does_not_matter(versions: tuple[int, int], data: st.DataObject) -> None:
    stream = UUID(int=1)
    intake = [of_intake(stream, version) for version in range(1, versions[0] + 1)]
    mediation = [of_mediation(stream, version) for version in range(1, versions[1] + 1)]
    straight = [*intake, *mediation]
    mixed: list[Recorded] = []
    while intake or mediation:
        from_intake = bool(intake) and (not mediation or data.draw(st.booleans()))
        mixed.append((intake if from_intake else mediation).pop(0))

    def folded(events: list[Recorded]) -> dict[UUID, Any]:
        return fold(VISITS, {}, concerned(VISITS, [Taken(event) for event in events]))

    assert folded(mixed) == folded(straight)
