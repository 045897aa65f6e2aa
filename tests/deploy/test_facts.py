"""The collector on real databases: what it finds there is what the checker must be told, whole and spoilt."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import chain
from typing import Any

import asyncpg
import pytest

from deploy.evidence import Table
from deploy.facts import Places, collect
from deploy.in_areas import tables_of
from deploy.local.postgres import Dsns
from deploy.local.state import SERVICES
from deploy.on_time import timers_of
from deploy.reconcile import Finding, judge
from services.chassis.clock import now
from services.contracts.deadlines import Rule
from services.intake.read_models.feeds import READ_MODELS as OF_INTAKE
from services.mediation.read_models.feeds import READ_MODELS as OF_MEDIATION
from services.notifications.read_models.feeds import READ_MODELS as OF_NOTIFICATIONS
from services.reporting.read_models.following import READ_MODELS as OF_REPORTING
from tests.conftest import Databases
from tests.intake.door import AREA
from tests.mediation.happened import WILLOW_LANE
from tests.mediation.office import Office, opened_office
from tests.services import migrated

READ_MODELS = {
    "intake": chain(*OF_INTAKE.values()),
    "mediation": chain(*OF_MEDIATION.values()),
    "notifications": chain(*OF_NOTIFICATIONS.values()),
    "reporting": OF_REPORTING,
}


@asynccontextmanager
async def connected(dsn: str) -> AsyncGenerator[Any]:
    database: Any = await asyncpg.connect(dsn)
    try:
        yield database
    finally:
        await database.close()


async def _spoil(dsns: Dsns, *statements: str) -> None:
    async with connected(dsns.owner) as owner:
        for statement in statements:
            await owner.execute(statement)


@pytest.fixture(scope="module")
async def databases(postgres: Databases) -> AsyncGenerator[Mapping[str, Dsns]]:
    """One of each service, with nothing in it."""
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(migrated(postgres, name, READ_MODELS[name])) for name in SERVICES}


@pytest.fixture
async def mediation(postgres: Databases) -> AsyncGenerator[Dsns]:
    async with migrated(postgres, "mediation", chain(*OF_MEDIATION.values())) as dsns:
        yield dsns


@pytest.fixture
async def office(mediation: Dsns) -> AsyncGenerator[Office]:
    """With one case, whose dates run."""
    async with opened_office(mediation) as opened:
        await opened.register()
        await opened.report()
        await opened.timers.follow()
        yield opened


async def test_timers_are_found_as_they_run_and_fire(mediation: Dsns, office: Office) -> None:
    async with connected(mediation.worker) as to:
        before = await timers_of("mediation", to)
        assert set(before.waiting) == set(before.running) == set(before.ever) != set()
        assert not before.fired

        await office.timers.fire(now() + timedelta(days=30))
        after = await timers_of("mediation", to)
        assert set(after.waiting) == set(after.running)
        assert {clock.name for clock in after.fired} >= {Rule.ACKNOWLEDGE, f"remind:{Rule.ACKNOWLEDGE}"}
        assert after.fired.keys() <= set(after.ever)
        # The clock they went by was a month ahead, and the database's own says so.
        assert all(at < clock.due_at for clock, at in after.fired.items())


@pytest.mark.usefixtures("office")
async def test_a_timer_that_its_table_lost_is_found(mediation: Dsns) -> None:
    await _spoil(mediation, "DELETE FROM timer WHERE name = 'acknowledge'")
    async with connected(mediation.worker) as to:
        timers = await timers_of("mediation", to)
    assert {clock.name for clock in set(timers.running) - set(timers.waiting)} == {Rule.ACKNOWLEDGE}


async def test_what_the_timers_have_not_read_yet_is_no_difference(mediation: Dsns, office: Office) -> None:
    await office.report()
    async with connected(mediation.worker) as to:
        timers = await timers_of("mediation", to)
    assert set(timers.running) == set(timers.waiting)


@pytest.mark.usefixtures("office")
async def test_every_row_lies_where_its_stream_does(mediation: Dsns) -> None:
    async with connected(mediation.worker) as to:
        tables = {table.name: table for table in await tables_of("mediation", to)}
    assert tables.keys() >= {"event", "stream", "particulars", "timer", "caseload", "caseload_1", "merged_case"}
    assert [table for table in tables.values() if table.astray or not table.guarded] == []
    assert tables["event"].rows == 1
    assert tables["timer"].rows > 1
    assert tables["caseload_1"].rows == 1


@pytest.mark.usefixtures("office")
async def test_a_row_that_strayed_and_a_table_that_lies_open_are_found(mediation: Dsns) -> None:
    await _spoil(
        mediation,
        "UPDATE caseload_1 SET area = '/elsewhere/'",
        "ALTER TABLE timer NO FORCE ROW LEVEL SECURITY",
        "ALTER VIEW caseload SET (security_invoker = false)",
        "CREATE TABLE noted (case_id uuid, area text)",
    )
    async with connected(mediation.worker) as to:
        tables = {table.name: table for table in await tables_of("mediation", to)}
    assert tables["caseload_1"].astray == 1
    assert {table.name for table in tables.values() if not table.guarded} == {"timer", "caseload", "noted"}


async def findings(databases: Mapping[str, Dsns], kafka: str) -> dict[str, Finding]:
    facts = await collect(Places({name: databases[name].worker for name in SERVICES}, kafka))
    return {finding.check: finding for finding in judge(facts)}


ERASED = "nothing that was told of an erased case is left"
LEDGER = "every erased case is in the ledger that a restore goes by"
CASE = "0195a000-0000-7000-8000-0000000000e1"


async def test_all_of_it_is_collected_and_a_text_that_outlived_its_case_is_found(
    databases: Mapping[str, Dsns], kafka: str
) -> None:
    found = await findings(databases, kafka)
    assert {finding.invariant for finding in found.values()} == {f"I{nth}" for nth in range(1, 10)}
    new = {name: finding for name, finding in found.items() if finding.invariant in ("I3", "I6", "I7", "I8")}
    assert [finding for finding in new.values() if not finding.ok] == []

    await _spoil(
        databases["intake"],
        "INSERT INTO event (position, occurred_at, recorded_at, stream_id, version, schema_version, type, area, actor,"
        f" command_key, fingerprint, data) VALUES (1, now(), now(), '{CASE}', 1, 1, 'case.erased', '{AREA}', 'ana',"
        " 'k', '', '{}')",
        f"INSERT INTO set_aside (ref, case_id, community, area, reference, fingerprint, key_id, sealed)"
        f" VALUES ('{CASE}', '{CASE}', '{CASE}', '{AREA}', 'R-1', '', 1, '')",
    )
    await _spoil(
        databases["mediation"],
        f"INSERT INTO particulars (ref, stream_id, key_id, area, sealed) VALUES ('{CASE}', '{CASE}', 1,"
        f" '{WILLOW_LANE}', '')",
    )
    found = await findings(databases, kafka)
    assert list(found[ERASED].differences) == [
        f"intake: 1 rows of set_aside, e.g. of {CASE}",
        f"mediation: 1 rows of particulars, e.g. of {CASE}",
    ]
    assert list(found[LEDGER].differences) == [f"1 missing, e.g. {CASE}"]


async def test_reporting_s_rows_are_held_against_what_was_published(databases: Mapping[str, Dsns]) -> None:
    event = (
        "INSERT INTO public_event (position, occurred_at, recorded_at, source_position, stream_id, version,"
        " schema_version, source, type, area, actor, command_key, fingerprint, data)"
        f" VALUES ({{}}, now(), now(), 1, '{CASE}', 1, 1, '{{}}', 'case.opened', '{{}}', 'ana', 'k', '', '{{{{}}}}')"
    )
    await _spoil(
        databases["reporting"],
        event.format(1, "intake", AREA),
        event.format(2, "mediation", "/lakeside/west/"),
    )
    async with connected(databases["reporting"].worker) as to:
        [table] = [table for table in await tables_of("reporting", to) if table.name == "public_event"]
    assert table == Table("reporting", "public_event", 2, 1, [CASE])
