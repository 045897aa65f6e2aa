"""The live feed: whoever listens is told each event of their areas once, in order, whatever breaks in between."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime

import asyncpg
import pytest

from deploy.local.postgres import Dsns
from services.chassis.commands import Intent, handle
from services.chassis.eventstore import Outcome
from services.chassis.ids import new_id
from services.chassis.passing import StoreUnavailable
from services.contracts.duty import duty_stream
from services.contracts.envelope import Recorded
from services.notifications import feed as feeding
from services.notifications.domain.commands import TakeDuty
from services.notifications.domain.decider import DUTY
from services.notifications.feed import Feed, Mark
from tests.notifications.office import Office

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECONDS = 30.0


@asynccontextmanager
async def feeding_from(office: Office) -> AsyncGenerator[Feed]:
    feed = Feed(office.service.store, office.service.application, office.service.worker)
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def feed(office: Office) -> AsyncGenerator[Feed]:
    async with feeding_from(office) as feed:
        yield feed


async def happens(office: Office, area: str, cadre: str = "") -> Outcome:
    """Somebody else goes on duty there."""
    command = TakeDuty(area, cadre or f"cadre-{new_id().hex[-12:]}", AT)
    intent = Intent(duty_stream(area), command, new_id().hex, b"", "test", AT, area=area)
    return await handle(office.service.store, DUTY, intent)


async def take(feed: Feed, areas: list[str], after: int | None, number: int, heartbeat: float = 15.0) -> list[Recorded]:
    """The next events of these areas."""
    taken: list[Recorded] = []
    async with asyncio.timeout(SECONDS), aclosing(feed.listen(areas, after, heartbeat)) as told:
        async for one in told:
            if isinstance(one, Recorded):
                taken.append(one)
                if len(taken) == number:
                    break
    return taken


async def now_of(feed: Feed) -> int:
    async with asyncio.timeout(SECONDS), aclosing(feed.listen(["/"], None)) as told:
        first = await anext(told)
    assert isinstance(first, Mark)
    return first.position


async def test_what_happens_is_told_with_its_position(office: Office, feed: Feed) -> None:
    async with asyncio.timeout(SECONDS), aclosing(feed.listen([office.city], None)) as told:
        began = await anext(told)
        await happens(office, office.community, "mei")
        event = await anext(told)
    assert isinstance(began, Mark)
    assert isinstance(event, Recorded)
    assert (event.position > began.position, event.type, event.area) == (True, "duty.taken", office.community)


async def test_who_comes_back_misses_nothing_and_hears_nothing_twice(office: Office, feed: Feed) -> None:
    """Five listeners, each leaving again and again, while events are appended from all sides."""
    chance = random.Random(7)
    areas = [office.city, f"{office.city}a/", f"{office.city}b/"]
    before = await now_of(feed)
    number = 120
    written: dict[str, list[int]] = {area: [] for area in areas}

    async def write(area: str) -> None:
        for nth in range(number):
            await happens(office, f"{area}{nth % 10}/")

    async def listen(area: str) -> list[int]:
        heard: list[int] = []
        last = before
        wanted = number * (len(areas) if area == office.city else 1)
        while len(heard) < wanted:
            stays = chance.randrange(1, 60)
            async with aclosing(feed.listen([area], last, 0.05)) as told:
                async for one in told:
                    last = one.position
                    if isinstance(one, Recorded):
                        heard.append(one.position)
                        stays -= 1
                    if stays <= 0 or len(heard) >= wanted:
                        break
        return heard

    async with asyncio.timeout(2 * SECONDS):
        listening = [asyncio.create_task(listen(area)) for area in (*areas, *areas[:2])]
        await asyncio.gather(*(write(area) for area in areas))
        heard = await asyncio.gather(*listening)
    async with office.service.worker.connect() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT position, area FROM event WHERE position > $1 ORDER BY position", (before,)
        )
        for row in rows:
            for prefix in areas:
                if row.area.startswith(prefix):
                    written[prefix].append(row.position)
    for area, positions in zip((*areas, *areas[:2]), heard, strict=True):
        assert positions == written[area]


async def test_nobody_is_told_of_other_areas_now_or_afterwards(office: Office, feed: Feed) -> None:
    before = await now_of(feed)
    await happens(office, office.street)
    await happens(office, f"{office.street}elsewhere/")
    await happens(office, office.community, "last")
    [missed] = await take(feed, [office.community], before, 1)
    assert missed.area == office.community

    async with asyncio.timeout(SECONDS), aclosing(feed.listen([office.community], None)) as told:
        await anext(told)
        await happens(office, office.street)
        await happens(office, office.community)
        event = await anext(told)
    assert isinstance(event, Recorded)
    assert event.area == office.community


async def test_one_who_does_not_keep_up_is_let_go_and_goes_on_where_they_were(
    office: Office, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "MOST_WAITING", 5)
    before = await now_of(feed)
    async with asyncio.timeout(SECONDS), aclosing(feed.listen([office.city], None)) as slow:
        await anext(slow)
        for _ in range(20):
            await happens(office, office.community)
        await take(feed, [office.city], before, 20)
        heard = [one.position async for one in slow]
    assert len(heard) <= 5
    rest = await take(feed, [office.city], max(heard, default=before), 20 - len(heard))
    assert len({*heard, *(event.position for event in rest)}) == 20


async def test_it_survives_that_the_database_goes_away(
    office: Office, feed: Feed, notifications_database: Dsns
) -> None:
    async with asyncio.timeout(SECONDS), aclosing(feed.listen([office.city], None)) as told:
        await anext(told)
        for role in ("worker", "application"):
            killer = await asyncpg.connect(getattr(notifications_database, role))
            with suppress(asyncpg.PostgresError):
                await killer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
                )
            await killer.close()
        await office.service.application.dispose()  # else the next test meets a connection that is gone
        await happens(office, office.community, "after")
        event = await anext(told)
        assert isinstance(event, Recorded)
        assert event.area == office.community


async def test_what_another_process_appends_is_told_too(office: Office, feed: Feed) -> None:
    async with feeding_from(office) as other, asyncio.timeout(SECONDS), aclosing(other.listen(["/"], None)) as told:
        await anext(told)
        async with aclosing(feed.listen([office.city], None)) as here:
            await anext(here)
            await happens(office, office.community)
            assert (await anext(here)).position == (await anext(told)).position


async def test_a_sign_of_life_carries_how_far_it_has_got(office: Office, feed: Feed) -> None:
    async with asyncio.timeout(SECONDS), aclosing(feed.listen([office.community], None, 0.02)) as told:
        began = await anext(told)
        await happens(office, office.street)
        async for one in told:
            assert isinstance(one, Mark)
            if one.position > began.position:
                break


async def test_who_was_told_further_by_another_process_is_told_nothing_twice(office: Office, feed: Feed) -> None:
    before = await now_of(feed)
    behind = Feed(office.service.store, office.service.application, office.service.worker)
    task = asyncio.create_task(behind.run())
    await now_of(behind)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for _ in range(3):
        await happens(office, office.community)
    events = await take(feed, [office.city], before, 3)
    async with asyncio.timeout(SECONDS), aclosing(behind.listen([office.city], events[1].position)) as told:
        began = await anext(told)
        assert began == Mark(events[1].position)
        task = asyncio.create_task(behind.run())
        assert (await anext(told)).position == events[2].position
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_log_that_was_restored_to_earlier_is_told_anew(office: Office, feed: Feed) -> None:
    async with asyncio.timeout(SECONDS), aclosing(feed.listen([office.city], 2**40)) as told:
        began = await anext(told)
    assert isinstance(began, Mark)
    assert (began.anew, began.position < 2**40) == (True, True)


async def test_at_the_end_of_the_service_every_stream_ends_and_none_begins(office: Office, feed: Feed) -> None:
    async def listen() -> None:
        async for _ in feed.listen([office.city], None):
            listening.set()

    listening = asyncio.Event()
    task = asyncio.create_task(listen())
    async with asyncio.timeout(SECONDS):
        await listening.wait()
        feed.leave()
        await task
    with pytest.raises(StoreUnavailable):
        await anext(feed.listen([office.city], None))
