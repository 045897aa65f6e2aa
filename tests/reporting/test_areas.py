"""Rows of one area are not seen from another, whatever a query forgets: the database itself refuses."""

from services.chassis.database import scoped
from services.chassis.service import Service
from tests.reporting.bureau import Bureau
from tests.reporting.constituents import Casework
from tests.services import staff

SEEN_BY_AREA = ("case_fact", "place", "public_event")

_WITHOUT_POLICY = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('area', 'level')
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid))
"""


async def test_every_table_with_an_area_has_its_policy(history: Bureau) -> None:
    async with history.owner.connect() as connection:
        assert (await connection.exec_driver_sql(_WITHOUT_POLICY)).scalars().all() == []


async def test_the_application_sees_its_scope_alone(history: Bureau, sample: list[Casework]) -> None:
    service: Service = history.app.state.service
    of_33 = [work for work in sample if work.area == "/nyc/nycc33/"]
    expected = {"case_fact": len(of_33), "place": 1, "public_event": 1 + sum(2 + (w.days is not None) for w in of_33)}
    for table in SEEN_BY_AREA:
        async with scoped(service.application, ["/nyc/nycc33/"]) as connection:
            seen = await connection.exec_driver_sql(f"SELECT count(*), count(DISTINCT area) FROM {table}")
            assert tuple(seen.one()) == (expected[table], 1)
        async with service.application.begin() as connection:
            unscoped = await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")
            assert unscoped.scalar_one() == 0


async def test_what_was_counted_for_one_is_not_told_to_another(history: Bureau) -> None:
    """Figures are remembered by area, and an area is only asked for by those who may."""
    for area, other in (("/nyc/nycc21/", "/nyc/nycc33/"), ("/nyc/nycc33/", "/nyc/nycc21/")):
        from_own = await history.indicators(staff("supervisor", area))
        refused = await history.client.get(
            "/api/reporting/v1/indicators", params={"area": other}, headers=staff("supervisor", area)
        )
        assert from_own["area"] == area
        assert refused.status_code == 404
