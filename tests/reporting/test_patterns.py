"""Many faults of one kind in one community: told of once, and only of faults."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.chassis.service import Service
from services.chassis.taken import Taken
from services.contracts.cases import CaseReported, Channel, Kind, Urgency
from services.contracts.envelope import Recorded
from services.contracts.patterns import PatternFound, pattern_stream
from services.reporting.domain.commands import FindPatterns, Window
from services.reporting.domain.decider import PATTERNS
from services.reporting.patterns import Patterns
from tests.given import Given
from tests.reporting.bureau import Bureau, happened

given = Given(PATTERNS)

AREA = "/nyc/nycc33/"
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


def find(*windows: tuple[int, datetime, datetime]) -> FindPatterns:
    return FindPatterns(AREA, "water-leak", tuple(Window(*window) for window in windows), enough=9)


def found(cases: int, since: datetime, until: datetime) -> PatternFound:
    return PatternFound(area=AREA, category="water-leak", cases=cases, since=since, until=until)


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = MONDAY + timedelta(hours=30)


def test_nine_are_a_pattern() -> None:
    given().when(find((9, MONDAY, LATER))).then(found(9, MONDAY, LATER))


def test_eight_are_none() -> None:
    given().when(find((8, MONDAY, LATER))).then()


def test_a_pattern_is_told_of_once() -> None:
    given(found(9, MONDAY, LATER)).when(find((10, MONDAY + HOUR, LATER + HOUR))).then()


def test_a_fault_of_an_old_pattern_makes_no_new_one() -> None:
    given(found(9, MONDAY, LATER)).when(find((9, LATER, LATER + DAY))).then()


def test_nine_new_ones_are_a_new_pattern() -> None:
    since, until = LATER + timedelta(seconds=1), LATER + DAY
    given(found(9, MONDAY, LATER)).when(find((9, since, until))).then(found(9, since, until))


def test_of_many_windows_each_fault_is_told_of_once() -> None:
    second = (9, LATER + HOUR, LATER + DAY)
    given().when(find((9, MONDAY, LATER), (9, MONDAY + HOUR, LATER + HOUR), second)).then(
        found(9, MONDAY, LATER), found(*second)
    )


def report(at: datetime, kind: Kind = Kind.FAULT, *, area: str = AREA, imported: bool = False) -> Recorded:
    event = CaseReported(
        community=UUID(int=8),
        kind=kind,
        category="water-leak",
        urgency=Urgency.URGENT,
        channel=Channel.WEB,
        reported_on=date(2026, 3, 2),
        imported=imported,
        particulars=uuid4(),
    )
    return happened(event, uuid4(), area=area, at=at)


async def patterns_after(bureau: Bureau, *batches: list[Recorded]) -> list[dict[str, Any]]:
    service: Service = bureau.app.state.service
    patterns = Patterns(service.store, enough=9)
    for batch in batches:
        async with bureau.worker.begin() as connection:
            await patterns.take(connection, [Taken(one) for one in batch])
    async with bureau.worker.connect() as connection:
        told = await service.store.read_stream(connection, pattern_stream(AREA, "water-leak"))
    return [one.event().model_dump(include={"cases", "since", "until"}) for one in told]


def leaks(number: int, begin: datetime = MONDAY) -> list[Recorded]:
    return [report(begin + timedelta(hours=nth)) for nth in range(number)]


async def test_nine_leaks_in_two_days_in_one_batch_or_in_many(empty: Bureau) -> None:
    nine = leaks(9)
    told = await patterns_after(empty, nine[:4], nine[4:8], nine[8:])
    assert told == [{"cases": 9, "since": MONDAY, "until": MONDAY + timedelta(hours=8)}]


async def test_the_order_in_which_partitions_are_read_hides_no_pattern(empty: Bureau) -> None:
    nine = leaks(9)
    told = await patterns_after(empty, nine[8:], nine[3:8], nine[:3])
    assert told == [{"cases": 9, "since": MONDAY, "until": MONDAY + timedelta(hours=8)}]


async def test_a_batch_that_comes_again_tells_nothing_twice(empty: Bureau) -> None:
    nine = leaks(9)
    assert len(await patterns_after(empty, nine, nine, leaks(3, MONDAY + timedelta(hours=9)))) == 1


async def test_leaks_spread_over_many_days_are_no_pattern(empty: Bureau) -> None:
    assert await patterns_after(empty, [report(MONDAY + timedelta(hours=7 * nth)) for nth in range(20)]) == []


async def test_disputes_history_and_other_communities_are_not_counted(empty: Bureau) -> None:
    eight = leaks(8)
    others = [report(MONDAY, Kind.DISPUTE), report(MONDAY, imported=True), report(MONDAY, area="/nyc/nycc3/")]
    assert await patterns_after(empty, eight + others) == []


async def test_only_the_last_days_are_kept(empty: Bureau) -> None:
    await patterns_after(empty, leaks(5), leaks(1, MONDAY + timedelta(days=30)))
    async with empty.worker.connect() as connection:
        kept = await connection.exec_driver_sql("SELECT count(*) FROM fault_sighting")
        assert kept.scalar_one() == 1


async def test_a_flood_of_faults_in_one_place_is_counted_in_one_batch(empty: Bureau) -> None:
    """Counting grew with the cube of them: a statement over a thousand ran longer than any may, again and again."""
    flood = [report(MONDAY + timedelta(seconds=nth)) for nth in range(2000)]
    told = await patterns_after(empty, flood)
    assert told[0] == {"cases": 9, "since": MONDAY, "until": MONDAY + timedelta(seconds=8)}


async def test_one_more_among_tens_of_thousands_is_counted_at_once(empty: Bureau) -> None:
    """Every window of its place was counted anew for each fault: after hours of a storm that took many seconds."""
    many = 20_000
    crowd = """
    INSERT INTO fault_sighting
    SELECT gen_random_uuid(), $1::timestamptz + nth * interval '1 second', $2, $3 FROM generate_series(1, $4) nth
    """
    async with empty.worker.begin() as connection:
        await connection.exec_driver_sql(crowd, (MONDAY, AREA, "water-leak", many))
    until = MONDAY + timedelta(seconds=many + 1)
    async with asyncio.timeout(2):
        told = await patterns_after(empty, [report(until)])
    assert told == [{"cases": many + 1, "since": MONDAY + timedelta(seconds=1), "until": until}]
