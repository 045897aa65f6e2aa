"""Carrying out commands on a real store: first outcomes, conflicts, scopes, and many at once."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID, uuid4

import pytest

from deploy.local.postgres import Dsns
from services.chassis.commands import Intent, UnknownStream, handle, handle_all
from services.chassis.database import engine
from services.chassis.decider import Decider, Refused
from services.chassis.eventstore import EventStore, KeyReused, Outcome, StaleVersion
from services.chassis.ids import new_id
from services.contracts.cases import CaseAssigned
from services.contracts.event import Event, StreamKind

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class AlreadyTheirs(Refused):
    message: ClassVar[str] = "it is already with {owner}: give it to somebody else"


def give(owner: str, owners: tuple[str, ...]) -> Sequence[Event]:
    """A stand-in rule: anybody may be given it, but not twice."""
    if owner in owners:
        raise AlreadyTheirs(owner=owner)
    return [CaseAssigned(owner=owner)]


def remember(owners: tuple[str, ...], event: Event) -> tuple[str, ...]:
    assert isinstance(event, CaseAssigned)
    return (*owners, event.owner)


GIVING: Decider[str, tuple[str, ...]] = Decider(StreamKind.CASE, (), give, remember)


@pytest.fixture
async def store(chassis_database: Dsns) -> AsyncGenerator[EventStore]:
    application, worker = engine(chassis_database.application, "test"), engine(chassis_database.worker, "test")
    async with EventStore("chassis", application, worker).open() as store:
        yield store
    await application.dispose()
    await worker.dispose()


def intent(
    owner: str,
    stream: UUID,
    *,
    key: str | None = None,
    begins_in: str | None = None,
    scope: Sequence[str] | None = None,
    expected: int | None = None,
) -> Intent[str]:
    return Intent(
        stream=stream,
        command=owner,
        key=key or uuid4().hex,
        fingerprint=owner.encode(),
        actor="staff",
        at=AT,
        area=begins_in,
        scope=scope,
        expected=expected,
    )


@pytest.fixture
async def begun(store: EventStore) -> UUID:
    stream = new_id()
    await handle(store, GIVING, intent("first", stream, begins_in="/city/d1/"))
    return stream


async def test_a_repeat_gets_its_first_outcome_though_the_rule_would_now_refuse_it(
    store: EventStore, begun: UUID
) -> None:
    once = intent("second", begun)
    assert await handle(store, GIVING, once) == Outcome(begun, 2)
    assert await handle(store, GIVING, once) == Outcome(begun, 2, repeated=True)


async def test_a_refusal_is_given_again_to_a_repeat(store: EventStore, begun: UUID) -> None:
    refused = intent("first", begun)
    for _ in range(2):
        with pytest.raises(AlreadyTheirs, match="already with first"):
            await handle(store, GIVING, refused)


async def test_a_key_with_another_request_is_refused(store: EventStore, begun: UUID) -> None:
    await handle(store, GIVING, intent("second", begun, key="the key"))
    with pytest.raises(KeyReused):
        await handle(store, GIVING, intent("third", begun, key="the key"))


async def test_a_beginning_that_finds_its_stream_begun_is_decided_on_what_is_there(
    store: EventStore, begun: UUID
) -> None:
    with pytest.raises(AlreadyTheirs):
        await handle(store, GIVING, intent("first", begun, begins_in="/city/d1/"))
    assert await handle(store, GIVING, intent("second", begun, begins_in="/city/d1/")) == Outcome(begun, 2)


async def test_a_stream_outside_the_scope_is_as_if_it_were_not(store: EventStore, begun: UUID) -> None:
    with pytest.raises(UnknownStream):
        await handle(store, GIVING, intent("second", begun, scope=["/city/d10/"]))
    with pytest.raises(UnknownStream):
        await handle(store, GIVING, intent("second", new_id(), scope=["/city/"]))
    with pytest.raises(UnknownStream):
        await handle(store, GIVING, intent("third", begun, begins_in="/city/d10/", scope=["/city/d10/"]))
    assert (await handle(store, GIVING, intent("second", begun, scope=["/city/"]))).version == 2


async def test_whoever_saw_an_older_version_is_told_so(store: EventStore, begun: UUID) -> None:
    await handle(store, GIVING, intent("second", begun, expected=1))
    with pytest.raises(StaleVersion):
        await handle(store, GIVING, intent("third", begun, expected=1))


async def test_racing_commands_on_one_stream_all_find_their_place(store: EventStore, begun: UUID) -> None:
    outcomes = await asyncio.gather(*(handle(store, GIVING, intent(f"n{nth}", begun)) for nth in range(4)))
    assert sorted(outcome.version for outcome in outcomes) == [2, 3, 4, 5]


async def test_many_in_one_go_are_answered_in_their_order(store: EventStore, begun: UUID) -> None:
    other = new_id()
    results = await handle_all(
        store,
        GIVING,
        [
            intent("a", begun),
            intent("a", begun),
            intent("b", begun),
            intent("a", other),
            intent("a", other, begins_in="/city/d2/"),
            intent("b", other),
        ],
    )
    first, refused, second, unknown, beginning, following = results
    assert first == Outcome(begun, 2)
    assert isinstance(refused, AlreadyTheirs)
    assert second == Outcome(begun, 3)
    assert isinstance(unknown, UnknownStream)
    assert beginning == Outcome(other, 1)
    assert following == Outcome(other, 2)
